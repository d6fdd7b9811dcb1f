//! Sealing: one thread turns waiting tails into segments, applies retention and tidies up.
//!
//! Sequence numbers alone make this safe: the next log was started before, the segment is written
//! durably, and only then is the old log removed, after a grace in which a directory that is copied
//! file by file finds one or the other.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pieces::Tail;
use super::shared::Shared;
use crate::error::StoreError;
use crate::storage::files::{self, LOG_ENDING, SEGMENT_ENDING};
use crate::storage::segment::{self, Contents, SegmentReader};
use crate::storage::tail::anchor_frame;

/// How long the sealer waits after a failure before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often retention by age is applied while nothing is sealed.
const RETENTION_EVERY: Duration = Duration::from_secs(60);

/// A log whose segment is durable, and when it may go.
pub(super) struct SealedLog {
    pub(super) id: u64,
    pub(super) path: PathBuf,
    pub(super) since: Instant,
}

/// The thread.
pub(super) fn run(shared: &Shared, mut sealed_logs: Vec<SealedLog>) {
    let mut retention_at = Instant::now();
    loop {
        remove_expired_logs(shared, &mut sealed_logs);
        if retention_at <= Instant::now() {
            retention_at = next_retention(shared);
        }
        let waiting = {
            let mut sealing = shared.sealing.lock();
            let pieces = shared.pieces();
            let waiting = (pieces.waiting() > 0).then(|| Arc::clone(&pieces.tails[0]));
            if waiting.is_none() {
                if sealing.stop {
                    return;
                }
                let log_due = sealed_logs.first().map(|log| log.since + shared.config.sealed_log_grace);
                let due = log_due.map_or(retention_at, |due| due.min(retention_at));
                shared.sealing_changed.wait_until(&mut sealing, due);
            }
            waiting
        };
        let Some(tail) = waiting else { continue };
        match seal(shared, &tail) {
            Ok(()) => {
                shared.sealing.lock().failure = None;
                if let Some(log) = &tail.log {
                    sealed_logs.push(SealedLog { id: tail.id, path: log.path().to_owned(), since: Instant::now() });
                }
                retention_at = next_retention(shared);
                shared.sealing_changed.notify_all();
            }
            Err(error) => {
                let mut sealing = shared.sealing.lock();
                sealing.failure = Some(error.to_string());
                shared.sealing_changed.notify_all();
                if sealing.stop {
                    return;
                }
                shared.sealing_changed.wait_for(&mut sealing, RETRY_AFTER);
            }
        }
    }
}

/// Does one step of retention. When the next one is due: at once if there is more to do, but only after a tail that
/// waits was sealed.
fn next_retention(shared: &Shared) -> Instant {
    let more = super::retention::step(shared);
    let published = shared.publish_keyed();
    let at_once = matches!(more, Ok(true));
    shared.note_problem(more.and(published));
    if at_once { Instant::now() } else { Instant::now() + RETENTION_EVERY }
}

/// Writes the segment of the oldest tail, and puts it in the tail's place.
fn seal(shared: &Shared, tail: &Arc<Tail>) -> Result<(), StoreError> {
    let before = shared.sealing.lock().anchor;
    let path = files::numbered(&shared.directory.segments, tail.id, SEGMENT_ENDING);
    let sealing = segment::Sealing {
        epoch: shared.format.epoch,
        id: tail.id,
        sealed_at_us: chrono::Utc::now().timestamp_micros(),
        before,
    };
    let built = {
        let memory = tail.memory.read();
        if memory.len() == 0 {
            None
        } else {
            Some(segment::build(&memory, sealing).map_err(StoreError::io("build", &path))?)
        }
    };
    let Some((contents, bytes)) = built else {
        shared.change_pieces(|pieces| pieces.tails.retain(|waiting| waiting.id != tail.id));
        return Ok(());
    };
    // What stands in its place could not be read, or is another segment under this name; or an attempt before this one
    // failed behind it.
    let is_it =
        |there: &Contents| (there.id, there.after, there.count) == (contents.id, contents.after, contents.count);
    if !SegmentReader::open(&path, &shared.cache).is_ok_and(|there| is_it(there.contents())) {
        files::move_aside(&path)?;
    }
    files::write_durably(&path, &bytes)?;
    drop(bytes);
    let reader = Arc::new(SegmentReader::open(&path, &shared.cache)?);
    shared.problems.lock().retain(|problem| !problem.is_about(&path));
    shared.change_pieces(|pieces| {
        pieces.segments.push(reader);
        pieces.tails.retain(|waiting| waiting.id != tail.id);
        pieces.recent = Some(Arc::clone(tail));
    });
    shared.sealing.lock().anchor = contents.after;
    shared.durable.note_sealed(contents.last_sequence, tail.id);
    // The log after this one says where the chain stands, so that it is known without the segment too.
    if let (Some(log), Ok(frame)) =
        (shared.pieces().active().and_then(|active| active.log.as_ref()), anchor_frame(&contents.after))
    {
        // Without it the chain is known from the segment, so that the sealing is done either way.
        shared.note_problem(log.append(&frame));
    }
    Ok(())
}

fn remove_expired_logs(shared: &Shared, sealed_logs: &mut Vec<SealedLog>) {
    let first_kept = shared.pieces().segments.first().map_or(u64::MAX, |segment| segment.contents().id);
    sealed_logs.retain(|log| {
        // A log whose segment was removed would come back to life at the next open.
        let expired = log.id < first_kept || log.since.elapsed() >= shared.config.sealed_log_grace;
        !(expired && shared.note_problem(files::remove(&log.path)))
    });
}

/// Removes every log whose segment is durable, without waiting for its grace.
pub(super) fn remove_sealed_logs(shared: &Shared) -> Result<(), StoreError> {
    let pieces = shared.pieces();
    for id in files::list_numbered(&shared.directory.tail, LOG_ENDING)? {
        let path = files::numbered(&shared.directory.tail, id, LOG_ENDING);
        if !pieces.tails.iter().any(|tail| tail.log.as_ref().is_some_and(|log| log.path() == path))
            && pieces.segments.iter().any(|segment| segment.contents().id == id)
        {
            files::remove(&path)?;
        }
    }
    Ok(())
}
