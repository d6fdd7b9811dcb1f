//! What `emit` costs the thread that calls it, against a bare channel that does nothing else.
//!
//! `cargo bench --bench emission`. Every event exists before the clock starts. The bare channel carries the
//! same events to a thread that only drops them; like the writer of the emitter it looks every millisecond,
//! so that no send pays for waking it.

#[path = "common/mod.rs"]
mod common;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, unbounded};
use sutra_grid_events::{EmitterConfig, Event, EventEmitter};

use common::Outcome;
use common::goals::{Goals, Unit};
use common::mix::Mix;
use common::samples::{Samples, clock_ns, median, nanos};
use common::scale::{self, SEED};
use common::table::{Table, digits, time};

/// Events that each round emits as fast as it can.
const SATURATED: usize = 400_000;
/// Events a second that all threads together emit when paced, and for how long.
const PACE: usize = 10_000;
const PACED_SECONDS: usize = 2;
/// Calls between two readings of the clock, where one reading would cost as much as the call. Far fewer than
/// the messages in one allocation of the channel (31), so that the median is of calls that do not allocate,
/// as most do not; the mean has them all.
const RUN: usize = 8;
const ROUNDS: usize = 5;

/// How events are emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Load {
    threads: usize,
    pace: Option<usize>,
}

impl Load {
    const ALL: [Self; 4] = [
        Self { threads: 1, pace: None },
        Self { threads: 4, pace: None },
        Self { threads: 1, pace: Some(PACE) },
        Self { threads: 4, pace: Some(PACE) },
    ];

    fn name(self) -> String {
        let threads = if self.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", self.threads) };
        match self.pace {
            Some(pace) => format!("{threads}, {pace}/s"),
            None => format!("{threads}, saturated"),
        }
    }

    fn events(self) -> usize {
        let events = if self.pace.is_some() { PACE * PACED_SECONDS } else { SATURATED };
        (if scale::is_measured() { events } else { 40 * RUN }) / self.threads
    }
}

/// Timings of one target under one load.
#[derive(Default)]
struct Timed {
    /// Single calls, with the reading of the clock.
    singles: Samples,
    /// The median of each round, taken over runs of calls: without the clock.
    medians: Vec<f64>,
}

fn main() -> Outcome {
    let clock = clock_ns();
    let mut table = Table::new(
        format!(
            "One call, in {ROUNDS} rounds (runs of {RUN} calls and the mean are without the clock, which adds {} to \
             the single timings behind them)",
            time(clock)
        ),
        &["", "p50 of runs", "mean", "p50", "p99", "p99.9", "max"],
    );
    let mut goals = Goals::new("Goals");
    for load in Load::ALL {
        let (emit, send) = compare(load, clock)?;
        for (name, timed) in [("emit", &emit), ("bare send", &send)] {
            table.row([
                format!("{name}, {}", load.name()),
                if load.pace.is_some() { String::new() } else { time(median(&timed.medians)) },
                time(timed.singles.mean() - clock),
                time(timed.singles.median()),
                time(timed.singles.quantile(0.99)),
                time(timed.singles.quantile(0.999)),
                time(timed.singles.max()),
            ]);
        }
        let emit_p50 = median(&emit.medians);
        let ratio = emit_p50 / median(&send.medians);
        match load {
            Load { threads: 1, pace: None } => {
                goals.at_most("emit, 1 thread, p50", 100.0, emit_p50, Unit::Time);
                goals.at_most("emit / bare send, 1 thread, p50", 1.3, ratio, Unit::Times);
            }
            Load { threads: 4, .. } => {
                let name = format!("emit, {}, p99.9", load.name());
                goals.at_most(&name, 20_000.0, emit.singles.quantile(0.999), Unit::Time);
                goals.at_most(&format!("promised: {name}"), 100_000.0, emit.singles.quantile(0.999), Unit::Time);
            }
            Load { .. } => {}
        }
        if load.pace.is_none() {
            table.row([format!("emit / bare send, {}", load.name()), digits(ratio)]);
        }
    }
    println!("{table}{goals}");
    Ok(())
}

/// Both targets under one load, in turns.
fn compare(load: Load, clock: f64) -> Outcome<(Timed, Timed)> {
    let (mut emit, mut send) = (Timed::default(), Timed::default());
    for round in 0..scale::repeats(ROUNDS) as u64 {
        let directory = tempfile::tempdir()?;
        let emitter = EventEmitter::open(directory.path(), EmitterConfig::default())?;
        run(load, round, clock, &mut emit, |event| emitter.emit(event))?;
        emitter.close_blocking()?;

        let (sender, receiver) = unbounded();
        let drain = thread::spawn(move || drain(&receiver));
        // The receiver lives as long as the sender, so that sending cannot fail.
        run(load, round, clock, &mut send, |event| drop(sender.send(event)))?;
        drop(sender);
        drain.join().map_err(|_| "the receiver panicked")?;
    }
    Ok((emit, send))
}

fn drain(receiver: &Receiver<Event>) {
    loop {
        match receiver.try_recv() {
            Ok(event) => drop(event),
            Err(TryRecvError::Empty) => thread::park_timeout(Duration::from_millis(1)),
            Err(TryRecvError::Disconnected) => return,
        }
    }
}

/// One round: single timings first, then timings of whole runs.
fn run(load: Load, round: u64, clock: f64, timed: &mut Timed, emit: impl Fn(Event) + Sync) -> Outcome {
    timed.singles.extend(on_threads(load, round, |events| singles(events, load, &emit))?);
    if load.pace.is_none() {
        let runs = on_threads(load, round, |events| runs(events, &emit))?;
        timed.medians.push((runs.median() - clock) / RUN as f64);
    }
    Ok(())
}

fn on_threads(load: Load, round: u64, timings: impl Fn(Vec<Event>) -> Vec<u64> + Sync) -> Outcome<Samples> {
    let barrier = Barrier::new(load.threads);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..load.threads as u64)
            .map(|number| {
                let (barrier, timings) = (&barrier, &timings);
                scope.spawn(move || {
                    let events = Mix::seeded(SEED + round * 64 + number).batch(load.events());
                    barrier.wait();
                    timings(events)
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "an emitting thread panicked")?);
        }
        Ok(all.into())
    })
}

fn singles(events: Vec<Event>, load: Load, emit: impl Fn(Event)) -> Vec<u64> {
    let mut timings = Vec::with_capacity(events.len());
    let gap = load.pace.map(|pace| Duration::from_secs(1) * load.threads as u32 / pace as u32);
    let mut due = Instant::now();
    for event in events {
        if let Some(gap) = gap {
            due += gap;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let before = Instant::now();
        emit(event);
        timings.push(nanos(before.elapsed()));
    }
    timings
}

fn runs(events: Vec<Event>, emit: impl Fn(Event)) -> Vec<u64> {
    let mut timings = Vec::with_capacity(events.len() / RUN);
    let mut events = events.into_iter();
    while events.len() >= RUN {
        let before = Instant::now();
        events.by_ref().take(RUN).for_each(&emit);
        timings.push(nanos(before.elapsed()));
    }
    timings
}
