//! How fast events are recorded, against what it costs at least.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use sutra_grid_events::Event;
use sutra_grid_events::bench::FrameEncoder;
use sutra_grid_events::store::Durability;

use crate::common::Outcome;
use crate::common::goals::{Goals, Unit};
use crate::common::recorder::{Engine, INTERVAL, Recorder, Written, record};
use crate::common::samples::{Samples, median};
use crate::common::table::{Table, digits, grouped, time};

/// A file that is appended to and synced every so often by the same thread.
struct SyncedFile {
    file: File,
    synced: Instant,
    syncs: bool,
}

impl SyncedFile {
    fn create(path: &Path, syncs: bool) -> Outcome<Self> {
        Ok(Self { file: File::create_new(path)?, synced: Instant::now(), syncs })
    }

    fn append(&mut self, bytes: &[u8]) -> Outcome {
        self.file.write_all(bytes)?;
        if self.syncs && self.synced.elapsed() >= INTERVAL {
            self.finish()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Outcome {
        if self.syncs {
            self.file.sync_data()?;
            self.synced = Instant::now();
        }
        Ok(())
    }
}

/// Appends bytes that were encoded before: what the disk costs.
struct RawAppend<'a> {
    frames: std::slice::Iter<'a, Vec<u8>>,
    file: SyncedFile,
}

impl Recorder for RawAppend<'_> {
    fn append(&mut self, _: &[Event]) -> Outcome {
        self.file.append(self.frames.next().ok_or("there are more batches than frames")?)
    }

    fn finish(&mut self) -> Outcome {
        self.file.finish()
    }
}

/// Encodes, compresses, checksums and appends: what a log of these events costs.
struct EncodeAndAppend {
    encoder: FrameEncoder,
    file: SyncedFile,
}

impl Recorder for EncodeAndAppend {
    fn append(&mut self, batch: &[Event]) -> Outcome {
        self.file.append(self.encoder.encode(batch)?)
    }

    fn finish(&mut self) -> Outcome {
        self.file.finish()
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contender {
    Engine(Durability),
    EncodeAndAppend { syncs: bool },
    RawAppend { syncs: bool },
}

impl Contender {
    const GROUP_COMMIT: Self = Self::Engine(Durability::Interval(INTERVAL));
    const LOOP: Self = Self::EncodeAndAppend { syncs: true };
    const NO_SYNC: Self = Self::Engine(Durability::OsBuffered);
    const ALL: [Self; 7] = [
        Self::GROUP_COMMIT,
        Self::LOOP,
        Self::RawAppend { syncs: true },
        Self::NO_SYNC,
        Self::EncodeAndAppend { syncs: false },
        Self::RawAppend { syncs: false },
        Self::Engine(Durability::Always),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Engine(Durability::Interval(_)) => "engine, fsync every 50 ms",
            Self::Engine(Durability::OsBuffered) => "engine, no fsync",
            Self::Engine(Durability::Always) => "engine, fsync every batch",
            Self::EncodeAndAppend { syncs: true } => "encode and append, fsync every 50 ms",
            Self::EncodeAndAppend { syncs: false } => "encode and append, no fsync",
            Self::RawAppend { syncs: true } => "raw append, fsync every 50 ms",
            Self::RawAppend { syncs: false } => "raw append, no fsync",
        }
    }

    fn run(self, directory: &Path, batches: &[Vec<Event>], frames: &[Vec<u8>]) -> Outcome<Written> {
        let path = directory.join("recorded");
        let mut recorder: Box<dyn Recorder + '_> = match self {
            Self::Engine(durability) => Box::new(Engine::open(&path, durability)?),
            Self::EncodeAndAppend { syncs } => {
                Box::new(EncodeAndAppend { encoder: FrameEncoder::new(), file: SyncedFile::create(&path, syncs)? })
            }
            Self::RawAppend { syncs } => {
                Box::new(RawAppend { frames: frames.iter(), file: SyncedFile::create(&path, syncs)? })
            }
        };
        let written = record(&mut *recorder, batches)?;
        drop(recorder);
        if path.is_dir() {
            std::fs::remove_dir_all(&path)?
        } else {
            std::fs::remove_file(&path)?
        }
        Ok(written)
    }
}

/// Runs every contender this many times, in turns, so that a busy moment of the machine hits all alike.
pub(crate) fn compare(directory: &Path, batches: &[Vec<Event>], rounds: usize, goals: &mut Goals) -> Outcome<Table> {
    let mut encoder = FrameEncoder::new();
    let frames = batches.iter().map(|batch| Ok(encoder.encode(batch)?.to_vec())).collect::<Outcome<Vec<_>>>()?;
    let mut runs: Vec<(Contender, Vec<f64>, Samples)> =
        Contender::ALL.iter().map(|contender| (*contender, Vec::new(), Samples::default())).collect();
    for _ in 0..rounds {
        for (contender, rates, timings) in &mut runs {
            let written = contender.run(directory, batches, &frames)?;
            rates.push(written.events_per_second);
            timings.extend(written.batches);
        }
    }
    let rate = |wanted: Contender| {
        runs.iter().find(|(contender, ..)| *contender == wanted).map_or(f64::NAN, |(_, rates, _)| median(rates))
    };
    let engine = rate(Contender::GROUP_COMMIT);
    let title = format!(
        "Recording {} events in batches of {} (medians of {rounds} rounds; timings of single batches)",
        grouped(batches.iter().map(Vec::len).sum::<usize>() as f64),
        crate::common::scale::BATCH,
    );
    let header = ["", "events/s", "engine at 50 ms / this", "p50", "p99", "p99.9", "max"];
    let mut table = Table::new(title, &header);
    for (contender, rates, timings) in &runs {
        let rate = median(rates);
        table.row([
            contender.name().to_owned(),
            grouped(rate),
            digits(engine / rate),
            time(timings.median()),
            time(timings.quantile(0.99)),
            time(timings.quantile(0.999)),
            time(timings.max()),
        ]);
    }
    goals.at_least("durable ingest, fsync every 50 ms", 800_000.0, engine, Unit::EventsPerSecond);
    goals.at_least("durable ingest / encode and append", 0.8, engine / rate(Contender::LOOP), Unit::Times);
    for (contender, _, timings) in &runs {
        match *contender {
            Contender::GROUP_COMMIT => {
                goals.at_most("promised: commit of a batch, p50", 1e6, timings.median(), Unit::Time);
            }
            Contender::NO_SYNC => {
                goals.at_most("commit of a batch without fsync, p99", 1e6, timings.quantile(0.99), Unit::Time);
            }
            _ => {}
        }
    }
    Ok(table)
}
