//! Checks the logs: their frames, what of them no segment holds yet, and that those of segments say the same.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;

use super::files::unreadable;
use super::segments::Checked;
use super::{Severity, Verification};
use crate::error::StoreError;
use crate::storage::chain::Anchor;
use crate::storage::files::{self, LOG_ENDING, TAIL_DIRECTORY};
use crate::storage::segment::{Contents, roots};
use crate::storage::tail::{Frame, LogContents, TailMemory, TailSource, read_log, read_settled};
use crate::storage::{EVENTS_REMOVED, Source};
use crate::store::directory::Directory;

/// How often the logs are listed again because one was removed meanwhile.
const LISTINGS_MAX: usize = 20;

/// A log as it was read.
pub(super) struct ReadLog {
    pub(super) id: u64,
    /// How much of it was read.
    pub(super) bytes: u64,
    pub(super) contents: Result<Option<LogContents>, StoreError>,
}

impl ReadLog {
    pub(super) fn file(&self) -> PathBuf {
        files::numbered(TAIL_DIRECTORY.as_ref(), self.id, LOG_ENDING)
    }

    /// The links of the chain that it names.
    pub(super) fn anchors(&self) -> impl Iterator<Item = Anchor> {
        let contents = self.contents.as_ref().ok().and_then(Option::as_ref);
        let frames = contents.into_iter().flat_map(|contents| &contents.frames);
        let frames = frames.filter_map(|frame| if let Frame::Anchor(anchor) = frame { Some(*anchor) } else { None });
        contents.map(|contents| contents.header.anchor).into_iter().chain(frames)
    }
}

/// Reads every log, in the order of their ids.
pub(super) fn read_all(directory: &Directory) -> Result<Vec<ReadLog>, StoreError> {
    'listing: for _ in 0..LISTINGS_MAX {
        // One that cannot be listed is found beside the logs.
        let ids = files::list_numbered(&directory.tail, LOG_ENDING).unwrap_or_default();
        let mut logs = Vec::new();
        for (at, &id) in ids.iter().enumerate() {
            let path = files::numbered(&directory.tail, id, LOG_ENDING);
            // Nobody writes to another than the last.
            let contents = if at + 1 == ids.len() {
                read_settled(&path).map(|log| log.map(|(_, contents)| contents))
            } else {
                read_log(&path, 0)
            };
            match &contents {
                // It was sealed meanwhile: it is found among the segments, which are listed later.
                Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => continue 'listing,
                Err(_) | Ok(_) => {}
            }
            let bytes = match &contents {
                Ok(Some(contents)) => contents.whole_bytes + contents.torn_bytes,
                _ => std::fs::symlink_metadata(&path).map_or(0, |metadata| metadata.len()),
            };
            logs.push(ReadLog { id, bytes, contents });
        }
        return Ok(logs);
    }
    Err(StoreError::damaged(&directory.tail, "its logs vanish faster than they can be read"))
}

/// The events of a log that no segment holds.
pub(super) struct TailEvents {
    pub(super) memory: Arc<RwLock<TailMemory>>,
}

impl TailEvents {
    /// The runs of sequence numbers, each with the times of its first and last event.
    pub(super) fn runs(&self) -> Vec<(u64, u64)> {
        let memory = self.memory.read();
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for sequence in (0..memory.len()).map(|position| memory.sequence(position)) {
            match runs.last_mut() {
                Some(run) if run.1 + 1 == sequence => run.1 = sequence,
                _ => runs.push((sequence, sequence)),
            }
        }
        runs
    }

    /// The time of the event with a sequence number.
    pub(super) fn time_of(&self, sequence: u64) -> Option<i64> {
        let memory = self.memory.read();
        (0..memory.len()).find(|&at| memory.sequence(at) == sequence).map(|at| memory.timestamp_us(at))
    }

    /// For each type its name and the time and ordinal of each of its events.
    pub(super) fn ids(&self) -> Vec<(String, Vec<(i64, u64)>)> {
        let memory = self.memory.read();
        let id = |position| (memory.timestamp_us(position), u64::from(memory.ordinal(position)));
        memory.types().iter().map(|found| (found.name.to_string(), found.positions.iter().map(id).collect())).collect()
    }

