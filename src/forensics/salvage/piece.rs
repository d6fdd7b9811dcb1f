//! The work: slot after slot, each segment is copied, made anew from what is left of it, or made from its log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::find::{Finds, Slot, relative};
use super::report::{PieceOutcome, SalvageReport, SalvagedPiece};
use super::target::Target;
use super::{SalvageProgress, gaps};
use crate::error::StoreError;
use crate::storage::chain::Anchor;
use crate::storage::keyed::PublishedEntry;
use crate::storage::segment::{self, Contents, Recovered, Recovery, Sealing};
use crate::storage::tail::{Frame, LogContents, LogHeader, TailMemory, TailSource, read_damaged};
use crate::storage::{Source, StoredEvent, files};
use crate::store::{EVENTS_BEYOND_DAMAGE, Loss, LossCause};

/// A larger segment is not read, in bytes.
const SEGMENT_BYTES_MAX: u64 = 4 << 30;

type Events = BTreeMap<u64, StoredEvent>;

/// A run of sequence numbers of which the new store has what there was, or knows what it lacks.
#[derive(Debug, Clone)]
pub(super) struct Covered {
    pub(super) id: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) bounds_us: Option<(i64, i64)>,
}

/// A salvage under way.
pub(super) struct Salvage<'a> {
    pub(super) from: &'a Path,
    epoch: u64,
    target: Target,
    pub(super) report: SalvageReport,
    pub(super) covered: BTreeMap<u64, Covered>,
    /// Where each segment of the new store stands in the chain, by its first sequence number.
    chain: BTreeMap<u64, (u64, Anchor, Anchor)>,
    /// Files of which nothing could be read, by their ids.
    pub(super) lost_files: Vec<(u64, String)>,
    /// The last sequence number that anything speaks of.
    pub(super) last_sequence: u64,
    /// Whether the end of the last log, or what may come behind it, cannot be read.
    pub(super) open_end: Option<String>,
    last_id: u64,
    pub(super) entries: Vec<PublishedEntry>,
}

impl<'a> Salvage<'a> {
    pub(super) fn new(from: &'a Path, to: &Path, epoch: u64) -> Result<Self, StoreError> {
        Ok(Self {
            from,
            epoch,
            target: Target::create(to, epoch)?,
            report: SalvageReport {
                epoch: format!("{epoch:016x}"),
                events: 0,
                foreign_records: 0,
                last_sequence: 0,
                pieces: Vec::new(),
                losses: Vec::new(),
                notes: Vec::new(),
                problems: Vec::new(),
            },
            covered: BTreeMap::new(),
            chain: BTreeMap::new(),
            lost_files: Vec::new(),
            last_sequence: 0,
            open_end: None,
            last_id: 0,
            entries: Vec::new(),
        })
    }

    /// Deals with everything that was found.
    pub(super) fn run(&mut self, finds: Finds, progress: &mut dyn FnMut(SalvageProgress)) -> Result<(), StoreError> {
        let total_bytes = finds.bytes.values().sum();
        let mut done_bytes = 0;
        self.report.notes = finds.notes;
        self.report.pieces = finds.skipped;
        (self.last_id, self.last_sequence) = (finds.last_id, finds.last_sequence);
        if finds.has_newer {
            self.open_end = Some("files of a newer version are not read".to_owned());
        }
        let last_segment = finds.slots.iter().filter(|(_, slot)| !slot.segments.is_empty()).map(|(&id, _)| id).max();
        let is_behind = |id: u64| last_segment.is_none_or(|last| id > last);
        if !finds.has_started_log && !finds.slots.iter().any(|(&id, slot)| is_behind(id) && !slot.logs.is_empty()) {
            self.open_end = Some("the log behind the last segment is missing".to_owned());
        }
        self.take_keyed();
        self.take_foreign(&finds.foreign)?;
        for (&id, slot) in &finds.slots {
            progress(SalvageProgress { done_bytes, total_bytes });
            self.take_slot(id, slot)?;
            let paths = slot.segments.iter().chain(&slot.logs);
            done_bytes += paths.filter_map(|path| finds.bytes.get(path)).sum::<u64>();
        }
        progress(SalvageProgress { done_bytes: total_bytes, total_bytes });
        Ok(())
    }

