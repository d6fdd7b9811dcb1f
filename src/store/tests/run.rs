//! A run of a store under a journal, and what may be found of it after a crash.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::disk::{Crash, Disk, Random};
use super::journal::{Journal, Promise};
use super::{Store, StoreConfig, StoreError, heartbeat};
use crate::event::Event;
use crate::storage::medium::watch::{Watch, watch};
use crate::store::{Appended, Durability, ForeignConcept, ForeignPlace, ForeignRecord, Retention};

/// A directory in memory where there is one, since the disk itself is simulated.
pub(super) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}

/// An event as it is found: sequence number, id, JSON.
pub(super) type FoundEvent = (u64, String, String);

/// The events of a store.
pub(super) fn events_of(store: &Store) -> Vec<FoundEvent> {
    let mut found = Vec::new();
    let visit = &mut |stored: crate::storage::StoredEvent| {
        found.push((stored.sequence, stored.id.to_string(), stored.event.to_json()));
        ControlFlow::Continue(())
    };
    store.snapshot().scan(0, visit).expect("readable");
    found
}

/// The foreign records of a store, by their numbers.
pub(super) fn foreign_of(store: &Store) -> Vec<usize> {
    let mut found = Vec::new();
    let generation = store.foreign_end().expect("readable").generation;
    let visit = &mut |_, record: ForeignRecord| match record {
        ForeignRecord::Concept(concept) => found.push(number_of(&concept)),
        ForeignRecord::Association(_) => panic!("none was learned"),
    };
    store.foreign_since(ForeignPlace { generation, offset: 0 }, visit).expect("readable");
    found
}

fn concept(number: usize) -> ForeignRecord {
    ForeignRecord::Concept(ForeignConcept {
        id: format!("thing-{number}"),
        learned_us: 7,
        of_event: false,
        content: "text ".repeat(number % 40),
        embedding: vec![0.5; number % 5],
        strength: 1.0,
        confidence: 1.0,
        metadata_json: None,
    })
}

/// The number of a concept, once all of it is found to be as it was learned.
fn number_of(concept: &ForeignConcept) -> usize {
    let number = concept.id.strip_prefix("thing-").and_then(|number| number.parse().ok()).expect("ours");
    assert_eq!(ForeignRecord::Concept(concept.clone()), self::concept(number));
    number
}

/// What a run did and what it knows of the outcome.
pub(super) struct Run {
    directory: TempDir,
    pub(super) journal: Arc<Journal>,
    _watch: Watch,
    config: StoreConfig,
    store: Option<Store>,
    /// Every event that was accepted, the first with sequence number 1.
    pub(super) history: Vec<(String, String)>,
    /// The sequence numbers with which batches end.
    pub(super) batch_ends: HashSet<u64>,
    pub(super) promise: Promise,
    /// How things stood when it began.
    pub(super) start: Moment,
}

/// How things stand at a point of a run.
#[derive(Clone, Default)]
pub(super) struct Moment {
    pub(super) disk: Disk,
    pub(super) promise: Promise,
    /// The last sequence numbers of segments, by their paths.
    pub(super) sealed: HashMap<PathBuf, u64>,
    /// Retention had begun to remove events up to here.
    pub(super) removed: u64,
}

impl Run {
    pub(super) fn new(config: StoreConfig) -> Self {
        let directory = scratch();
        let journal = Arc::new(Journal::new(directory.path()));
        let watch = watch(directory.path(), Arc::clone(&journal) as _);
        Self {
            directory,
            journal,
            _watch: watch,
            config,
            store: None,
            history: Vec::new(),
            batch_ends: HashSet::new(),
            promise: Promise::default(),
            start: Moment::default(),
        }
    }

    /// Goes on after the process of an earlier run died at some moment: with all that the system had by then, durable
    /// or not.
    pub(super) fn after_death(of: &Run, moment: &Moment, config: StoreConfig) -> Self {
        let mut run = Self::new(config);
        moment.disk.image(Path::new(""), run.directory.path(), Crash::Process, &mut Random(0));
        run.start = moment.clone();
        run.promise = moment.promise;
        run.open().expect("opens after the death of the process");
        let found = usize::try_from(run.store().sequence()).expect("small");
        run.history = of.history[..found].to_vec();
        run.batch_ends = of.batch_ends.iter().copied().filter(|end| *end <= found as u64).collect();
        let learned = foreign_of(run.store()).len();
        run.promise.foreign_written = learned;
        run.acknowledge();
        run
    }