    /// The JSON of the events that say what was removed.
    pub(super) fn removals(&self) -> Vec<String> {
        let source = TailSource::new(&self.memory);
        let mut texts = Vec::new();
        for position in source.of_type(EVENTS_REMOVED) {
            let block = source.zones().partition_point(|zone| zone.first <= position).saturating_sub(1);
            let Some(first) = source.zones().get(block).map(|zone| zone.first) else { continue };
            if let Ok(rows) = source.rows(block) {
                let mut text = String::new();
                rows.event(position - first).write_json(&mut text);
                texts.push(text);
            }
        }
        texts
    }
}

/// Says what was found in each log; gives the events that no segment holds.
pub(super) fn report(
    directory: &Directory,
    logs: &[ReadLog],
    segments: &[Checked],
    epoch: u64,
    verification: &mut Verification,
) -> Vec<TailEvents> {
    let mut tails = Vec::new();
    let sealed = segments.iter().filter_map(Checked::contents).map(|contents| contents.last_sequence).max();
    let mut first_wanted = sealed.map_or(1, |last| last + 1);
    for (at, log) in logs.iter().enumerate() {
        verification.logs += 1;
        verification.file_bytes += log.bytes;
        let segment = segments.iter().find(|segment| segment.own_id() == log.id);
        let held = segment.is_some_and(|segment| segment.contents().is_some());
        let contents = match &log.contents {
            Ok(Some(contents)) => contents,
            Ok(None) => {
                let empty = log.bytes == 0 || at + 1 == logs.len();
                let severity = if empty { Severity::Notice } else { Severity::Warning };
                verification.find(severity, log.file(), "", "it was being started when its writer stopped, or was cut off or zeroed. No event of it can be read.");
                continue;
            }
            Err(error) => {
                let reason = match error {
                    StoreError::Damaged { reason, .. } => reason.clone(),
                    StoreError::NewerFormat { found, supported, .. } => format!(
                        "it has format version {found}, this program reads up to {supported}: use a newer grid-events. \
                         If no newer one wrote it, its header is damaged"
                    ),
                    other => {
                        let what = format!("{}. None of its events was checked.", unreadable(other));
                        verification.find(Severity::Error, log.file(), "", what);
                        continue;
                    }
                };
                let (severity, what) = match held {
                    true => (Severity::Warning, "Its segment holds its events."),
                    false => (
                        Severity::Error,
                        "Its events cannot be read; copy the directory and run `grid-events salvage`.",
                    ),
                };
                verification.find(severity, log.file(), "header", format!("{reason}. {what}"));
                continue;
            }
        };
        check_log(log, contents, at + 1 == logs.len(), held, epoch, verification);
        match segment.and_then(Checked::contents).filter(|_| held) {
            Some(sealed) => {
                let mut memory = TailMemory::new(sealed.first_sequence);
                replay(log, contents, &mut memory, sealed.first_sequence, verification);
                let whole = contents.damaged.is_empty() && contents.torn_bytes == 0;
                if whole && sealed.removed.is_empty() && !says_the_same(&memory, sealed) {
                    compare_again(directory, log, sealed, verification);
                }
            }
            None => {
                first_wanted = first_wanted.max(contents.header.first_sequence);
                let mut memory = TailMemory::new(first_wanted);
                replay(log, contents, &mut memory, first_wanted, verification);
                first_wanted = memory.sequence(memory.len());
                verification.events += u64::from(memory.len());
                tails.push(TailEvents { memory: Arc::new(RwLock::new(memory)) });
            }
        }
    }
    tails
}

/// Says so if the log behind the last segment is not there. It is started before that segment is made, so that it can
/// only have been taken away.
pub(super) fn check_last(directory: &Directory, segments: &[Checked], verification: &mut Verification) {
    let Some(last) = segments.iter().map(Checked::own_id).max() else { return };
    // Listed again: the logs may have been sealed and removed since.
    let Ok(ids) = files::list_numbered(&directory.tail, LOG_ENDING) else { return };
    if ids.last().is_some_and(|&id| id > last) {
        return;
    }
    let sealed = segments.iter().filter_map(Checked::contents).map(|contents| contents.last_sequence).max();
    let what = format!(
        "the log behind the last segment is missing: events after number {} may be lost. A writer always leaves one: take \
         it from a backup, or open the store with a writer if there was none.",
        sealed.unwrap_or(0)
    );
    verification.find(Severity::Warning, TAIL_DIRECTORY, "", what);
}

