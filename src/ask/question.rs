//! What a question in words was understood to ask, as data: what a program can show, keep and run again.

use serde::Serialize;

use crate::event::Entity;
use crate::query::{Filter, GroupKey, TimeRange};

/// A question that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What is asked for.
    pub intent: Intent,
    /// Which events it is asked of: kinds, entities, fields and time together.
    pub filter: Filter,
    /// The time that was asked about, also part of the filter. Open where none was named.
    pub range: TimeRange,
    /// The field of the entities that the question is about (`node_id` for nodes, `agent_id` for agents,
    /// any other for dynamic kinds), if it is about entities of one kind.
    pub subject: Option<String>,
    /// Whether a yes or no is asked for; the intent is then what gives the evidence.
    pub yes_no: bool,
    /// The state that a yes-or-no question asks about: "is agent-003 offline?".
    pub state_asked: Option<String>,
    /// The interpretation as one sentence, with absolute times.
    pub reading: String,
    /// Other readings that were possible, as questions that can be asked.
    pub alternatives: Vec<String>,
    /// Entities named in the question that the store does not know, with the names closest to each.
    pub unknown: Vec<(String, Vec<String>)>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Intent {
    /// The events themselves. With `newest` the last ones, else the first; all without a limit.
    List {
        /// How many at most.
        limit: Option<usize>,
        /// Whether the last are meant.
        newest: bool,
    },
    /// The distinct values of a field: "which agents…", and how often each must occur ("at least 3 times").
    Entities {
        /// The field.
        field: String,
        /// How many events each must have; any number without.
        times: Option<Times>,
    },
    /// How many.
    Count(Counted),
    /// How many by something.
    Groups {
        /// By what.
        key: GroupKey,
    },
    /// The most or least frequent.
    Top {
        /// Of what.
        key: GroupKey,
        /// How many.
        count: usize,
        /// Whether the least are meant.
        least: bool,
    },
    /// What happened to an entity, in order.
    Timeline {
        /// The entity, by its name under any field.
        entity: String,
    },
    /// The state of something at an instant.
    Status {
        /// Of what.
        of: StatusOf,
        /// When, in µs.
        at_us: i64,
    },
    /// Why something happened, or what it led to.
    Why {
        /// What happened.
        target: WhyTarget,
        /// Towards causes or effects.
        direction: Direction,
    },
    /// What did not happen.
    Absence(Absence),
    /// A number computed from the events.
    Value(ValueOf),
    /// The same number for two things.
    Compare(Compared),
}

/// How often something must have happened to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The fewest events that it must have.
    pub at_least: u64,
    /// The most events that it may have, if there is a limit.
    pub at_most: Option<u64>,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// Events.
    Events,
    /// Distinct values of a field.
    Distinct(String),
}

/// What a state is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusOf {
    /// One agent or node.
    Entity(Entity),
    /// The cluster as a whole.
    Cluster,
    /// All agents (`agent_id`) or nodes (`node_id`), or those in one state ("which agents were offline at 03:10").
    All {
        /// The field of the entities.
        field: String,
        /// The state asked for; any without.
        state: Option<String>,
    },
}

/// The event that a why is asked of: the last that passes the filter.
#[derive(Debug, Clone, PartialEq)]
pub struct WhyTarget {
    /// Which events it can be; time included.
    pub filter: Filter,
    /// The entity that it is about, if one was named.
    pub entity: Option<String>,
}

/// Towards what a chain of causes is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards the root: why.
    Causes,
    /// Towards what came of it.
    Effects,
}

/// What did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// Requests (`spawn_requested`, `stop_requested`) that no outcome followed.
    Unanswered {
        /// The types of the requests.
        request_types: Vec<String>,
    },
    /// Agents whose heartbeats stopped, or are missing beyond their usual interval.
    MissingHeartbeats,
    /// Events that no event of another kind about the same thing followed: crashes without a restart.
    Unfollowed {
        /// The types of the events.
        start_types: Vec<String>,
        /// The types of what did not follow.
        end_types: Vec<String>,
        /// The field that both share.
        field: String,
    },
    /// Entities of a field that have no event of the filter, among those known to the store.
    Without {
        /// The field.
        field: String,
    },
}

/// A function of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Function {
    /// The arithmetic mean.
    Average,
    /// The largest.
    Maximum,
    /// The smallest.
    Minimum,
    /// The sum.
    Sum,
    /// A percentile, 0 to 100.
    Percentile(f64),
    /// Outcomes of one kind over attempts.
    Rate,
    /// The time between matched events.
    Duration,
}

/// A number computed from events.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueOf {
    /// A function of a numeric field over the events of the filter.
    Field {
        /// The function.
        function: Function,
        /// The field.
        field: String,
    },
    /// The share of the events of the filter that also pass a second one ("failure rate of spawns").
    Rate {
        /// The events counted over; the question's filter with all outcomes.
        attempts: Filter,
        /// Those of them that are asked for.
        outcomes: Filter,
    },
    /// Events of the filter per unit of time ("crashes per hour on average").
    Frequency {
        /// The unit in µs.
        unit_us: i64,
    },
    /// How long it took from a start to its matched end, on the same entity ("how long was agent-004 offline").
    Duration {
        /// The types of the start.
        start_types: Vec<String>,
        /// The types of the end.
        end_types: Vec<String>,
        /// The field by which they match.
        field: String,
        /// What to make of several durations: the sum where one entity is asked of, else average, maximum….
        function: Function,
    },
}

/// Two things whose counts are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The first: its name in words, and its events.
    pub first: (String, Filter),
    /// The second.
    pub second: (String, Filter),
}

/// Why a question was not answered, and what can be asked instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Why, for a person; names the word that was not understood, if that is it.
    pub reason: String,
    /// Questions that can be answered, nearest first.
    pub suggestions: Vec<String>,
}

/// What came of reading a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Understanding {
    /// It was understood.
    Question(Box<Question>),
    /// It was not.
    Refusal(Refusal),
}