    /// Says what is lost, and makes the target a store.
    pub(super) fn finish(mut self) -> Result<SalvageReport, StoreError> {
        gaps::note(&mut self);
        let joints = self.chain.values().zip(self.chain.values().skip(1));
        let torn = joints.filter(|((_, _, after), (_, before, _))| after != before);
        let notes = torn.map(|((id, ..), (next, ..))| format!("the chain does not join segments {id} and {next}"));
        self.report.notes.extend(notes.collect::<Vec<_>>());
        let unread_behind = self.open_end.is_some();
        let sequence = self.last_sequence + if unread_behind { EVENTS_BEYOND_DAMAGE } else { 0 };
        let anchor = self.chain.last_key_value().map_or_else(Anchor::default, |(_, &(_, _, after))| after);
        self.report.last_sequence = sequence;
        self.report.pieces.sort_by(|a, b| a.path.cmp(&b.path));
        gaps::put_losses(&self.report.losses, &mut self.entries);
        self.target.finish(self.last_id + 1, sequence, anchor, &self.entries)?;
        Ok(self.report)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn target_root(&self) -> &Path {
        self.target.root()
    }

    fn piece(&mut self, path: &Path, outcome: PieceOutcome, events: u64, damage: Vec<String>) {
        let path = relative(self.from, path);
        self.report.pieces.push(SalvagedPiece { path, outcome, events, damage });
    }

    fn take_slot(&mut self, id: u64, slot: &Slot) -> Result<(), StoreError> {
        let mut best: Option<(&PathBuf, Box<Recovered>)> = None;
        let mut lost = None;
        for (index, path) in slot.segments.iter().enumerate() {
            let bytes = match files::read(path, SEGMENT_BYTES_MAX) {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.piece(path, PieceOutcome::Lost, 0, vec![error.to_string()]);
                    lost = Some(path);
                    continue;
                }
            };
            match segment::recover(&bytes) {
                Recovery::Whole(contents) if self.is_free(&contents) => {
                    self.take_whole(path, &contents, &bytes)?;
                    let behind = slot.segments[index + 1..].iter().chain(&slot.logs);
                    let others = behind.cloned().chain(best.map(|(path, _)| path.clone())).collect::<Vec<_>>();
                    others.iter().for_each(|path| self.piece(path, PieceOutcome::Held, 0, Vec::new()));
                    return Ok(());
                }
                Recovery::Whole(_) => self.refuse_overlap(path),
                Recovery::Damaged(found) if !self.is_free(&found.contents) => self.refuse_overlap(path),
                Recovery::Damaged(found) => match &best {
                    Some((_, known)) if known.events.len() >= found.events.len() => {
                        self.piece(path, PieceOutcome::Held, 0, found.damage.clone());
                    }
                    _ => {
                        if let Some((worse, known)) = best.replace((path, found)) {
                            self.piece(worse, PieceOutcome::Held, 0, known.damage.clone());
                        }
                    }
                },
                Recovery::Newer(version) => {
                    let reason = format!("it has format version {version}");
                    self.piece(path, PieceOutcome::Skipped, 0, vec![reason]);
                }
                Recovery::NoContents => {
                    let reason = "both copies of its contents are damaged".to_owned();
                    self.piece(path, PieceOutcome::Lost, 0, vec![reason]);
                    lost = Some(path);
                }
            }
        }
        let logs = self.read_logs(id, &slot.logs);
        match best {
            Some((path, found)) => self.take_damaged(path, *found, logs)?,
            None => self.take_logs(id, logs, lost)?,
        }
        Ok(())
    }

    fn refuse_overlap(&mut self, path: &Path) {
        let reason = "another file holds its sequence numbers".to_owned();
        self.piece(path, PieceOutcome::Skipped, 0, vec![reason]);
    }

    /// Whether no sequence number of a segment is taken.
    fn is_free(&self, contents: &Contents) -> bool {
        let before = self.covered.range(..=contents.last_sequence).next_back();
        contents.epoch == self.epoch && before.is_none_or(|(_, known)| known.last < contents.first_sequence)
    }

    fn take_whole(&mut self, path: &Path, contents: &Contents, bytes: &[u8]) -> Result<(), StoreError> {
        self.target.put_segment(contents.id, bytes)?;
        self.cover(contents);
        self.piece(path, PieceOutcome::Copied, u64::from(contents.count), Vec::new());
        Ok(())
    }

    fn cover(&mut self, contents: &Contents) {
        let (first, last) = (contents.first_sequence, contents.last_sequence);
        let times = contents.blocks.iter().map(|block| (block.min_us, block.max_us));
        let bounds_us = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        self.covered.insert(first, Covered { id: contents.id, first, last, bounds_us });
        self.chain.insert(first, (contents.id, contents.before, contents.after));
        self.last_sequence = self.last_sequence.max(last).max(contents.after.sequence);
    }

