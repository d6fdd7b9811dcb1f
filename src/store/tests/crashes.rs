//! Crashes: after each change of random runs, images of what a crash may leave are opened and compared with what the
//! store had promised.
//!
//! `GRID_EVENTS_CRASH_SEED` sets the first seed; the number of runs follows `PROPTEST_CASES`.

use std::path::Path;
use std::time::Duration;

use super::disk::{Crash, Random};
use super::journal::{Entry, Promise};
use super::run::{FoundEvent, Moment, Run, busy_config, events_of, foreign_of, scratch};
use super::{Store, StoreConfig, StoreError, heartbeat};
use crate::store::{Appended, Durability};

/// One run for so many random cases of other tests.
const CASES_OF_A_RUN: u32 = 16;
/// Images made of a run at most; longer runs are sampled.
const IMAGES_OF_A_RUN: u64 = 240;

fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// A random run.
fn random_run(random: &mut Random) -> Run {
    let mut run = Run::new(busy_config(random));
    run.open().expect("opens");
    for _ in 0..8 + random.below(16) {
        match random.below(16) {
            0..7 => {
                let count = 1 + random.below(12) as usize;
                let events = run.events(count, random);
                run.append(&events).expect("written");
            }
            7 | 8 => run.learn(1 + random.below(4) as usize).expect("written"),
            9 | 10 => run.flush().expect("durable"),
            11 => run.seal().expect("sealed"),
            12 => run.store().remove_sealed_logs().expect("removed"),
            13 => {
                run.close().expect("closed");
                run.open().expect("opens again");
            }
            14 => std::thread::sleep(Duration::from_millis(3)),
            _ => {
                run.abandon();
                run.open().expect("opens again");
            }
        }
    }
    if random.chance(2) {
        run.close().expect("closed");
    }
    run.abandon();
    run
}

/// What may be found after a crash.
pub(super) struct Expected<'a> {
    pub(super) run: &'a Run,
    pub(super) promise: Promise,
    /// Retention had begun to remove events up to here.
    pub(super) removed: u64,
    pub(super) crash: Crash,
    pub(super) what: String,
}

impl Expected<'_> {
    /// Checks the image of a store: what is read of it, and that it can be written to.
    pub(super) fn check(&self, path: &Path) {
        let reader = match Store::open_read_only(path) {
            Ok(reader) => reader,
            Err(StoreError::Missing { .. } | StoreError::NotAStore { .. }) if !self.promise.opened => {
                return self.check_writing(path, &[], &[]);
            }
            Err(error) => panic!("{}: {error}", self.what),
        };
        let (events, foreign) = (events_of(&reader), foreign_of(&reader));
        drop(reader);
        self.check_events(&events);
        self.check_foreign(&foreign);
        self.check_writing(path, &events, &foreign);
    }

    fn check_events(&self, events: &[FoundEvent]) {
        let what = &self.what;
        let promised = if self.crash == Crash::Process { self.promise.written } else { self.promise.durable };
        assert!(events.is_sorted_by(|a, b| a.0 < b.0), "{what}: an event is there twice, or out of order");
        for (sequence, id, json) in events {
            let (known_id, known) = &self.run.history[usize::try_from(*sequence).expect("small") - 1];
            assert_eq!((id, json), (known_id, known), "{what}: event {sequence}");
        }
        let there = |sequence| events.binary_search_by_key(&sequence, |event| event.0).is_ok();
        if let Some(lost) = (self.removed + 1..=promised).find(|sequence| !there(*sequence)) {
            panic!("{what}: event {lost} of {promised} promised is lost, up to {} removed", self.removed);
        }
        let last = events.last().map_or(0, |event| event.0);
        let ends = |sequence: &u64| self.run.batch_ends.contains(sequence);
        for end in (1..last).filter(|sequence| !ends(sequence)) {
            assert_eq!(there(end), there(end + 1), "{what}: a part of the batch with event {end}");
        }
        assert!(last == 0 || ends(&last), "{what}: the last batch is cut off at {last}");
        if self.crash == Crash::Process {
            let gap = (self.removed.max(events.first().map_or(0, |e| e.0))..last)
                .find(|sequence| *sequence > self.removed && !there(*sequence));
            assert_eq!(gap, None, "{what}: a gap after the death of the process");
        }
    }

    fn check_foreign(&self, foreign: &[usize]) {
        let promise = &self.promise;
        let promised = if self.crash == Crash::Process { promise.foreign_written } else { promise.foreign_durable };
        assert!(foreign.is_sorted_by(|a, b| a < b), "{}: {foreign:?}", self.what);
        let lost = (0..promised).find(|number| foreign.binary_search(number).is_err());
        assert_eq!(lost, None, "{}: foreign record of {promised} promised", self.what);
    }

    /// Opens the image for writing, appends to it, seals it, and reads all of it again.
    fn check_writing(&self, path: &Path, events: &[FoundEvent], foreign: &[usize]) {
        let what = &self.what;
        let config = StoreConfig { segment_events: 50, durability: Durability::OsBuffered, ..StoreConfig::default() };
        let store = Store::open_with(path, config).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(events_of(&store), events, "{what}: a writer finds what a reader found");
        assert_eq!(foreign_of(&store), foreign, "{what}: a writer finds what a reader found");
        let last = events.last().map_or(0, |event| event.0);
        assert!(store.sequence() >= last, "{what}: sequence numbers go on");
        let more: Vec<_> = (0..3).map(|number| heartbeat(number, i64::from(number))).collect();
        let mut all = events.to_vec();
        for (number, outcome) in store.append(&more).expect("written").into_iter().enumerate() {
            let Appended::Stored(id) = outcome else { panic!("{what}: {outcome:?}") };
            assert!(all.iter().all(|(_, known, _)| *known != id.to_string()), "{what}: {id} is given twice");
            let sequence = store.sequence() - 2 + number as u64;
            all.push((sequence, id.to_string(), more[number].to_json()));
        }
        store.seal().unwrap_or_else(|error| panic!("{what}: {error}"));
        store.close().unwrap_or_else(|error| panic!("{what}: {error}"));
        let reader = Store::open_read_only(path).expect("readable");
        assert_eq!(events_of(&reader), all, "{what}: all is there after sealing");
    }
}

