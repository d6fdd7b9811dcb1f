//! How fast questions in plain words are answered: reading a question and answering it, timed apart.
//!
//! `cargo bench --bench ask`; with GRID_EVENTS_BENCH_EVENTS=5000000 on the store that the goals are for.

#[path = "common/mod.rs"]
mod common;

use std::time::Instant;

use sutra_grid_events::Store;
use sutra_grid_events::ask::{AskOptions, Understanding, answer, understand};

use common::Outcome;
use common::goals::{Goals, Unit};
use common::mix::Mix;
use common::samples::{Samples, nanos};
use common::scale::{self, BATCH, SEED};
use common::table::{Table, grouped, time};

/// Events in the store if the environment says nothing else.
const EVENTS: usize = 1_000_000;
/// How often each question is asked.
const ROUNDS: usize = 50;

/// The goals for the store of 5,000,000 events, in ns: for reading, for both of any question, and of most questions.
const READ_GOAL_NS: f64 = 200e3;
const EVERY_GOAL_NS: f64 = 10e6;
const MOST_GOAL_NS: f64 = 2e6;

/// A question of each intent. `NODE` stands for a node of the store.
const QUESTIONS: [(&str, &str); 24] = [
    ("list", "show me spawn failures in the last hour"),
    ("list", "the last 10 crashes"),
    ("entities", "which nodes crashed today?"),
    ("entities", "which agents went offline in the last 2 hours"),
    ("count", "how many nodes crashed?"),
    ("count", "how many different agents went offline this week"),
    ("count", "how many heartbeats in the last hour"),
    ("groups", "crashes per agent"),
    ("groups", "crashes per hour today"),
    ("top", "top 3 agents with the most crashes"),
    ("top", "most common error"),
    ("timeline", "what happened to NODE"),
    ("timeline", "history of agent-001"),
    ("status", "what is the status of NODE?"),
    ("status", "status of the cluster"),
    ("status", "which agents are offline right now?"),
    ("status", "which nodes are running right now?"),
    ("why", "why did NODE crash?"),
    ("absence", "which spawn requests never got an answer in the last hour"),
    ("absence", "which agents stopped sending heartbeats in the last hour"),
    ("value", "failure rate of spawns"),
    ("value", "how long was agent-004 offline"),
    ("value", "slowest spawns in the last hour"),
    ("compare", "compare crashes on agent-001 and agent-002"),
];

fn main() -> Outcome {
    let events = scale::events(EVENTS);
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path())?;
    let mut mix = Mix::seeded(SEED);
    let node = mix.node_id().to_owned();
    let mut newest_us = i64::MIN;
    eprintln!("recording {} events", grouped(events as f64));
    for _ in 0..events / BATCH {
        let batch = mix.batch(BATCH);
        newest_us = batch.iter().map(sutra_grid_events::Event::timestamp_us).fold(newest_us, i64::max);
        store.append(&batch)?;
    }
    store.flush()?;
    store.close()?;
    // Operators ask from another process than the one that records.
    let store = Store::open_read_only(directory.path())?;
    let options = AskOptions { now_us: newest_us, ..AskOptions::default() };

    let mut table = Table::new(
        format!("Questions in plain words to a store of {} events", grouped(events as f64)),
        &["", "intent", "matched", "read p50", "answered p50", "p99", "first", "above the goal of"],
    );
    let mut slowest_read = 0.0_f64;
    let mut both = Vec::new();
    let mut missed = Vec::new();
    for (intent, text) in QUESTIONS {
        let text = text.replace("NODE", &node);
        let Some(asked) = ask(&store, &text, &options)? else {
            missed.push(text);
            continue;
        };
        let read_ns = asked.read.median();
        let both_ns = read_ns + asked.answered.median();
        slowest_read = slowest_read.max(read_ns);
        both.push(both_ns);
        let above: Vec<&str> =
            [("reading", read_ns > READ_GOAL_NS), ("most", both_ns > MOST_GOAL_NS), ("every", both_ns > EVERY_GOAL_NS)]
                .into_iter()
                .filter_map(|(goal, is_above)| is_above.then_some(goal))
                .collect();
        table.row([
            text,
            if asked.intent == intent { intent.to_owned() } else { format!("{} (not {intent})", asked.intent) },
            grouped(asked.matched as f64),
            time(asked.read.median()),
            time(asked.answered.median()),
            time(asked.answered.quantile(0.99)),
            time(asked.first_ns),
            above.join(", "),
        ]);
    }
    let mut goals = Goals::new("Goals (for 5,000,000 events)");
    both.sort_by(f64::total_cmp);
    let (slowest, middle) = (both.last().copied(), both.get(both.len() / 2).copied());
    goals.at_most("reading: the slowest to read", READ_GOAL_NS, slowest_read, Unit::Time);
    goals.at_most("most: half of all are read and answered", MOST_GOAL_NS, middle.unwrap_or(f64::NAN), Unit::Time);
    goals.at_most("every: the slowest is read and answered", EVERY_GOAL_NS, slowest.unwrap_or(f64::NAN), Unit::Time);
    println!("{table}{goals}");
    for text in missed {
        println!("not understood: {text}");
    }
    Ok(())
}

/// What asking one question took.
struct Asked {
    intent: String,
    matched: u64,
    read: Samples,
    answered: Samples,
    first_ns: f64,
}

/// Asks a question again and again; nothing if it is not understood.
fn ask(store: &Store, text: &str, options: &AskOptions) -> Outcome<Option<Asked>> {
    let (mut read, mut answered) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..scale::repeats(ROUNDS).max(1) {
        let start = Instant::now();
        let understanding = understand(&store.snapshot(), text, options)?;
        read.push(nanos(start.elapsed()));
        let Understanding::Question(question) = understanding else { return Ok(None) };
        let start = Instant::now();
        let answer = answer(store, &question, options)?;
        answered.push(nanos(start.elapsed()));
        last = Some(serde_json::to_value(&answer)?);
    }
    let json = last.unwrap_or_default();
    Ok(Some(Asked {
        intent: json["intent"].as_str().unwrap_or_default().to_owned(),
        matched: json["matched"].as_u64().unwrap_or(0),
        first_ns: (read[0] + answered[0]) as f64,
        read: read.into(),
        answered: answered.into(),
    }))
}
