//! Decides whether one event is in a filter, whether it is an [`Event`] or a row of a block.
//!
//! This is the one place where the meaning of a filter is written down as code; plans only spare it work.

use std::cmp::Ordering;

use roaring::RoaringBitmap;

use crate::event::{Event, Value, ValueRef, timestamp};
use crate::storage::{Rows, StoredEvent};

use super::compile::{CompiledFilter, EntityLeaf, Node};
use super::filter::{Filter, Test};

/// What a filter asks of an event.
pub(super) trait Subject {
    fn event_type(&self) -> &str;
    fn timestamp_us(&self) -> i64;
    fn names_entity(&self, entity: &EntityLeaf<'_>) -> bool;
    fn value(&self, field: &str) -> Option<ValueRef<'_>>;
}

impl Subject for Event {
    fn event_type(&self) -> &str {
        Event::event_type(self)
    }

    fn timestamp_us(&self) -> i64 {
        Event::timestamp_us(self)
    }

    fn names_entity(&self, entity: &EntityLeaf<'_>) -> bool {
        self.entities()
            .iter()
            .any(|named| named.value == entity.value && entity.field.is_none_or(|field| field == named.field))
    }

    fn value(&self, field: &str) -> Option<ValueRef<'_>> {
        self.get(field)
    }
}

/// One row of a block.
pub(super) struct RowSubject<'a> {
    pub(super) rows: &'a dyn Rows,
    pub(super) row: u32,
    /// Where the row is in its source.
    pub(super) position: u32,
    /// The postings of each entity of the filter in that source, by [`EntityLeaf::index`].
    pub(super) entity_sets: &'a [RoaringBitmap],
}

impl Subject for RowSubject<'_> {
    fn event_type(&self) -> &str {
        self.rows.event_type(self.row)
    }

    fn timestamp_us(&self) -> i64 {
        self.rows.timestamp_us(self.row)
    }

    fn names_entity(&self, entity: &EntityLeaf<'_>) -> bool {
        self.entity_sets.get(entity.index).is_some_and(|set| set.contains(self.position))
    }

    fn value(&self, field: &str) -> Option<ValueRef<'_>> {
        self.rows.value(self.row, field)
    }
}

impl CompiledFilter<'_> {
    /// Whether an event is in the filter.
    pub(super) fn matches(&self, subject: &impl Subject) -> bool {
        self.root.matches(subject)
    }
}

impl Node<'_> {
    fn matches(&self, subject: &impl Subject) -> bool {
        match self {
            Node::Always => true,
            Node::Never => false,
            Node::Type(name) => subject.event_type() == *name,
            Node::Entity(entity) => subject.names_entity(entity),
            Node::Time(range) => range.contains(subject.timestamp_us()),
            Node::Field { name, check } => subject.value(name).is_some_and(|value| check.passes(value)),
            Node::And(nodes) => nodes.iter().all(|node| node.matches(subject)),
            Node::Or(nodes) => nodes.iter().any(|node| node.matches(subject)),
            Node::Not(node) => !node.matches(subject),
        }
    }
}

impl Filter {
    /// Whether an event is in this set.
    ///
    /// ```
    /// use sutra_grid_events::{ConceptId, Event, Filter, StoredEvent};
    ///
    /// let text = r#"{"event_type":"spawn_failed","node_id":"n","agent_id":"a","error":"Port in use","timestamp":"2026-11-24T08:00:00.000000Z"}"#;
    /// let event = Event::from_json(text).unwrap();
    /// let id = ConceptId::new(event.event_type(), event.timestamp_us(), 0).unwrap();
    /// let stored = StoredEvent { id, sequence: 1, event };
    /// assert!(Filter::field("error").contains("port").matches(&stored));
    /// assert!(!Filter::entity_of("node_id", "a").matches(&stored));
    /// ```
    #[must_use]
    pub fn matches(&self, stored: &StoredEvent) -> bool {
        CompiledFilter::new(self).matches(&stored.event)
    }
}