    /// Makes a damaged segment anew; what it lacks is taken from its log, if that is still there.
    fn take_damaged(&mut self, path: &Path, mut found: Recovered, logs: Vec<ReadLog>) -> Result<(), StoreError> {
        let original = found.contents.clone();
        let range = original.first_sequence..=original.last_sequence;
        let read = found.events.len() as u64;
        for log in logs {
            let mut used = 0;
            // A log has more than a segment from which events were removed for good.
            for (sequence, event) in log.events.into_iter().filter(|_| original.removed.is_empty()) {
                if range.contains(&sequence) && !found.events.contains_key(&sequence) {
                    found.events.insert(sequence, event);
                    used += 1;
                }
            }
            let outcome = if used > 0 { PieceOutcome::Rebuilt } else { PieceOutcome::Held };
            self.piece(&log.path, outcome, used, log.damage);
        }
        let rebuilt =
            segment::rebuild_lossy(&original, &found.events, &found.blocks).map_err(StoreError::io("rebuild", path))?;
        let name = relative(self.from, path);
        for event_type in &rebuilt.differing {
            self.report.notes.push(format!("{name}: events of {event_type} are not those that were sealed"));
        }
        self.target.put_segment(original.id, &rebuilt.file)?;
        self.piece(path, PieceOutcome::Rebuilt, read, found.damage.clone());
        self.lose_of_segment(&name, &original, &rebuilt.contents, &found);
        self.cover(&rebuilt.contents);
        // The bounds of what was sealed say more of what is around it than those of what is left.
        let times = original.blocks.iter().map(|block| (block.min_us, block.max_us));
        if let Some(covered) = self.covered.get_mut(&original.first_sequence) {
            covered.bounds_us = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        }
        Ok(())
    }

    /// Notes the events of each type that a segment has no more.
    fn lose_of_segment(&mut self, name: &str, original: &Contents, rebuilt: &Contents, found: &Recovered) {
        let numbers = original.first_sequence..=original.last_sequence;
        let missing = gaps::missing_in(numbers, found.events.keys().copied());
        for gone in &rebuilt.removed {
            let before = original.removed.iter().find(|before| before.event_type == gone.event_type);
            let events = gone.events - before.map_or(0, |before| before.events.min(gone.events));
            if events == 0 {
                continue;
            }
            let blocks: Vec<String> = found
                .blocks
                .iter()
                .filter(|block| block.event_type == gone.event_type)
                .map(|block| block.index.to_string())
                .collect();
            let place = match blocks.as_slice() {
                [] => String::new(),
                [one] => format!(", block {one}"),
                [first, .., last] => format!(", {} blocks from {first} to {last}", blocks.len()),
            };
            self.report.losses.push(Loss {
                events: Some(u64::from(events)),
                first_sequence: missing.map(|(first, _)| first),
                last_sequence: missing.map(|(_, last)| last),
                first_us: Some(gone.first_us),
                last_us: Some(gone.last_us),
                event_type: Some(gone.event_type.clone()),
                ..Loss::new(LossCause::Salvaged, format!("{name}{place}: events of {}", gone.event_type))
            });
        }
    }

