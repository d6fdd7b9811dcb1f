//! A plain model of concepts and associations: sets of links, and a search through all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use proptest::prelude::*;
use sutra_grid_events::graph::{Association, AssociationKind, Concept, Learn};

/// What is learned in a test, in its order.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) learned: Vec<Learn>,
    pub(crate) model: Model,
}

/// Links between ids, whichever way they go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    links: BTreeMap<String, BTreeSet<String>>,
}

impl Model {
    fn link(&mut self, a: &str, b: &str) {
        if a != b {
            self.links.entry(a.to_owned()).or_default().insert(b.to_owned());
            self.links.entry(b.to_owned()).or_default().insert(a.to_owned());
        }
    }

    /// The ids with links.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.links.keys().map(String::as_str)
    }

    pub(crate) fn neighbors(&self, id: &str) -> BTreeSet<String> {
        self.links.get(id).cloned().unwrap_or_default()
    }

    pub(crate) fn is_linked(&self, a: &str, b: &str) -> bool {
        self.links.get(a).is_some_and(|others| others.contains(b))
    }

    /// How many links the shortest path has.
    pub(crate) fn distance(&self, start: &str, end: &str) -> Option<usize> {
        let mut distances = HashMap::from([(start, 0)]);
        let mut waiting = VecDeque::from([start]);
        while let Some(id) = waiting.pop_front() {
            let distance = distances[id];
            if id == end {
                return Some(distance);
            }
            for other in self.links.get(id).into_iter().flatten() {
                if !distances.contains_key(other.as_str()) {
                    distances.insert(other, distance + 1);
                    waiting.push_back(other);
                }
            }
        }
        None
    }
}

/// An event, as the writer of a remote store learns it.
pub(crate) fn event_concept(event_type: &str, micros: i64, fields: &str) -> Concept {
    let time = sutra_grid_events::event::timestamp::format(micros);
    let comma = if fields.is_empty() { "" } else { "," };
    let json = format!(r#"{{"event_type":"{event_type}"{comma}{fields},"timestamp":"{time}"}}"#);
    Concept::new(format!("event-{event_type}-{micros}"), json)
}

pub(crate) fn association(source: &str, target: &str, kind: AssociationKind) -> Association {
    Association { source: source.to_owned(), target: target.to_owned(), kind, confidence: 1.0 }
}

#[derive(Debug, Clone)]
enum Step {
    /// Its entities, how long after the one before it happens (ms), and which earlier one it declares its cause.
    Event(Vec<u8>, i64, Option<prop::sample::Index>),
    Note(u8),
    Association(prop::sample::Index, prop::sample::Index, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let entities = prop::collection::vec(0u8..5, 0..3);
    let cause = prop::option::weighted(0.3, any::<prop::sample::Index>());
    prop_oneof![
        5 => (entities, 1i64..1500, cause).prop_map(|(entities, after, cause)| Step::Event(entities, after, cause)),
        1 => (0u8..4).prop_map(Step::Note),
        3 => (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..5)
            .prop_map(|(source, target, kind)| Step::Association(source, target, kind)),
    ]
}

pub(crate) fn scenario() -> impl Strategy<Value = Scenario> {
    prop::collection::vec(step(), 1..30).prop_map(scenario_of)
}

fn scenario_of(steps: Vec<Step>) -> Scenario {
    let mut scenario = Scenario { learned: Vec::new(), model: Model::default() };
    let mut ids: Vec<String> = (0..4).map(|number| format!("note-{number}")).collect();
    let mut events: Vec<String> = Vec::new();
    let mut millis = 1_795_492_920_000;
    for step in steps {
        match step {
            Step::Event(entities, after, cause) => {
                millis += after;
                let names = ["first_id", "second_id", "third_id"];
                let mut fields: Vec<String> =
                    entities.iter().zip(names).map(|(entity, name)| format!(r#""{name}":"thing-{entity}""#)).collect();
                let cause = cause.filter(|_| !events.is_empty()).map(|index| index.get(&events).clone());
                fields.extend(cause.iter().map(|cause| format!(r#""caused_by":"{cause}""#)));
                let concept = event_concept("alpha", millis * 1000, &fields.join(","));
                let second = format!("ts-{}", millis / 1000);
                for other in entities.iter().map(|entity| format!("thing-{entity}")).chain([second]).chain(cause) {
                    scenario.model.link(&concept.id, &other);
                    ids.push(other);
                }
                ids.push(concept.id.clone());
                events.push(concept.id.clone());
                scenario.learned.push(concept.into());
            }
            Step::Note(number) => {
                let content = format!("after {} others", scenario.learned.len());
                scenario.learned.push(Concept::new(format!("note-{number}"), content).into());
            }
            Step::Association(source, target, kind) => {
                let kind = match kind {
                    0 => AssociationKind::Event(0),
                    1 => AssociationKind::Temporal,
                    2 => AssociationKind::Causal,
                    3 => AssociationKind::Event(30),
                    _ => AssociationKind::Other(4711),
                };
                let (source, target) = (source.get(&ids).clone(), target.get(&ids).clone());
                scenario.model.link(&source, &target);
                scenario.learned.push(association(&source, &target, kind).into());
            }
        }
    }
    scenario
}