    /// The directory around the store.
    pub(super) fn around(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    pub(super) fn open(&mut self) -> Result<(), StoreError> {
        self.store = Some(Store::open_with(self.path(), self.config.clone())?);
        self.promise.opened = true;
        self.acknowledge();
        Ok(())
    }

    pub(super) fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    pub(super) fn is_open(&self) -> bool {
        self.store.is_some()
    }

    pub(super) fn close(&mut self) -> Result<(), StoreError> {
        let durable = self.store.as_ref().map_or(0, Store::sequence);
        let foreign = self.promise.foreign_written;
        let closed = self.store.take().map_or(Ok(()), Store::close);
        if closed.is_ok() {
            self.promise.durable = self.promise.durable.max(durable);
            self.promise.foreign_durable = foreign;
            self.journal.promise(self.promise);
        }
        closed
    }

    /// Ends the run without closing well.
    pub(super) fn abandon(&mut self) {
        drop(self.store.take());
    }

    /// Notes in the journal what the store acknowledges by now.
    pub(super) fn acknowledge(&mut self) {
        let Some(store) = &self.store else { return };
        self.promise.durable = self.promise.durable.max(store.durable_sequence());
        self.promise.written = self.promise.written.max(store.sequence());
        let pending = usize::try_from(store.foreign_pending()).expect("small");
        self.promise.foreign_durable = self.promise.foreign_durable.max(self.promise.foreign_written - pending);
        self.journal.promise(self.promise);
    }

    /// Appends events, and notes what became of them.
    pub(super) fn append(&mut self, events: &[Event]) -> Result<(), StoreError> {
        let before = self.store().sequence();
        let appended = self.store().append(events);
        let most = self.config.segment_events as usize;
        for (number, outcome) in appended?.iter().enumerate() {
            let Appended::Stored(id) = outcome else { panic!("{outcome:?}") };
            self.history.push((id.to_string(), events[number].to_json()));
            // The run knows no rejected events, so that batches are cut by their size alone.
            if (number + 1) % most == 0 || number + 1 == events.len() {
                self.batch_ends.insert(before + number as u64 + 1);
            }
        }
        assert_eq!(self.store().sequence(), self.history.len() as u64);
        self.acknowledge();
        Ok(())
    }

    /// Learns foreign records.
    pub(super) fn learn(&mut self, count: usize) -> Result<(), StoreError> {
        let first = self.promise.foreign_written;
        let records: Vec<ForeignRecord> = (first..first + count).map(concept).collect();
        let learned = self.store().learn_foreign(&records);
        if matches!(learned, Ok(()) | Err(StoreError::NotDurable { .. })) {
            self.promise.foreign_written += count;
        }
        self.acknowledge();
        learned
    }

    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let flushed = self.store().flush();
        self.acknowledge();
        flushed
    }

    pub(super) fn seal(&mut self) -> Result<(), StoreError> {
        let sealed = self.store().seal();
        self.acknowledge();
        sealed
    }

    /// Some events that nobody else has, many of them at one time.
    pub(super) fn events(&self, count: usize, random: &mut Random) -> Vec<Event> {
        let first = self.history.len();
        (first..first + count).map(|number| heartbeat(number as u32, random.below(40) as i64)).collect()
    }
}

/// Settings under which much happens in a short run.
pub(super) fn busy_config(random: &mut Random) -> StoreConfig {
    let durability = match random.below(3) {
        0 => Durability::Always,
        1 => Durability::OsBuffered,
        _ => Durability::Interval(Duration::from_millis(2)),
    };
    let grace = if random.chance(2) { Duration::ZERO } else { Duration::from_secs(60) };
    // Whatever is sealed is too much, now and then.
    let retention = Retention { bytes_max: random.chance(3).then_some(6_000), age_max: None };
    let segment_events = 1 + random.below(30) as u32;
    StoreConfig { durability, segment_events, retention, sealed_log_grace: grace, ..StoreConfig::default() }
}
