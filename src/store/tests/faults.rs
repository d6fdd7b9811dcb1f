//! Faults: every change of a scripted run is refused once, made in part, or refused with all that follow until the
//! disk is well again. Nothing that was acknowledged is lost, and what was refused can be appended again.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::crashes::check_images;
use super::disk::Random;
use super::run::{Run, events_of, foreign_of};
use super::{StoreConfig, StoreError, heartbeat};
use crate::event::Event;
use crate::storage::medium::Change;
use crate::storage::medium::watch::Verdict;
use crate::store::{Appended, Durability};

/// What a disk says that is full, broken, or no longer ours to fill: ENOSPC, EIO, EDQUOT.
const ERRORS: [i32; 3] = [28, 5, 122];
/// Images of what a crash may leave, for each run.
const IMAGES: u64 = 8;
/// Most of the time goes into waiting.
const THREADS: usize = 16;
/// How often a store on a disk that is well again is asked before it is given up.
const ATTEMPTS: usize = 200;

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// One change is refused.
    Once,
    /// Of one write a part is made; any other change is made, and said to have failed.
    Partly,
    /// A change and all that follow are refused.
    Lasting,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Append(usize),
    Learn,
    Flush,
    Seal,
    RemoveLogs,
    Close,
}

const SCRIPT: [Step; 16] = [
    Step::Append(3),
    Step::Learn,
    Step::Append(20),
    Step::Flush,
    Step::Seal,
    Step::Append(2),
    Step::Learn,
    Step::Flush,
    Step::RemoveLogs,
    Step::Append(1),
    Step::Close,
    Step::Append(5),
    Step::Learn,
    Step::Flush,
    Step::Append(9),
    Step::Close,
];

fn config(durability: Durability) -> StoreConfig {
    StoreConfig { segment_events: 8, durability, sealed_log_grace: Duration::ZERO, ..StoreConfig::default() }
}

/// Whether an error says where and what, in itself or in the reason that it gives.
fn check_error(error: &StoreError, root: &Path) {
    let text = error.to_string();
    let known = matches!(
        error,
        StoreError::Io { .. }
            | StoreError::NotDurable { .. }
            | StoreError::NotSealed { .. }
            | StoreError::Damaged { .. }
    );
    assert!(known && text.contains(&*root.to_string_lossy()) && text.contains("cannot "), "{text}");
}

/// Runs the script; every event that it meant to append.
fn run_script(run: &mut Run) -> Vec<Event> {
    let mut meant = Vec::new();
    for step in SCRIPT {
        if !run.is_open()
            && let Err(error) = run.open()
        {
            check_error(&error, run.around());
        }
        if let Step::Append(count) = step {
            let first = meant.len();
            let events = (first..first + count).map(|number| heartbeat(number as u32, number as i64 / 4));
            meant.extend(events);
        }
        if !run.is_open() {
            continue;
        }
        let outcome = match step {
            Step::Append(count) => run.store().append(&meant[meant.len() - count..]).map(drop),
            Step::Learn => run.learn(2),
            Step::Flush => run.flush(),
            Step::Seal => run.seal(),
            Step::RemoveLogs => run.store().remove_sealed_logs(),
            Step::Close => run.close(),
        };
        run.acknowledge();
        if let Err(error) = outcome {
            check_error(&error, run.around());
        }
    }
    meant
}

/// Tries until the disk is found to be well again.
fn until_well(what: &str, mut attempt: impl FnMut() -> Result<(), StoreError>) {
    let mut last = Ok(());
    for _ in 0..ATTEMPTS {
        last = attempt();
        if last.is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: {last:?}");
}

/// Runs the script with a fault at one change. Whether there was such a change.
fn check_fault(number: usize, fault: Fault, durability: Durability) -> bool {
    let what = format!("{fault:?} at change {number}, {durability}");
    let mut run = Run::new(config(durability));
    let code = ERRORS[number % ERRORS.len()];
    run.journal.decide_by(Some(Box::new(move |now, change: &Change<'_>| {
        let error = io::Error::from_raw_os_error(code);
        match fault {
            Fault::Once => (now == number).then_some(Verdict::Refused(error)),
            Fault::Lasting => (now >= number).then_some(Verdict::Refused(error)),
            Fault::Partly => {
                let half = if let Change::Write { bytes, .. } = change { bytes.len() / 2 } else { 0 };
                (now == number).then_some(Verdict::Partly(half, error))
            }
        }
    })));
    let meant = run_script(&mut run);
    let reached = run.journal.changes() > number;
    run.journal.decide_by(None);
    if !run.is_open() {
        run.open().unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    // What was refused is appended again; what was not is known.
    let written = run.store().sequence();
    let mut stored = 0;
    until_well(&what, || {
        let outcomes = run.store().append_new(&meant)?;
        stored = outcomes.iter().filter(|outcome| matches!(outcome, Appended::Stored(_))).count();
        Ok(())
    });
    assert_eq!(written + stored as u64, meant.len() as u64, "{what}: some were kept, and others refused");
    until_well(&what, || run.flush());
    assert_eq!(run.store().durable_sequence(), run.store().sequence(), "{what}");
    until_well(&what, || run.seal());
    until_well(&what, || run.learn(1));
    let events = events_of(run.store());
    let distinct: HashSet<&String> = events.iter().map(|(_, _, json)| json).collect();
    assert_eq!((events.len(), distinct.len()), (meant.len(), meant.len()), "{what}: each once");
    run.batch_ends = (1..=events.len() as u64).collect();
    run.history = events.into_iter().map(|(_, id, json)| (id, json)).collect();
    assert_eq!(foreign_of(run.store()).len(), run.promise.foreign_written, "{what}");
    run.close().unwrap_or_else(|error| panic!("{what}: {error}"));
    check_images(&run, IMAGES, &mut Random(number as u64), &what);
    reached
}

/// Checks a fault at every change; how many there were.
fn check_all(fault: Fault, durability: Durability) -> usize {
    let (next, reached) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while check_fault(next.fetch_add(1, Ordering::Relaxed), fault, durability) {
                    reached.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    reached.into_inner()
}

#[test]
fn a_change_that_is_refused_once_costs_nothing_that_was_acknowledged() {
    assert!(check_all(Fault::Once, Durability::OsBuffered) > 60);
}

#[test]
fn a_change_that_is_made_in_part_costs_nothing_that_was_acknowledged() {
    assert!(check_all(Fault::Partly, Durability::Interval(Duration::from_millis(1))) > 60);
}

#[test]
fn a_disk_that_fails_for_a_while_costs_nothing_that_was_acknowledged() {
    assert!(check_all(Fault::Lasting, Durability::Always) > 60);
}