fn check_log(
    log: &ReadLog,
    contents: &LogContents,
    is_last: bool,
    held: bool,
    epoch: u64,
    verification: &mut Verification,
) {
    if contents.header.epoch != epoch {
        let what = format!(
            "it belongs to another store (epoch {:016x}). Take it out, if it was put here by mistake.",
            contents.header.epoch
        );
        verification.find(Severity::Error, log.file(), "header", what);
    }
    if contents.header.id != log.id {
        let what = format!("it is log {}, and was renamed. Give it back its name.", contents.header.id);
        verification.find(Severity::Error, log.file(), "header", what);
    }
    for stretch in &contents.damaged {
        let (severity, what) = match held {
            true => (Severity::Warning, "Its segment holds its events."),
            false => (Severity::Error, "The batches there are lost; the frames behind it are read."),
        };
        let bytes = if stretch.bytes == 1 { "1 byte is".to_owned() } else { format!("{} bytes are", stretch.bytes) };
        let what = format!("{bytes} not what was written. {what}");
        verification.find(severity, log.file(), format!("byte {}", stretch.offset), what);
    }
    let torn = contents.torn_bytes;
    if torn > 0 {
        let what = match (held, is_last) {
            (true, _) => "Its segment holds its events.",
            (false, true) => {
                "Its writer was stopped in the middle of a write, or its end was damaged; the next writer cuts it off. If \
                 it was damaged, the events of the last batches are lost."
            }
            (false, false) => "A later log follows, so events may be lost there.",
        };
        let torn = if torn == 1 { "1 byte is".to_owned() } else { format!("{torn} bytes are") };
        let what = format!("the last {torn} no whole frame. {what}");
        verification.find(Severity::Warning, log.file(), format!("byte {}", contents.whole_bytes), what);
    }
}

fn replay(
    log: &ReadLog,
    contents: &LogContents,
    memory: &mut TailMemory,
    first_wanted: u64,
    verification: &mut Verification,
) {
    for frame in &contents.frames {
        let Frame::Batch(batch) = frame else { continue };
        if batch.last_sequence() < first_wanted {
            continue;
        }
        if let Err(reason) = memory.replay(batch, first_wanted) {
            let place = format!("batch from number {}", batch.first_sequence);
            let lost = if batch.count == 1 { "event is".to_owned() } else { format!("{} events are", batch.count) };
            let what = format!("{reason}. Its {lost} lost.");
            verification.find(Severity::Error, log.file(), place, what);
        }
    }
}

/// Reads the log again, since it may have been read before it was sealed, and says so if it still differs.
fn compare_again(directory: &Directory, log: &ReadLog, sealed: &Contents, verification: &mut Verification) {
    let path = files::numbered(&directory.tail, log.id, LOG_ENDING);
    let Ok(Some(contents)) = read_log(&path, 0) else { return };
    let mut memory = TailMemory::new(sealed.first_sequence);
    replay(log, &contents, &mut memory, sealed.first_sequence, verification);
    if !says_the_same(&memory, sealed) {
        let what = "its segment holds other events than this log. One of the two was changed: compare with a backup.";
        verification.find(Severity::Error, log.file(), "", what);
    }
}

/// Whether a log that is still there and its segment say the same.
fn says_the_same(memory: &TailMemory, sealed: &Contents) -> bool {
    let mut types: Vec<_> =
        memory.types().iter().enumerate().filter(|(_, found)| !found.positions.is_empty()).collect();
    types.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    let types: Vec<_> = types.into_iter().map(|(place, found)| (place, Arc::clone(&found.name))).collect();
    let roots = roots::of_tail(memory, &types);
    let of_log = types.iter().map(|(_, name)| &**name).zip(roots);
    of_log.eq(sealed.types.iter().map(|found| (found.name.as_str(), found.root)))
}
