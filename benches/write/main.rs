//! How fast events are recorded, and what a store of them takes: memory, disk, time to open, stalls.
//!
//! `cargo bench --bench write`; with GRID_EVENTS_BENCH_EVENTS set, the large store has that many events.

mod commits;
#[path = "../common/mod.rs"]
mod common;
mod load;
mod pace;
mod throughput;

use std::path::Path;

use sutra_grid_events::Store;

use common::goals::{Goals, Unit};
use common::mix::Mix;
use common::samples::Samples;
use common::scale::{self, BATCH, SEED};
use common::table::{Table, digits, grouped, time};
use common::{Outcome, process};
use load::Load;
use pace::Pace;

/// Events that each contender records.
const RECORDED: usize = 1 << 20;
/// Events of the large store if the environment says nothing else.
const LARGE: usize = 5_000_000;
/// The small store, to see what opening depends on, has this part of the large one.
const PART: usize = 5;
/// The rate that the engine is reckoned with, in events a second.
const RECKONED: u32 = 800_000;
const ROUNDS: usize = 5;
const OPENS: usize = 15;

/// A load in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Small,
    Paced,
    Saturated,
}

impl Task {
    const ALL: [Self; 3] = [Self::Small, Self::Paced, Self::Saturated];

    fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Paced => "paced",
            Self::Saturated => "saturated",
        }
    }

    fn events(self, large: usize) -> usize {
        if self == Self::Small { (large / PART).next_multiple_of(BATCH) } else { large }
    }

    fn pace(self) -> Pace {
        if self == Self::Paced { Pace::of(RECKONED) } else { Pace::none() }
    }
}

fn main() -> Outcome {
    let large = scale::events(LARGE);
    if let Some(name) = process::alone() {
        let task = Task::ALL.into_iter().find(|task| task.name() == name).ok_or("there is no such task")?;
        return Load::run(&process::path_alone()?, task.events(large), task.pace());
    }
    let directory = tempfile::tempdir()?;
    let mut goals = Goals::new("Goals");
    let mut mix = Mix::seeded(SEED);
    let recorded = if scale::is_measured() { RECORDED } else { 16 * BATCH };
    let batches: Vec<_> = (0..recorded / BATCH).map(|_| mix.batch(BATCH)).collect();
    let table = throughput::compare(directory.path(), &batches, scale::repeats(ROUNDS), &mut goals)?;
    println!("{table}");
    drop(batches);

    println!("{}", loads(directory.path(), large, &mut goals)?);
    println!("{}", commits(directory.path(), large, &mut goals)?);
    println!("{goals}");
    Ok(())
}

/// Loads stores through the emitter and opens them again.
fn loads(directory: &Path, large: usize, goals: &mut Goals) -> Outcome<Table> {
    let header = [
        "events",
        "events/s",
        "memory, MB",
        "disk, B/event",
        "segments",
        "open",
        "open for reading",
        "longest emit",
        "without waiting for a core",
    ];
    let mut table = Table::new("Stores written through the emitter, at most 65,536 events waiting", &header);
    for task in Task::ALL {
        let path = directory.join(task.name());
        let load = Load::read(&process::run_alone(task.name(), &path)?)?;
        // What is timed includes closing again, which has nothing to write.
        let open = Samples::measure(scale::repeats(OPENS), || Store::open(&path))?;
        let read_only = Samples::measure(scale::repeats(OPENS), || Store::open_read_only(&path))?;
        std::fs::remove_dir_all(&path)?;
        let events = grouped(task.events(large) as f64);
        table.row([
            events.clone(),
            grouped(load.events_per_second),
            digits(load.memory_peak_mb),
            digits(load.bytes_per_event),
            grouped(load.segments),
            time(open.median()),
            time(read_only.median()),
            time(load.emit_max_ns),
            time(load.emit_max_own_ns),
        ]);
        let memory = |rate: &str| format!("memory at {events} events, {rate}");
        match task {
            Task::Small => {}
            Task::Paced => {
                let rate = format!("{} events/s", grouped(f64::from(RECKONED)));
                goals.at_most(&memory(&rate), 60.0, load.memory_peak_mb, Unit::MegaBytes);
                goals.at_most(&format!("longest emit while sealing, {rate}"), 10e6, load.emit_max_ns, Unit::Time);
            }
            Task::Saturated => {
                goals.at_most(&memory("saturated"), 60.0, load.memory_peak_mb, Unit::MegaBytes);
                goals.at_most("disk", 10.0, load.bytes_per_event, Unit::BytesPerEvent);
                goals.at_most("promised: disk", 500.0, load.bytes_per_event, Unit::BytesPerEvent);
                goals.at_most(&format!("open at {events} events"), 60e6, open.median(), Unit::Time);
            }
        }
    }
    Ok(table)
}

fn commits(directory: &Path, events: usize, goals: &mut Goals) -> Outcome<Table> {
    let title = format!("Commits of {BATCH} events while segments are sealed, {} events", grouped(events as f64));
    let mut table = Table::new(title, &["", "p50", "p99", "p99.9", "max", "without waiting for a core"]);
    let reckoned = format!("{} events/s", grouped(f64::from(RECKONED)));
    for (name, pace) in [(&*reckoned, Pace::of(RECKONED)), ("as fast as they are made", Pace::none())] {
        let (timings, longest) = commits::commits(directory, events, pace)?;
        table.row([
            name.to_owned(),
            time(timings.median()),
            time(timings.quantile(0.99)),
            time(timings.quantile(0.999)),
            time(timings.max()),
            time(longest.own as f64),
        ]);
        if name == reckoned {
            goals.at_most(&format!("longest commit while sealing, {reckoned}"), 10e6, timings.max(), Unit::Time);
        }
    }
    Ok(table)
}
