//! Verify: whether a data directory holds what was written, all of it and nothing else.
//!
//! ```text
//! files (FORMAT, foreign.log, kv.jsonl) ─┐
//! logs ─► frames, batches ───────────────┼─► chain, coverage (numbers), ids ─► Verification
//! segments (in parallel) ─► facts ───────┘
//! ```
//!
//! It only reads files: it takes no lock, writes nothing, and works beside a writer, on a read-only medium and without
//! `kv/`.

mod chain;
mod coverage;
mod files;
mod ids;
mod logs;
mod options;
mod removals;
mod report;
mod segments;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

pub use options::{Head, HeadError, VerifyOptions};
pub use report::{Finding, Lost, Progress, Severity, Verification};

use crate::error::StoreError;
use crate::store::directory::Directory;
use coverage::{Given, Known};
use removals::{RemovalEvent, Said};
use segments::Checked;

/// How long a writer is given to say what it removed.
const REMOVAL_WAIT: std::time::Duration = std::time::Duration::from_millis(300);

/// Checks every byte of a store, changing none. The time is that of reading all files and of writing the JSON of all
/// events; each thread has one segment in memory at a time.
///
/// Consistency is what this proves: nothing was damaged, cut off or removed without a word. Somebody who writes all
/// files anew is only found with [`VerifyOptions::head`].
///
/// ```
/// use sutra_grid_events::forensics::{VerifyOptions, verify};
/// use sutra_grid_events::{DynamicEvent, Event, Store};
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("store");
/// let store = Store::open(&path)?;
/// store.append(&[Event::from_json(r#"{"event_type":"pod_evicted","timestamp":"2026-11-24T08:00:00Z"}"#)?])?;
/// store.seal()?;
/// let found = verify(&path, &VerifyOptions::default(), &|_| {})?;
/// assert_eq!((found.findings.len(), found.events), (0, 1));
/// let head = found.head.expect("a segment was sealed"); // To be noted elsewhere.
/// assert_eq!(verify(&path, &VerifyOptions::default().with_head(head), &|_| {})?.head_matches, Some(true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the directory is no store, was written by a newer version, or a file cannot be read at all. Damage is no error
/// but a finding.
pub fn verify(
    path: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Verification, StoreError> {
    let directory = Directory::new(path.as_ref());
    let mut verification = Verification::default();
    let named = files::epoch(&directory, &mut verification)?;
    files::check_folders(&directory, &mut verification);
    let logs = logs::read_all(&directory)?;
    let segments = segments::check_all(&directory, options, progress);
    let known = files::known(&directory.root, &mut verification);
    let epoch = named.unwrap_or_else(|| usual_epoch(&segments, &logs));
    verification.epoch = epoch;
    segments::report(&segments, epoch, &mut verification);
    let tails = logs::report(&directory, &logs, &segments, epoch, &mut verification);
    logs::check_last(&directory, &segments, &mut verification);
    let chain = chain::check(&segments, &logs, &mut verification);
    if let Some(head) = options.head {
        chain::compare_head(head, &chain, &mut verification);
    }
    let removals_of = |tails: &[logs::TailEvents]| {
        let of_tails: Vec<String> = tails.iter().flat_map(logs::TailEvents::removals).collect();
        let of_segments = segments.iter().flat_map(|found| &found.facts.removals);
        RemovalEvent::parse_all(of_segments.chain(&of_tails).map(String::as_str))
    };
    let mut said = Said { known, removals: removals_of(&tails) };
    let given = Given::of(&segments, &logs, &chain);
    let again = || {
        std::thread::sleep(REMOVAL_WAIT);
        let known = Known::read(&directory.root).ok()?;
        let newer = logs::read_all(&directory).ok()?;
        let newer = logs::report(&directory, &newer, &segments, epoch, &mut Verification::default());
        Some(Said { known, removals: removals_of(&newer) })
    };
    coverage::check(&segments, &tails, &mut said, again, &chain, &given, &mut verification);
    removals::check_reduced(&segments, &said, &mut verification);
    ids::check(&directory, &segments, &tails, &mut verification)?;
    files::check_foreign(&directory.root, epoch, &mut verification);
    let has_removed = !said.removals.is_empty()
        || segments.iter().filter_map(Checked::contents).any(|contents| !contents.removed.is_empty());
    files::check_published(&directory, has_removed, &mut verification);
    files::check_entries(&directory, &mut verification)?;
    verification.findings.sort_by_cached_key(|found| {
        let place = in_order(&found.place);
        (std::cmp::Reverse(found.severity), found.file.clone(), place, found.what.clone())
    });
    Ok(verification)
}

/// A place split so that its first number counts as a number: block 9 comes before block 10.
fn in_order(place: &str) -> (String, u64, String) {
    let start = place.find(|character: char| character.is_ascii_digit()).unwrap_or(place.len());
    let rest = place.get(start..).unwrap_or_default();
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    (place.get(..start).unwrap_or_default().to_owned(), number.parse().unwrap_or(0), rest.to_owned())
}

/// The epoch that most files name.
fn usual_epoch(segments: &[Checked], logs: &[logs::ReadLog]) -> u64 {
    let of_segments = segments.iter().filter_map(Checked::contents).map(|contents| contents.epoch);
    let of_logs = logs.iter().filter_map(|log| Some(log.contents.as_ref().ok()?.as_ref()?.header.epoch));
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    of_segments.chain(of_logs).for_each(|epoch| *counts.entry(epoch).or_default() += 1);
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(0, |(epoch, _)| epoch)
}