/// Visits each moment of a run: the disk then, and what was promised by then.
fn moments(run: &Run, visit: &mut dyn FnMut(usize, &Entry, &Moment)) {
    let mut moment = run.start.clone();
    for (index, entry) in run.journal.entries().iter().enumerate() {
        moment.disk.make(entry);
        match entry {
            Entry::Promised(now) => moment.promise = *now,
            Entry::Sealed { path, last_sequence } => drop(moment.sealed.insert(path.clone(), *last_sequence)),
            Entry::Remove(path) => {
                moment.removed = moment.sealed.get(path).map_or(moment.removed, |last| moment.removed.max(*last));
            }
            _ => {}
        }
        visit(index, entry, &moment);
    }
}

/// Checks images of a run; gives how many.
pub(super) fn check_images(run: &Run, images: u64, random: &mut Random, what: &str) -> u64 {
    let points = run.journal.entries().len() as u64;
    let mut checked = 0;
    moments(run, &mut |index, _, moment| {
        for crash in [Crash::Process, Crash::PowerAtOnce, Crash::Power, Crash::Power] {
            if points * 4 > images && random.below(points * 4) >= images {
                continue;
            }
            let what = format!("{what}, after change {index}, {crash:?}");
            let image = scratch();
            moment.disk.image(Path::new(""), image.path(), crash, random);
            let expected = Expected { run, promise: moment.promise, removed: moment.removed, crash, what };
            expected.check(&image.path().join("store"));
            checked += 1;
        }
    });
    checked
}

/// A moment of a run at which its process may die: one in two of these has a segment that was just renamed.
fn moment_of_death(run: &Run, random: &mut Random) -> Option<Moment> {
    let only_renamed = random.chance(2);
    let mut at_all = Vec::new();
    moments(run, &mut |_, entry, moment| {
        let renamed = matches!(entry, Entry::Rename { to, .. } if to.extension().is_some_and(|e| e == "seg"));
        if moment.promise.opened && (renamed || !only_renamed) {
            at_all.push(moment.clone());
        }
    });
    let chosen = random.below(at_all.len() as u64) as usize;
    (!at_all.is_empty()).then(|| at_all.swap_remove(chosen))
}

#[test]
fn whatever_a_crash_leaves_holds_what_was_promised() {
    let cases = proptest::test_runner::Config::default().cases;
    let runs = u64::from(cases.div_ceil(CASES_OF_A_RUN));
    let first = number_from("GRID_EVENTS_CRASH_SEED", 1);
    let mut checked = 0;
    for seed in first..first + runs {
        let mut random = Random(seed);
        let run = random_run(&mut random);
        checked += check_images(&run, IMAGES_OF_A_RUN / 2, &mut random, &format!("seed {seed}"));
        // The next process finds names and data that are not durable; the power goes later.
        if let Some(moment) = moment_of_death(&run, &mut random) {
            let config = StoreConfig { sealed_log_grace: Duration::ZERO, ..busy_config(&mut random) };
            let mut next = Run::after_death(&run, &moment, config);
            for _ in 0..random.below(4) {
                let events = next.events(1 + random.below(8) as usize, &mut random);
                next.append(&events).expect("written");
                next.learn(1).expect("written");
            }
            next.flush().expect("durable");
            next.abandon();
            checked += check_images(&next, IMAGES_OF_A_RUN / 2, &mut random, &format!("seed {seed}, the next process"));
        }
    }
    println!("{checked} images of {runs} runs");
    assert!(checked >= 50 * runs, "few images were made: {checked} of {runs} runs");
}
