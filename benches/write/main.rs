//! How fast events are recorded, and what a store of them takes: memory, disk, time to open, stalls.
//!
//! `cargo bench --bench write`; with GRID_EVENTS_BENCH_EVENTS set, the large store has that many events.

#[path = "../common/mod.rs"]
mod common;
mod load;
mod stalls;
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

/// Events that each contender records.
const RECORDED: usize = 1 << 20;
/// Events of the large store if the environment says nothing else.
const LARGE: usize = 5_000_000;
/// The small store, to see what opening depends on, has this part of the large one.
const PART: usize = 5;
/// The paced commits: as many events a second as are reckoned with.
const PACE: usize = 800_000;
const ROUNDS: usize = 5;
const OPENS: usize = 15;

fn main() -> Outcome {
    let large = scale::events(LARGE);
    let small = (large / PART).next_multiple_of(BATCH);
    match process::alone().as_deref() {
        Some("large") => return Load::run(&process::path_alone()?, large),
        Some("small") => return Load::run(&process::path_alone()?, small),
        Some(other) => return Err(format!("there is no task `{other}`").into()),
        None => {}
    }
    let directory = tempfile::tempdir()?;
    let mut goals = Goals::new("Goals");
    let mut mix = Mix::seeded(SEED);
    let recorded = if scale::is_measured() { RECORDED } else { 16 * BATCH };
    let batches: Vec<_> = (0..recorded / BATCH).map(|_| mix.batch(BATCH)).collect();
    let table = throughput::compare(directory.path(), &batches, scale::repeats(ROUNDS), &mut goals)?;
    println!("{table}");
    drop(batches);

    println!("{}", size(directory.path(), &[("small", small), ("large", large)], &mut goals)?);
    println!("{}", stalls(directory.path(), large, &mut goals)?);
    println!("{goals}");
    Ok(())
}

/// Loads stores through the emitter and opens them again. The goals are for the last of them.
fn size(directory: &Path, tasks: &[(&str, usize)], goals: &mut Goals) -> Outcome<Table> {
    let header =
        ["events", "events/s", "memory, MB", "disk, B/event", "segments", "open", "open for reading", "longest emit"];
    let mut table = Table::new("Stores written through the emitter, at most 65,536 events waiting", &header);
    for (index, (task, events)) in tasks.iter().enumerate() {
        let path = directory.join(task);
        let load = Load::read(&process::run_alone(task, &path)?)?;
        // What is timed includes closing again, which has nothing to write.
        let open = Samples::measure(scale::repeats(OPENS), || Store::open(&path))?;
        let read_only = Samples::measure(scale::repeats(OPENS), || Store::open_read_only(&path))?;
        std::fs::remove_dir_all(&path)?;
        table.row([
            grouped(*events as f64),
            grouped(load.events_per_second),
            digits(load.memory_peak_mb),
            digits(load.bytes_per_event),
            grouped(load.segments),
            time(open.median()),
            time(read_only.median()),
            time(load.emit_max_ns),
        ]);
        if index + 1 == tasks.len() {
            let size = grouped(*events as f64);
            goals.at_most("disk", 10.0, load.bytes_per_event, Unit::BytesPerEvent);
            goals.at_most("promise: disk", 500.0, load.bytes_per_event, Unit::BytesPerEvent);
            goals.at_most(&format!("memory at {size} events"), 60.0, load.memory_peak_mb, Unit::MegaBytes);
            goals.at_most(&format!("open at {size} events"), 60e6, open.median(), Unit::Time);
            goals.at_most("longest emit while sealing", 10e6, load.emit_max_ns, Unit::Time);
        }
    }
    Ok(table)
}

fn stalls(directory: &Path, events: usize, goals: &mut Goals) -> Outcome<Table> {
    let title = format!("Commits of {BATCH} events while segments are sealed, {} events", grouped(events as f64));
    let mut table = Table::new(title, &["", "p50", "p99", "p99.9", "max"]);
    let paced = format!("{} events/s", grouped(PACE as f64));
    for (name, pace) in [("as fast as they are made", None), (&*paced, Some(PACE))] {
        let timings = stalls::commits(directory, events, pace)?;
        table.row([
            name.to_owned(),
            time(timings.median()),
            time(timings.quantile(0.99)),
            time(timings.quantile(0.999)),
            time(timings.max()),
        ]);
        if pace.is_some() {
            goals.at_most(&format!("longest commit while sealing, {paced}"), 10e6, timings.max(), Unit::Time);
        }
    }
    Ok(table)
}
