//! Prepares a filter to be planned and evaluated.
//!
//! Literals are read once rather than for each row, and tests of fields that the indices answer
//! exactly become the questions that the indices are asked:
//!
//! ```text
//! event_type = x          ─► Type x
//! timestamp >= <a time>   ─► Time
//! agent_id = "agent-1"    ─► Entity, since every such value is in the postings
//! ```

use crate::event::{Value, ValueRef, is_always_entity_field, is_entity_value, timestamp};

use super::evaluate::Check;
use super::filter::{Filter, Test, TimeRange};

/// A filter that is ready to be planned and evaluated.
pub(crate) struct CompiledFilter<'q> {
    /// What must hold.
    pub(super) root: Node<'q>,
    /// Every entity that is asked for, in the order of [`EntityLeaf::index`].
    pub(super) entities: Vec<EntityLeaf<'q>>,
}

/// A part of a compiled filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'q> {
    /// Every event.
    Always,
    /// No event.
    Never,
    /// Events of a type.
    Type(&'q str),
    /// Events that name an entity.
    Entity(EntityLeaf<'q>),
    /// Events of a time; neither everything nor nothing.
    Time(TimeRange),
    /// Events with a field that passes a check.
    Field { name: &'q str, check: Check<'q> },
    /// All of at least two parts, the cheapest to plan first.
    And(Vec<Node<'q>>),
    /// Any of at least two parts, the cheapest to plan first.
    Or(Vec<Node<'q>>),
    /// Everything but a part.
    Not(Box<Node<'q>>),
}

/// An entity that a filter asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntityLeaf<'q> {
    /// Its place among all entities of the filter.
    pub(super) index: usize,
    /// The field it must stand under, if not any.
    pub(super) field: Option<&'q str>,
    /// The value.
    pub(super) value: &'q str,
}

impl<'q> CompiledFilter<'q> {
    /// Prepares a filter.
    pub(crate) fn new(filter: &'q Filter) -> Self {
        let mut compiled = Self { root: Node::Never, entities: Vec::new() };
        compiled.root = compiled.compile(filter);
        compiled
    }

    fn compile(&mut self, filter: &'q Filter) -> Node<'q> {
        match filter {
            Filter::All => Node::Always,
            Filter::Type(name) => Node::Type(name),
            Filter::Entity { field, value } => self.entity(field.as_deref(), value),
            Filter::Time(range) => time(*range),
            Filter::Field { name, test } => self.field(name, test),
            Filter::And(filters) => all_of(filters.iter().map(|filter| self.compile(filter)).collect()),
            Filter::Or(filters) => any_of(filters.iter().map(|filter| self.compile(filter)).collect()),
            Filter::Not(filter) => negate(self.compile(filter)),
        }
    }

    fn entity(&mut self, field: Option<&'q str>, value: &'q str) -> Node<'q> {
        let leaf = EntityLeaf { index: self.entities.len(), field, value };
        self.entities.push(leaf);
        Node::Entity(leaf)
    }

    fn field(&mut self, name: &'q str, test: &'q Test) -> Node<'q> {
        match name {
            "event_type" => type_field(test),
            "timestamp" => timestamp_field(test),
            _ => {
                let exact = |value: &Value| {
                    // Strings that are times compare as instants, which postings of texts do not.
                    value.as_text().is_some_and(|text| is_entity_value(text) && timestamp::parse(text).is_err())
                };
                match equal_values(test) {
                    Some(values) if is_always_entity_field(name) && values.iter().all(exact) => any_of(
                        values.iter().filter_map(Value::as_text).map(|text| self.entity(Some(name), text)).collect(),
                    ),
                    _ => Node::Field { name, check: Check::new(test) },
                }
            }
        }
    }
}

/// The values of a test that passes for these values alone.
fn equal_values(test: &Test) -> Option<&[Value]> {
    match test {
        Test::Equals(value) => Some(std::slice::from_ref(value)),
        Test::OneOf(values) => Some(values),
        _ => None,
    }
}

/// A test of the type. Every event has one, and it is a string that is no time.
fn type_field(test: &Test) -> Node<'_> {
    match equal_values(test) {
        Some(values) => any_of(values.iter().filter_map(Value::as_text).map(Node::Type).collect()),
        None => Node::Field { name: "event_type", check: Check::new(test) },
    }
}

/// A test of the time. Every event has one, and it is a string that is a time.
fn timestamp_field(test: &Test) -> Node<'_> {
    let instant = |value: &Value| value.as_text().and_then(|text| timestamp::parse(text).ok());
    // A time that was parsed is far from the largest number, so that the next µs exists.
    let range = |since_us, until_us| time(TimeRange { since_us, until_us });
    let at = |value: &Value| instant(value).map_or(Node::Never, |us| range(Some(us), Some(us + 1)));
    match test {
        Test::Equals(value) => at(value),
        Test::Differs(value) => negate(at(value)),
        Test::OneOf(values) => any_of(values.iter().map(at).collect()),
        Test::Exists => Node::Always,
        Test::Less(value) | Test::AtMost(value) | Test::Greater(value) | Test::AtLeast(value) => {
            match (instant(value), test) {
                (Some(us), Test::Less(_)) => range(None, Some(us)),
                (Some(us), Test::AtMost(_)) => range(None, Some(us + 1)),
                (Some(us), Test::Greater(_)) => range(Some(us + 1), None),
                (Some(us), _) => range(Some(us), None),
                (None, _) => Node::Field { name: "timestamp", check: Check::new(test) },
            }
        }
        Test::Contains(_) => Node::Field { name: "timestamp", check: Check::new(test) },
    }
}

