//! The engine and SQLite: the same events, the same questions, in one run.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml`; GRID_EVENTS_BENCH_EVENTS sets the number of events.

#[path = "../common/mod.rs"]
mod common;
mod sqlite;

use std::path::Path;

use sutra_grid_events::Store;
use sutra_grid_events::store::Durability;

use common::Outcome;
use common::goals::{Goals, Unit};
use common::mix::Mix;
use common::questions::{Answered, Answers, Question, SubjectFinder, Subjects, first_calls};
use common::recorder::{Engine, INTERVAL, Recorder, Written, record};
use common::samples::Samples;
use common::scale::{self, BATCH, SEED};
use common::table::{Table, digits, grouped, time};
use sqlite::Sqlite;

/// Events in the stores if the environment says nothing else.
const EVENTS: usize = 1_000_000;
/// Events whose recording is timed, at most; they are made before the clock starts.
const RECORDED_MAX: usize = 1 << 20;
/// Warm calls of a question; fewer where SQLite takes long.
const CALLS: usize = 301;

fn main() -> Outcome {
    let events = scale::events(EVENTS);
    let directory = tempfile::tempdir()?;
    let (engine_path, sqlite_path) = (directory.path().join("engine"), directory.path().join("sqlite.db"));
    let mut goals = Goals::new("Goals");

    let mut mix = Mix::seeded(SEED);
    let mut finder = SubjectFinder::new(&mix);
    let batches: Vec<_> = (0..events.min(RECORDED_MAX) / BATCH).map(|_| mix.batch(BATCH)).collect();
    batches.iter().for_each(|batch| finder.see(batch));
    let json_bytes: usize = batches.iter().flatten().map(|event| event.to_json().len()).sum();
    let recorded = batches.len() * BATCH;
    println!("{} B of JSON an event on average", json_bytes / recorded);

    let mut engine = Engine::open(&engine_path, Durability::Interval(INTERVAL))?;
    let mut sqlite = Sqlite::create(&sqlite_path)?;
    let by_engine = record(&mut engine, &batches)?;
    let by_sqlite = record(&mut sqlite, &batches)?;
    drop(batches);
    for _ in recorded / BATCH..events / BATCH {
        let batch = mix.batch(BATCH);
        finder.see(&batch);
        engine.append(&batch)?;
        sqlite.append(&batch)?;
    }
    // As the engine seals its tail on close.
    drop(engine);
    sqlite.checkpoint()?;
    let subjects = finder.subjects()?;
    let store = Store::open(&engine_path)?;
    store.remove_sealed_logs()?;

    let size = Sizes {
        engine: store.stats()?.bytes_on_disk as f64 / events as f64,
        sqlite: std::fs::metadata(&sqlite_path)?.len() as f64 / events as f64,
    };
    println!("{}", writing(recorded, &by_engine, &by_sqlite, size, &mut goals));
    println!("{}", asking(events, (&store, &engine_path), (&sqlite, &sqlite_path), &subjects, &mut goals)?);
    println!("{goals}");
    store.close()?;
    Ok(())
}

/// Bytes an event on disk.
struct Sizes {
    engine: f64,
    sqlite: f64,
}

fn writing(recorded: usize, engine: &Written, sqlite: &Written, size: Sizes, goals: &mut Goals) -> Table {
    let title = format!("Recording {} events in batches of {BATCH}", grouped(recorded as f64));
    let mut table = Table::new(title, &["", "engine", "SQLite", "engine is better by"]);
    let ratio = engine.events_per_second / sqlite.events_per_second;
    let rate = |written: &Written| grouped(written.events_per_second);
    table.row(["events/s".to_owned(), rate(engine), rate(sqlite), digits(ratio)]);
    for (name, share) in [("batch, p50", 0.5), ("batch, p99", 0.99), ("batch, max", 1.0)] {
        let (engine, sqlite) = (engine.batches.quantile(share), sqlite.batches.quantile(share));
        table.row([name.to_owned(), time(engine), time(sqlite), digits(sqlite / engine)]);
    }
    let Sizes { engine, sqlite } = size;
    table.row(["disk, B/event".to_owned(), digits(engine), digits(sqlite), digits(sqlite / engine)]);
    goals.at_least("durable ingest / SQLite", 10.0, ratio, Unit::Times);
    table
}

fn asking(
    events: usize,
    engine: (&Store, &Path),
    sqlite: (&Sqlite, &Path),
    subjects: &Subjects,
    goals: &mut Goals,
) -> Outcome<Table> {
    let title =
        format!("Questions to {} events: typed events from the engine, text from SQLite", grouped(events as f64));
    let header = ["", "rows", "engine, warm", "SQLite, warm", "×", "engine, first call", "SQLite, first call", "×"];
    let mut table = Table::new(title, &header);
    for question in Question::ALL {
        let by_engine = ask(question, subjects, engine.0, || Ok(Store::open_read_only(engine.1)?))?;
        let by_sqlite = ask(question, subjects, sqlite.0, || Sqlite::open_read_only(sqlite.1))?;
        if by_engine.rows != by_sqlite.rows {
            let (ours, theirs) = (by_engine.rows, by_sqlite.rows);
            return Err(format!("{}: {ours} rows from the engine, {theirs} from SQLite", question.name()).into());
        }
        let warm = (by_engine.warm.median(), by_sqlite.warm.median());
        let first = (by_engine.first.median(), by_sqlite.first.median());
        table.row([
            question.name().to_owned(),
            grouped(by_engine.rows as f64),
            time(warm.0),
            time(warm.1),
            digits(warm.1 / warm.0),
            time(first.0),
            time(first.1),
            digits(first.1 / first.0),
        ]);
        goals.at_most(
            &format!("{} (goal for 5,000,000 events)", question.name()),
            question.goal_ns(),
            warm.0,
            Unit::Time,
        );
    }
    Ok(table)
}

/// Asks an opened store, and freshly opened ones.
fn ask<A: Answers, B: Answers>(
    question: Question,
    subjects: &Subjects,
    opened: &A,
    open: impl Fn() -> Outcome<B>,
) -> Outcome<Answered> {
    let first = first_calls(question, subjects, open)?;
    let rows = opened.ask(question, subjects)?;
    let warm = Samples::measure(scale::repeats(CALLS), || opened.ask(question, subjects))?;
    Ok(Answered { question, rows, warm, first })
}
