//! How fast questions are answered: warm, as the first call of a fresh store, and right after a seal.
//!
//! `cargo bench --bench query`; with GRID_EVENTS_BENCH_EVENTS=5000000 on the store that the goals are for.

#[path = "common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use criterion::Criterion;
use sutra_grid_events::Store;

use common::Outcome;
use common::goals::{Goals, Unit};
use common::mix::Mix;
use common::questions::{Answered, Answers, Question, SubjectFinder, Subjects, first_calls};
use common::samples::{Samples, nanos};
use common::scale::{self, BATCH, SEED};
use common::table::{Table, grouped, time};

/// Events in the store if the environment says nothing else.
const EVENTS: usize = 1_000_000;
/// How often the last events are asked for right after a seal.
const SEALS: usize = 15;

fn main() -> Outcome {
    let events = scale::events(EVENTS);
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path())?;
    let mut mix = Mix::seeded(SEED);
    let mut finder = SubjectFinder::new(&mix);
    eprintln!("recording {} events", grouped(events as f64));
    for _ in 0..events / BATCH {
        let batch = mix.batch(BATCH);
        finder.see(&batch);
        store.append(&batch)?;
    }
    store.flush()?;
    let subjects = finder.subjects()?;

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut answers = Vec::new();
    for question in Question::ALL {
        let warm = warm_calls(&mut criterion, &store, question, &subjects)?;
        if !warm.is_empty() {
            let first = first_calls(question, &subjects, || Ok(Store::open_read_only(directory.path())?))?;
            let rows = store.ask(question, &subjects)?;
            answers.push(Answered { question, rows, warm, first });
        }
    }
    criterion.final_summary();
    let after_seal = after_seals(&store, &mut mix, &subjects)?;
    print(events, &answers, &after_seal);
    store.close()?;
    Ok(())
}

/// Has criterion call often enough; keeps every single timing. Nothing if criterion was told to leave it out.
fn warm_calls(criterion: &mut Criterion, store: &Store, question: Question, subjects: &Subjects) -> Outcome<Samples> {
    let (mut samples, mut failure) = (Samples::default(), None);
    criterion.bench_function(question.name(), |bencher| {
        bencher.iter_custom(|calls| match Samples::measure(calls as usize, || store.ask(question, subjects)) {
            Ok(round) => {
                let total = round.total();
                samples.extend(round);
                total
            }
            Err(error) => {
                failure = Some(error);
                Duration::from_secs(1)
            }
        });
    });
    failure.map_or(Ok(samples), Err)
}

/// Times the question for the last events as the first one after a seal.
fn after_seals(store: &Store, mix: &mut Mix, subjects: &Subjects) -> Outcome<Samples> {
    let mut timings = Vec::new();
    for _ in 0..scale::repeats(SEALS) {
        store.append(&mix.batch(BATCH))?;
        store.seal()?;
        let start = Instant::now();
        store.ask(Question::LastEvents, subjects)?;
        timings.push(nanos(start.elapsed()));
    }
    Ok(timings.into())
}

fn print(events: usize, answers: &[Answered], after_seal: &Samples) {
    let mut table = Table::new(
        format!("Questions to a store of {} events", grouped(events as f64)),
        &["", "rows", "warm p50", "p99", "first p50", "first max"],
    );
    let mut goals = Goals::new("Goals (for 5,000,000 events)");
    let mut worst: f64 = 0.0;
    for Answered { question, rows, warm, first } in answers {
        table.row([
            question.name().to_owned(),
            grouped(*rows as f64),
            time(warm.median()),
            time(warm.quantile(0.99)),
            time(first.median()),
            time(first.max()),
        ]);
        goals.at_most(question.name(), question.goal_ns(), warm.median(), Unit::Time);
        worst = worst.max(first.median()).max(warm.median());
    }
    table.row([
        "last 100 events, right after a seal".to_owned(),
        "100".to_owned(),
        String::new(),
        String::new(),
        time(after_seal.median()),
        time(after_seal.max()),
    ]);
    goals.at_most("last 100 events, right after a seal", 100_000.0, after_seal.median(), Unit::Time);
    goals.at_most("promised: the slowest of all, first calls too", 10e6, worst, Unit::Time);
    println!("{table}{goals}");
}