/// A [`Test`] with its literals read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Check<'q> {
    Equals(Operand<'q>),
    Differs(Operand<'q>),
    Less(Operand<'q>),
    AtMost(Operand<'q>),
    Greater(Operand<'q>),
    AtLeast(Operand<'q>),
    Contains(Needle),
    OneOf(Vec<Operand<'q>>),
    Exists,
}

impl<'q> Check<'q> {
    pub(super) fn new(test: &'q Test) -> Self {
        match test {
            Test::Equals(value) => Check::Equals(Operand::new(value)),
            Test::Differs(value) => Check::Differs(Operand::new(value)),
            Test::Less(value) => Check::Less(Operand::new(value)),
            Test::AtMost(value) => Check::AtMost(Operand::new(value)),
            Test::Greater(value) => Check::Greater(Operand::new(value)),
            Test::AtLeast(value) => Check::AtLeast(Operand::new(value)),
            Test::Contains(text) => Check::Contains(Needle::new(text)),
            Test::OneOf(values) => Check::OneOf(values.iter().map(Operand::new).collect()),
            Test::Exists => Check::Exists,
        }
    }

    /// Whether the value of a field passes.
    pub(super) fn passes(&self, value: ValueRef<'_>) -> bool {
        match self {
            Check::Equals(operand) => operand.order_of(value) == Some(Ordering::Equal),
            Check::Differs(operand) => operand.order_of(value) != Some(Ordering::Equal),
            Check::Less(operand) => operand.order_of(value).is_some_and(Ordering::is_lt),
            Check::AtMost(operand) => operand.order_of(value).is_some_and(Ordering::is_le),
            Check::Greater(operand) => operand.order_of(value).is_some_and(Ordering::is_gt),
            Check::AtLeast(operand) => operand.order_of(value).is_some_and(Ordering::is_ge),
            Check::Contains(needle) => needle.is_in(value),
            Check::OneOf(operands) => operands.iter().any(|operand| operand.order_of(value) == Some(Ordering::Equal)),
            Check::Exists => true,
        }
    }
}

/// A literal that values are compared with. It compares as [`ValueRef::compare`] does, but knows
/// beforehand whether it is a time, so that no text is parsed in vain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Operand<'q> {
    value: ValueRef<'q>,
    instant_us: Option<i64>,
}

impl<'q> Operand<'q> {
    pub(super) fn new(value: &'q Value) -> Self {
        Self { value: value.as_ref(), instant_us: value.as_text().and_then(|text| timestamp::parse(text).ok()) }
    }

    /// Where a value stands in relation to this one.
    fn order_of(&self, value: ValueRef<'_>) -> Option<Ordering> {
        match (value, self.value, self.instant_us) {
            (ValueRef::Text(text), ValueRef::Text(literal), None) => Some(text.cmp(literal)),
            (ValueRef::Time(us), ValueRef::Text(_), Some(instant_us)) => Some(us.cmp(&instant_us)),
            (value, literal, _) => value.compare(literal),
        }
    }
}

/// A text that is looked for in others, whatever the case of the letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needle {
    lowercase: String,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        Self { lowercase: lowercase(text) }
    }

    fn is_in(&self, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Text(text) => self.is_in_text(text),
            other => self.is_in_text(&other.to_string()),
        }
    }

    fn is_in_text(&self, text: &str) -> bool {
        let needle = self.lowercase.as_bytes();
        if needle.is_empty() {
            true
        } else if text.is_ascii() {
            text.as_bytes().windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
        } else {
            // Some letters beyond ASCII have ASCII in their lowercase form, so this holds for any needle.
            lowercase(text).contains(&self.lowercase)
        }
    }
}

/// Lowercase letter by letter, so that a part of a text has the same form as within the whole.
fn lowercase(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-3i64..3).prop_map(Value::Integer),
            Just(Value::Unsigned(u64::MAX)),
            (-3i32..3).prop_map(|half| Value::Float(f64::from(half) / 2.0)),
            Just(Value::Number("1.00".to_owned())),
            "[a-c0-2]{0,2}".prop_map(Value::Text),
            Just(Value::Text("2026-11-24T08:00:00.000000Z".to_owned())),
            Just(Value::Text("2026-11-24T09:00:00+01:00".to_owned())),
            Just(Value::Text("2026-11-24T08:00:01Z".to_owned())),
            Just(Value::Json("[1]".to_owned())),
        ]
    }

    proptest! {
        #[test]
        fn an_operand_compares_as_values_do(value in any_value(), literal in any_value()) {
            let operand = Operand::new(&literal);
            prop_assert_eq!(operand.order_of(value.as_ref()), value.as_ref().compare(literal.as_ref()));
        }

        #[test]
        fn a_time_compares_as_its_text_does(
            us in 1_795_507_199_999_999i64..1_795_507_200_000_002,
            literal in any_value(),
        ) {
            let (operand, text) = (Operand::new(&literal), timestamp::format(us));
            prop_assert_eq!(operand.order_of(ValueRef::Time(us)), ValueRef::Text(&text).compare(literal.as_ref()));
        }

        #[test]
        fn case_does_not_matter(text in "[a-cA-CäÄßKſİΣς ]{0,6}", from in 0usize..6, len in 0usize..4) {
            let part: String = text.chars().skip(from).take(len).collect();
            let needle = Needle::new(&part);
            prop_assert!(needle.is_in_text(&text));
            prop_assert_eq!(needle.is_in_text("aBc"), "abc".contains(&needle.lowercase));
        }
    }

    #[test]
    fn the_text_of_other_values_is_their_json() {
        for (needle, value, expected) in [
            ("UL", ValueRef::Null, true),
            ("5", ValueRef::Integer(1503), true),
            ("24t08", ValueRef::Time(1_795_507_200_000_000), true),
            ("k", ValueRef::Json(r#"{"K":1}"#), true),
            ("", ValueRef::Text(""), true),
            ("longer", ValueRef::Text("long"), false),
        ] {
            assert_eq!(Needle::new(needle).is_in(value), expected, "{needle} in {value}");
        }
    }
}
