//! What a query asks for, as data that a program can build, show and run again.

use crate::event::Value;

/// A set of events.
///
/// Filters are built with the functions of [`build`](crate::query::build), read from text with
/// [`parse_predicate`](Self::parse_predicate), or written as the data that they are.
///
/// ```
/// use sutra_grid_events::Filter;
///
/// let filter = Filter::event_type("spawn_failed")
///     .and(Filter::entity_of("agent_id", "agent-001"))
///     .and(Filter::field("error").contains("port"));
/// assert_eq!(filter.to_string(), r#"type spawn_failed and agent_id "agent-001" and error ~ "port""#);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Filter {
    /// Every event.
    #[default]
    All,
    /// Events of a type.
    Type(String),
    /// Events that name an entity, under one field or (without a field) under any.
    Entity {
        /// The field, such as `agent_id`.
        field: Option<String>,
        /// The value, such as `agent-001`.
        value: String,
    },
    /// Events of a time.
    Time(TimeRange),
    /// Events with a field that passes a test.
    Field {
        /// The field; `event_type` and `timestamp` are fields too.
        name: String,
        /// What its value must be.
        test: Test,
    },
    /// Events in every one of these sets; all events if there is none.
    And(Vec<Filter>),
    /// Events in at least one of these sets; no event if there is none.
    Or(Vec<Filter>),
    /// Events not in this set.
    Not(Box<Filter>),
}

/// A half-open range of time, `[since, until)`, in µs since 1970. A missing end is open.
///
/// ```
/// use sutra_grid_events::query::TimeRange;
/// let range = TimeRange { since_us: Some(10), until_us: Some(20) };
/// assert!(range.contains(10) && !range.contains(20));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The first µs inside.
    pub since_us: Option<i64>,
    /// The first µs outside again.
    pub until_us: Option<i64>,
}

impl TimeRange {
    /// Whether a time (in µs) lies inside.
    #[must_use]
    pub fn contains(&self, timestamp_us: i64) -> bool {
        self.since_us.is_none_or(|since| since <= timestamp_us)
            && self.until_us.is_none_or(|until| timestamp_us < until)
    }

    /// Whether no time lies inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // Nothing is before the least number, so a range that ends there is empty without a start too.
        self.until_us.is_some_and(|until| until <= self.since_us.unwrap_or(i64::MIN))
    }

    /// Whether any time of `[min_us, max_us]` lies inside.
    pub(crate) fn overlaps(&self, min_us: i64, max_us: i64) -> bool {
        self.since_us.is_none_or(|since| since <= max_us) && self.until_us.is_none_or(|until| min_us < until)
    }
}

/// A test of the value of a field. An event without the field passes none, so that the *negation* of a
/// test ([`Filter::Not`]) holds for events without the field, while [`Differs`](Self::Differs) does not.
///
/// Numbers compare with numbers by their value, strings with strings by their bytes (as instants where
/// both are RFC 3339 times), `false` is less than `true`, nested values compare by their compact JSON.
/// Values of different kinds are never equal, less or greater, but do differ; `null` equals `null` only.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Equal to the value.
    Equals(Value),
    /// There, and not equal to the value.
    Differs(Value),
    /// Less than the value.
    Less(Value),
    /// Less than or equal to the value.
    AtMost(Value),
    /// Greater than the value.
    Greater(Value),
    /// Greater than or equal to the value.
    AtLeast(Value),
    /// The text of the value (its JSON text, where it is no string) contains this, whatever the case of
    /// the letters. Every text contains the empty one.
    Contains(String),
    /// Equal to one of the values; no value equals one of none.
    OneOf(Vec<Value>),
    /// There, whatever it is, `null` included.
    Exists,
}

/// The order of the events of a result: by time, then by arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// From the earliest on.
    #[default]
    OldestFirst,
    /// From the latest back.
    NewestFirst,
}

/// Where a page of a result ended: the key of its last event in the order of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageCursor {
    /// The time of the event in µs.
    pub timestamp_us: i64,
    /// The sequence number of the event.
    pub sequence: u64,
}

/// A query: which events, in which order, how many, and after which page.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Which events.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// How many at most; all of them without a limit.
    pub limit: Option<usize>,
    /// Only events behind this place in the order.
    pub after: Option<PageCursor>,
}