fn time<'q>(range: TimeRange) -> Node<'q> {
    if range.is_empty() {
        Node::Never
    } else if range == TimeRange::default() {
        Node::Always
    } else {
        Node::Time(range)
    }
}

fn all_of(nodes: Vec<Node<'_>>) -> Node<'_> {
    let mut parts = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Always => {}
            Node::Never => return Node::Never,
            Node::And(nested) => parts.extend(nested),
            node => parts.push(node),
        }
    }
    parts.sort_by_key(planning_cost);
    match parts.len() {
        0 => Node::Always,
        1 => parts.swap_remove(0),
        _ => Node::And(parts),
    }
}

fn any_of(nodes: Vec<Node<'_>>) -> Node<'_> {
    let mut parts = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Always => return Node::Always,
            Node::Never => {}
            Node::Or(nested) => parts.extend(nested),
            node => parts.push(node),
        }
    }
    parts.sort_by_key(planning_cost);
    match parts.len() {
        0 => Node::Never,
        1 => parts.swap_remove(0),
        _ => Node::Or(parts),
    }
}

fn negate(node: Node<'_>) -> Node<'_> {
    match node {
        Node::Always => Node::Never,
        Node::Never => Node::Always,
        Node::Not(inner) => *inner,
        node => Node::Not(Box::new(node)),
    }
}

/// Which part of a conjunction to plan first: what costs least and leaves most sources without a candidate.
fn planning_cost(node: &Node<'_>) -> u8 {
    match node {
        Node::Always | Node::Never => 0,
        Node::Time(_) => 1,
        Node::Type(_) => 2,
        Node::Entity(_) => 3,
        Node::Or(_) | Node::And(_) => 4,
        Node::Field { .. } => 5,
        Node::Not(_) => 6,
    }
}

impl<'q> Node<'q> {
    /// Whether an event of this type may be in the filter.
    pub(super) fn may_match_type(&self, event_type: &str) -> bool {
        match self {
            Node::Never => false,
            Node::Type(name) => *name == event_type,
            Node::Field { name: "event_type", check } => check.passes(ValueRef::Text(event_type)),
            Node::And(nodes) => nodes.iter().all(|node| node.may_match_type(event_type)),
            Node::Or(nodes) => nodes.iter().any(|node| node.may_match_type(event_type)),
            Node::Not(node) => !node.must_match_type(event_type),
            Node::Always | Node::Entity(_) | Node::Time(_) | Node::Field { .. } => true,
        }
    }

    /// Whether every event of this type is in the filter.
    fn must_match_type(&self, event_type: &str) -> bool {
        match self {
            Node::Always => true,
            Node::Type(_) | Node::Field { name: "event_type", .. } => self.may_match_type(event_type),
            Node::And(nodes) => nodes.iter().all(|node| node.must_match_type(event_type)),
            Node::Or(nodes) => nodes.iter().any(|node| node.must_match_type(event_type)),
            Node::Not(node) => !node.may_match_type(event_type),
            Node::Never | Node::Entity(_) | Node::Time(_) | Node::Field { .. } => false,
        }
    }

    /// The range outside of which nothing can match, if the filter says so by itself.
    pub(super) fn range(&self) -> TimeRange {
        match self {
            Node::Never => TimeRange { since_us: Some(0), until_us: Some(0) },
            Node::Time(range) => *range,
            Node::And(nodes) => nodes.iter().map(Node::range).fold(TimeRange::default(), |all, range| TimeRange {
                since_us: all.since_us.max(range.since_us),
                until_us: [all.until_us, range.until_us].into_iter().flatten().min(),
            }),
            Node::Or(nodes) => {
                let of_any = nodes.iter().map(Node::range).filter(|range| !range.is_empty());
                let hull = of_any.reduce(|all, range| TimeRange {
                    since_us: all.since_us.and_then(|since| Some(since.min(range.since_us?))),
                    until_us: all.until_us.and_then(|until| Some(until.max(range.until_us?))),
                });
                hull.unwrap_or_default()
            }
            Node::Always | Node::Type(_) | Node::Entity(_) | Node::Field { .. } | Node::Not(_) => TimeRange::default(),
        }
    }

    /// The types outside of which nothing can match, if the filter says so by itself.
    pub(super) fn types(&self) -> Option<Vec<&'q str>> {
        match self {
            Node::Never => Some(Vec::new()),
            Node::Type(name) => Some(vec![name]),
            Node::And(nodes) => nodes.iter().filter_map(Node::types).min_by_key(Vec::len),
            Node::Or(nodes) => {
                let mut all = Vec::new();
                for node in nodes {
                    all.extend(node.types()?);
                }
                all.sort_unstable();
                all.dedup();
                Some(all)
            }
            Node::Always | Node::Entity(_) | Node::Time(_) | Node::Field { .. } | Node::Not(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(filter: &Filter) -> String {
        format!("{:?}", CompiledFilter::new(filter).root)
    }

    #[test]
    fn what_the_indices_answer_is_asked_of_them() {
        let noon = "2026-11-24T12:00:00Z";
        for (filter, start) in [
            (Filter::field("event_type").equals("x"), "Type"),
            (Filter::field("event_type").one_of(["x", "y"]), "Or([Type"),
            (Filter::field("event_type").equals(1), "Never"),
            (Filter::field("event_type").contains("x"), "Field"),
            (Filter::field("timestamp").at_least(noon), "Time"),
            (Filter::field("timestamp").differs(noon), "Not(Time"),
            (Filter::field("timestamp").equals("noon"), "Never"),
            (Filter::field("timestamp").differs(1), "Always"),
            (Filter::field("timestamp").less("2026"), "Field"),
            (Filter::field("agent_id").equals("a"), "Entity"),
            (Filter::field("agent_id").one_of(["a", "b"]), "Or([Entity"),
            (Filter::field("agent_id").one_of(Vec::<i32>::new()), "Never"),
            (Filter::field("agent_id").equals(noon), "Field"),
            (Filter::field("agent_id").equals(""), "Field"),
            (Filter::field("agent_id").equals(7), "Field"),
            (Filter::field("source_id").equals("a"), "Field"),
            (Filter::field("port").equals("a"), "Field"),
        ] {
            assert!(root(&filter).starts_with(start), "{filter}: {}", root(&filter));
        }
    }

    #[test]
    fn constants_vanish() {
        let leaf = || Filter::event_type("x");
        for (filter, expected) in [
            (Filter::And(vec![]), "Always"),
            (Filter::Or(vec![]), "Never"),
            (Filter::And(vec![leaf(), Filter::Or(vec![])]), "Never"),
            (Filter::Or(vec![leaf(), Filter::between(None, None)]), "Always"),
            (leaf().not().not(), "Type(\"x\")"),
            (Filter::between(5, 5), "Never"),
            (Filter::between(None, i64::MIN), "Never"),
            (Filter::And(vec![Filter::And(vec![leaf()]), Filter::All]), "Type(\"x\")"),
        ] {
            assert_eq!(root(&filter), expected, "{filter}");
        }
    }

    #[test]
    fn the_types_of_a_filter_are_known_where_it_names_them() {
        let types = |filter: &Filter| CompiledFilter::new(filter).root.types().map(|types| types.join(" "));
        let (x, y) = (Filter::event_type("x"), Filter::event_type("y"));
        assert_eq!(types(&x.clone().or(y.clone())).as_deref(), Some("x y"));
        assert_eq!(types(&x.clone().or(y).and(x.clone()).and(Filter::entity("e"))).as_deref(), Some("x"));
        assert_eq!(types(&x.clone().or(Filter::entity("e"))), None);
        assert_eq!(types(&x.not()), None);
    }
}