    /// Makes a segment from logs, where there is none, or none that can be read.
    fn take_logs(&mut self, id: u64, logs: Vec<ReadLog>, lost: Option<&PathBuf>) -> Result<(), StoreError> {
        let mut events = Events::new();
        let mut anchor = Anchor::default();
        for log in logs {
            let mut used = 0;
            anchor = if log.anchor.sequence > anchor.sequence { log.anchor } else { anchor };
            for (sequence, event) in log.events {
                if self.is_covered(sequence) || events.contains_key(&sequence) {
                    continue;
                }
                events.insert(sequence, event);
                used += 1;
            }
            let outcome = match (used, log.damage.is_empty()) {
                (0, _) => PieceOutcome::Held,
                (_, true) => PieceOutcome::Copied,
                _ => PieceOutcome::Rebuilt,
            };
            self.piece(&log.path, outcome, used, log.damage);
            self.last_sequence = self.last_sequence.max(log.last_sequence);
            if id == self.last_id && log.torn_bytes > 0 {
                let name = relative(self.from, &log.path);
                self.open_end = Some(format!("{name}: {} bytes at its end are no whole batch", log.torn_bytes));
            }
        }
        let Some((&first, _)) = events.first_key_value() else {
            if let Some(path) = lost {
                let name = relative(self.from, path);
                self.lost_files.push((id, name));
            }
            return Ok(());
        };
        // A segment holds one run of the order of arrival: what lies behind another segment is not taken.
        if let Some((&next, _)) = self.covered.range(first..).next()
            && events.split_off(&next).first_key_value().is_some()
        {
            self.report.notes.push(format!("log {id} goes on behind the next segment; that part is not taken"));
        }
        let mut memory = TailMemory::new(first);
        for event in events.values() {
            if let Err(reason) = memory.push_stored(event) {
                self.report.notes.push(format!("log {id}: the event with number {}: {reason}", event.sequence));
            }
        }
        if memory.len() == 0 {
            return Ok(());
        }
        let before = self.chain.range(..first).next_back().map_or(anchor, |(_, &(_, _, after))| after);
        let sealing = Sealing { epoch: self.epoch, id, sealed_at_us: chrono::Utc::now().timestamp_micros(), before };
        let built = segment::build(&memory, sealing).map_err(StoreError::io("build", self.target.root()))?;
        self.target.put_segment(id, &built.1)?;
        self.cover(&built.0);
        self.covered.remove(&built.0.first_sequence);
        for (first, last) in gaps::runs(events.keys().copied()) {
            let times = events.range(first..=last).map(|(_, stored)| stored.event.timestamp_us());
            let bounds_us = times.map(|us| (us, us)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            self.covered.insert(first, Covered { id, first, last, bounds_us });
        }
        Ok(())
    }

    fn is_covered(&self, sequence: u64) -> bool {
        self.covered.range(..=sequence).next_back().is_some_and(|(_, known)| known.last >= sequence)
    }

    fn read_logs(&mut self, id: u64, paths: &[PathBuf]) -> Vec<ReadLog> {
        let named = LogHeader { epoch: self.epoch, id, first_sequence: 1, anchor: Anchor::default() };
        let mut logs = Vec::new();
        for path in paths {
            match read_damaged(path, &named) {
                Ok((contents, has_header)) => {
                    logs.push(ReadLog::of(path, &contents, has_header));
                }
                Err(error) => {
                    self.piece(path, PieceOutcome::Lost, 0, vec![error.to_string()]);
                    let name = relative(self.from, path);
                    self.lost_files.push((id, name));
                }
            }
        }
        logs
    }
}

/// What was read of a log.
struct ReadLog {
    path: PathBuf,
    events: Events,
    anchor: Anchor,
    damage: Vec<String>,
    /// The last sequence number that it speaks of.
    last_sequence: u64,
    torn_bytes: u64,
}

impl ReadLog {
    fn of(path: &Path, contents: &LogContents, has_header: bool) -> Self {
        let torn_bytes = contents.torn_bytes;
        let mut log = Self {
            path: path.to_owned(),
            events: Events::new(),
            anchor: contents.header.anchor,
            damage: Vec::new(),
            last_sequence: contents.header.first_sequence.saturating_sub(1),
            torn_bytes,
        };
        if !has_header {
            log.damage.push("its header".to_owned());
        }
        let stretches = contents.damaged.iter();
        log.damage.extend(stretches.map(|stretch| format!("{} bytes from byte {} on", stretch.bytes, stretch.offset)));
        if torn_bytes > 0 {
            log.damage.push(format!("{torn_bytes} bytes at its end"));
        }
        let mut memory = TailMemory::new(1);
        for frame in &contents.frames {
            match frame {
                Frame::Anchor(anchor) => {
                    log.last_sequence = log.last_sequence.max(anchor.sequence);
                }
                Frame::Batch(batch) => {
                    log.last_sequence = log.last_sequence.max(batch.last_sequence());
                    if memory.replay(batch, 1).is_err() {
                        // Batches out of order are read each by itself.
                        log.add(std::mem::replace(&mut memory, TailMemory::new(1)));
                        if let Err(reason) = memory.replay(batch, 1) {
                            log.damage.push(format!("the batch from number {} on: {reason}", batch.first_sequence));
                        }
                    }
                }
            }
        }
        log.add(memory);
        log
    }

    fn add(&mut self, memory: TailMemory) {
        let memory = std::sync::Arc::new(parking_lot::RwLock::new(memory));
        let source = TailSource::new(&memory);
        for (block, zone) in source.zones().iter().enumerate() {
            let Ok(rows) = source.rows(block) else { continue };
            for row in 0..zone.count {
                let stored = rows.stored_event(row);
                self.events.entry(stored.sequence).or_insert(stored);
            }
        }
    }
}
