//! The questions that every engine is asked, and what they are about.

use std::hint::black_box;
use std::time::Instant;

use sutra_grid_events::query::GroupKey;
use sutra_grid_events::{ConceptId, Event, Filter, Query, Store};

use super::Outcome;
use super::mix::Mix;
use super::samples::{Samples, nanos};
use super::scale;

/// Rows that a question of many rows gives at most.
pub(crate) const ROWS_MAX: usize = 1_000;
/// How many of the newest events are asked for.
pub(crate) const LAST: usize = 100;
/// How many fresh stores are opened to time a first call.
const FIRST_CALLS: usize = 15;
const HOUR_US: i64 = 3_600_000_000;

/// A question that an operator asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    FailuresOfLastHour,
    HistoryOfNode,
    CrashesByAgent,
    EventById,
    LastEvents,
}

impl Question {
    pub(crate) const ALL: [Self; 5] =
        [Self::FailuresOfLastHour, Self::HistoryOfNode, Self::CrashesByAgent, Self::EventById, Self::LastEvents];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FailuresOfLastHour => "one type in the last hour, 1,000 rows",
            Self::HistoryOfNode => "one node's history",
            Self::CrashesByAgent => "crashes grouped by agent",
            Self::EventById => "one event by id",
            Self::LastEvents => "last 100 events",
        }
    }

    /// The goal for a warm call on 5,000,000 events, in ns.
    pub(crate) fn goal_ns(self) -> f64 {
        match self {
            Self::FailuresOfLastHour => 700_000.0,
            Self::HistoryOfNode => 500_000.0,
            Self::CrashesByAgent => 300_000.0,
            Self::EventById => 50_000.0,
            Self::LastEvents => 100_000.0,
        }
    }
}

/// What the questions are about.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    /// The start of the last hour, in µs.
    pub(crate) hour_ago_us: i64,
    pub(crate) node_id: String,
    /// The id of one of the crashes.
    pub(crate) crash: ConceptId,
}

/// Finds the subjects while the events pass by: the crash is the one in the middle of the time.
pub(crate) struct SubjectFinder {
    node_id: String,
    crashes_us: Vec<i64>,
    newest_us: i64,
}

impl SubjectFinder {
    pub(crate) fn new(mix: &Mix) -> Self {
        Self { node_id: mix.node_id().to_owned(), crashes_us: Vec::new(), newest_us: i64::MIN }
    }

    pub(crate) fn see(&mut self, events: &[Event]) {
        for event in events {
            self.newest_us = self.newest_us.max(event.timestamp_us());
            if event.event_type() == "node_crashed" {
                self.crashes_us.push(event.timestamp_us());
            }
        }
    }

    pub(crate) fn subjects(&self) -> Outcome<Subjects> {
        let crash_us = self.crashes_us.get(self.crashes_us.len() / 2).ok_or("there is no crash to ask for")?;
        Ok(Subjects {
            hour_ago_us: self.newest_us - HOUR_US,
            node_id: self.node_id.clone(),
            crash: format!("event-node_crashed-{crash_us}").parse()?,
        })
    }
}

/// Something that answers the questions.
pub(crate) trait Answers {
    /// Returns the number of rows or groups, all of them decoded.
    fn ask(&self, question: Question, subjects: &Subjects) -> Outcome<usize>;
}

impl Answers for Store {
    fn ask(&self, question: Question, subjects: &Subjects) -> Outcome<usize> {
        Ok(match question {
            Question::FailuresOfLastHour => {
                let filter = Filter::event_type("spawn_failed").and(Filter::between(subjects.hour_ago_us, None));
                self.query(&Query::new(filter).limit(ROWS_MAX))?.events.len()
            }
            Question::HistoryOfNode => self.query(&Query::new(Filter::entity(&subjects.node_id)))?.events.len(),
            Question::CrashesByAgent => {
                self.group_by(&Filter::event_type("node_crashed"), &GroupKey::Field("agent_id".into()))?.groups.len()
            }
            Question::EventById => usize::from(self.get(&subjects.crash)?.is_some()),
            Question::LastEvents => self.query(&Query::new(Filter::All).newest_first().limit(LAST))?.events.len(),
        })
    }
}

/// Timings of one question.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) question: Question,
    pub(crate) rows: usize,
    /// Calls after the first.
    pub(crate) warm: Samples,
    /// First calls, each of a store that was opened just before.
    pub(crate) first: Samples,
}

/// Times first calls; nothing else was asked of the opened store before.
pub(crate) fn first_calls<A: Answers>(
    question: Question,
    subjects: &Subjects,
    open: impl Fn() -> Outcome<A>,
) -> Outcome<Samples> {
    let mut timings = Vec::new();
    for _ in 0..scale::repeats(FIRST_CALLS) {
        let opened = open()?;
        let start = Instant::now();
        black_box(opened.ask(question, subjects)?);
        timings.push(nanos(start.elapsed()));
    }
    Ok(timings.into())
}
