//! Questions as operators type them, each with an answer that plain code computes from the list of events.
//!
//! They were written without a look at the lexicon that answers them. The report counts, for each class, what
//! was answered right, what was refused although it can be answered, and what was answered wrongly with
//! confidence, which is the worst.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod follow_up;
mod grid;
mod jobs;
mod numbers;
mod pods;
mod questions;
mod reference;
mod releases;
mod replay;
mod stores;

use std::collections::{BTreeMap, BTreeSet};

use questions::{Provenance, Question};
use serde_json::Value as Json;
use stores::{NOW_US, Seeded};
use sutra_grid_events::ask::{AskOptions, ask};

/// The share of questions that must be answered right, in percent.
const RIGHT_PERCENT_MIN: usize = 97;
/// The share of questions that may be answered wrongly with confidence, in percent.
const WRONG_PERCENT_MAX: usize = 1;
/// How many questions there are at least, and how many of them must be refused.
const QUESTIONS_MIN: usize = 300;
const REFUSED_MIN: usize = 45;

/// What came of a question.
enum Outcome {
    Right,
    /// It was refused although it can be answered.
    Refused {
        reason: String,
    },
    /// It was answered with confidence, and wrongly.
    Wrong {
        reading: String,
        difference: String,
    },
}

#[derive(Default)]
struct Tally {
    right: usize,
    refused: usize,
    wrong: usize,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Right => self.right += 1,
            Outcome::Refused { .. } => self.refused += 1,
            Outcome::Wrong { .. } => self.wrong += 1,
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { right, refused, wrong } = self;
        write!(f, "{right} of {} right, {wrong} confidently wrong", right + refused + wrong)
    }
}

/// The answer as a program sees it. The only call of the library.
fn answer(seeded: &Seeded, text: &str) -> Json {
    let options = AskOptions { now_us: NOW_US, ..AskOptions::default() };
    let answer = ask(&seeded.store, text, &options).expect("readable");
    serde_json::to_value(&answer).expect("serializable")
}

fn outcome(question: &Question, seeded: &Seeded) -> Outcome {
    let answer = answer(seeded, &question.text);
    let may_refuse = question.right.iter().any(|expectation| expectation.refused);
    if answer["understood"] != Json::Bool(true) {
        let reason = answer["reason"].to_string();
        return if may_refuse { Outcome::Right } else { Outcome::Refused { reason } };
    }
    let answers = question.right.iter().filter(|expectation| !expectation.refused);
    let differences: Vec<String> = answers.filter_map(|right| right.check(&answer, &seeded.events).err()).collect();
    if differences.len() < question.right.iter().filter(|expectation| !expectation.refused).count() {
        return Outcome::Right;
    }
    let difference =
        if differences.is_empty() { "expected a refusal".to_owned() } else { differences.join("\n    or ") };
    Outcome::Wrong { reading: answer["reading"].to_string(), difference }
}

#[test]
fn questions_are_answered_right_or_refused() {
    let stores = stores::all();
    let questions = questions::all();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let (mut unseen, mut last, mut fresh) = (Tally::default(), Tally::default(), Tally::default());
    for question in &questions {
        let seeded = store_of(&stores, question);
        let tally = tallies.entry(&question.class).or_default();
        let outcome = outcome(question, seeded);
        match question.provenance {
            Provenance::Seen => {}
            Provenance::Unseen => unseen.add(&outcome),
            Provenance::Final => last.add(&outcome),
            Provenance::Fresh => fresh.add(&outcome),
        }
        tally.add(&outcome);
        match outcome {
            Outcome::Right => {}
            Outcome::Refused { reason } => {
                println!("REFUSED [{}] {}\n    {reason}", question.class, question.text);
            }
            Outcome::Wrong { reading, difference } => {
                println!("WRONG [{}] {}\n    {reading}\n    {difference}", question.class, question.text);
            }
        }
    }
    let (mut right, mut wrong) = (0, 0);
    println!("{:<12} {:>6} {:>8} {:>6}", "class", "right", "refused", "wrong");
    for (class, tally) in &tallies {
        println!("{class:<12} {:>6} {:>8} {:>6}", tally.right, tally.refused, tally.wrong);
        right += tally.right;
        wrong += tally.wrong;
    }
    println!("unseen: {unseen}");
    println!("final: {last}");
    println!("fresh: {fresh}");
    let all = questions.len();
    println!("{right} of {all} right, {wrong} confidently wrong");
    assert!(100 * right >= RIGHT_PERCENT_MIN * all, "{right} of {all} questions were answered right");
    assert!(100 * wrong <= WRONG_PERCENT_MAX * all, "{wrong} of {all} questions were answered wrongly");
}

#[test]
fn no_question_stands_twice_and_none_expects_nothing_by_accident() {
    let stores = stores::all();
    let questions = questions::all();
    let mut seen = BTreeSet::new();
    let mut complaints = Vec::new();
    for question in &questions {
        if !seen.insert((&question.store, question.text.trim().to_lowercase())) {
            complaints.push(format!("stands twice: {}", question.text));
        }
        if question.right.is_empty() {
            complaints.push(format!("has no answer: {}", question.text));
        }
        for right in &question.right {
            if let Err(reason) = right.is_plausible(&store_of(&stores, question).events) {
                complaints.push(format!("{}: {reason}", question.text));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let refused = questions.iter().filter(|question| question.right.iter().all(|right| right.refused)).count();
    assert!(questions.len() >= QUESTIONS_MIN, "{} questions", questions.len());
    assert!(refused >= REFUSED_MIN, "{refused} questions that must be refused");
    println!("{} questions, {refused} of them to be refused", questions.len());
}

/// The references themselves, against what a person counts in the story.
#[test]
fn the_references_agree_with_the_story() {
    let stores = stores::all();
    let grid = &stores[0].events;
    let is = |kind: &'static str| grid.iter().filter(move |event| event.kind() == kind).count();
    assert_eq!((is("node_crashed"), is("node_restarted"), is("spawn_failed"), is("agent_offline")), (15, 12, 7, 5));
    assert_eq!(is("spawn_requested"), is("spawn_succeeded") + is("spawn_failed") + 2);
    let at = stores::at("20T20:10:00");
    assert_eq!(replay::state(grid, "cluster", at), "critical");
    let offline = replay::in_state(grid, "agent_id", "offline", at);
    assert_eq!(offline.into_iter().collect::<Vec<_>>(), ["agent-003", "agent-004", "agent-005"]);
    assert_eq!(replay::state(grid, "agent-006", NOW_US), "unregistered");
    assert_eq!(replay::state(grid, "node-44feed", NOW_US), "crashed");
    assert!(stores.iter().all(|seeded| seeded.events.is_sorted_by_key(|event| event.timestamp_us)));
}

fn store_of<'a>(stores: &'a [Seeded], question: &Question) -> &'a Seeded {
    let wanted = |seeded: &&Seeded| seeded.name == question.store;
    stores.iter().find(wanted).unwrap_or_else(|| panic!("no store {} for: {}", question.store, question.text))
}
