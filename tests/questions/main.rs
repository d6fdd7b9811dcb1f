//! Questions in plain words, each with an answer that plain code computes from the list of events.
//!
//! The report counts, for each class, what was answered right, what was refused although it can be
//! answered, and what was answered wrongly with confidence, which is the worst.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic)]

mod grid;
mod reference;
mod soup;

use std::collections::BTreeMap;

use reference::{Expected, QUESTIONS};
use serde_json::Value as Json;
use sutra_grid_events::ask::{AskOptions, ask};

/// The share of questions that must be answered right, in percent.
const RIGHT_PERCENT_MIN: usize = 97;
/// The share of questions that may be answered wrongly with confidence, in percent.
const WRONG_PERCENT_MAX: usize = 1;

#[derive(Default)]
struct Tally {
    right: usize,
    refused: usize,
    wrong: usize,
}

#[test]
fn questions_are_answered_right_or_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, events) = grid::store(directory.path());
    let options = AskOptions { now_us: grid::NOW_US, ..AskOptions::default() };
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for question in QUESTIONS {
        let answer = ask(&store, question.text, &options).expect("readable");
        let json = serde_json::to_value(&answer).expect("serializable");
        let tally = tallies.entry(question.class).or_default();
        let understood = json["understood"] == Json::Bool(true);
        match (&question.expected, understood) {
            (Expected::Refused, false) => tally.right += 1,
            (Expected::Refused, true) => {
                tally.wrong += 1;
                eprintln!("answered, not refused: {}\n  {}", question.text, json["reading"]);
            }
            (_, false) => {
                tally.refused += 1;
                eprintln!("refused: {}\n  {}", question.text, json["reason"]);
            }
            (expected, true) => match expected.check(&json, &events) {
                Ok(()) => tally.right += 1,
                Err(difference) => {
                    tally.wrong += 1;
                    eprintln!("wrong: {}\n  {}\n  {difference}", question.text, json["reading"]);
                }
            },
        }
    }
    let (mut right, mut wrong) = (0, 0);
    println!("{:<12} {:>6} {:>8} {:>6}", "class", "right", "refused", "wrong");
    for (class, tally) in &tallies {
        println!("{class:<12} {:>6} {:>8} {:>6}", tally.right, tally.refused, tally.wrong);
        right += tally.right;
        wrong += tally.wrong;
    }
    let all = QUESTIONS.len();
    println!("{right} of {all} right, {wrong} confidently wrong");
    assert!(100 * right >= RIGHT_PERCENT_MIN * all, "{right} of {all} questions were answered right");
    assert!(100 * wrong <= WRONG_PERCENT_MAX * all, "{wrong} of {all} questions were answered wrongly");
}

#[test]
fn no_question_stands_twice_and_none_expects_nothing_by_accident() {
    let mut texts: Vec<&str> = QUESTIONS.iter().map(|question| question.text).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), QUESTIONS.len());
    let events = grid::events();
    for question in QUESTIONS {
        assert!(question.expected.is_plausible(&events), "{}", question.text);
    }
}
