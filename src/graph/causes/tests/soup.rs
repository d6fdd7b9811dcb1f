//! Any soup of events gives finite trees whose causes are not later than their effects, but for skew.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::{CausalTree, DEPTH_MAX, FAN_OUT_MAX, Grade, Towards};
use super::{SECOND, START_US, Scenario, event};
use crate::event::{ConceptId, Event};

const KINDS: [&str; 16] = [
    "spawn_requested",
    "spawn_succeeded",
    "spawn_failed",
    "stop_requested",
    "stop_succeeded",
    "node_crashed",
    "node_restarted",
    "agent_degraded",
    "agent_offline",
    "agent_recovered",
    "agent_unregistered",
    "cluster_degraded",
    "cluster_critical",
    "cluster_healthy",
    "log_error",
    "step",
];
/// Coincident links are beside those that are counted.
const COINCIDENT_MAX: usize = 3;

/// Few entities and half seconds, so that events meet often.
fn any_event() -> impl Strategy<Value = Event> {
    let ids = ["", r#""request_id":"r""#, r#""span_id":"s","trace_id":"t""#, r#""parent_span_id":"s""#];
    let declared = prop::option::weighted(0.3, (0..KINDS.len(), 0..60_i64));
    (0..KINDS.len(), 0..60_u32, 0..2_u8, prop::sample::select(ids.to_vec()), declared).prop_map(
        |(kind, half_seconds, entity, ids, declared)| {
            let kind = KINDS[kind];
            let about = match kind {
                _ if kind.starts_with("cluster") => String::new(),
                _ if kind.starts_with("agent") => format!("a{entity}"),
                _ => format!("n{entity}@a{entity}"),
            };
            let mut extras: Vec<String> = (!ids.is_empty()).then(|| ids.to_owned()).into_iter().collect();
            if let Some((cause, at)) = declared {
                extras.push(format!(r#""caused_by":"event-{}-{}""#, KINDS[cause], START_US + at * SECOND / 2));
            }
            event(f64::from(half_seconds) / 2.0, kind, &about, &extras.join(","))
        },
    )
}

/// Asserts what holds for every event of a tree, and answers how deep it is.
fn check(tree: &CausalTree, above: &mut Vec<ConceptId>) {
    assert!(above.len() <= DEPTH_MAX);
    assert!(!above.contains(&tree.event.id), "a circle at {}", tree.event.id);
    assert!(tree.links.len() <= FAN_OUT_MAX + COINCIDENT_MAX);
    let mut seen = HashSet::new();
    above.push(tree.event.id.clone());
    for link in &tree.links {
        assert!(seen.insert(&link.tree.event.id), "two links to {}", link.tree.event.id);
        let (own, other) = (&tree.event.id, &link.tree.event.id);
        let ends = if tree.towards == Towards::Causes { (other, own) } else { (own, other) };
        assert_eq!((&link.cause, &link.effect), ends);
        let tolerance = if link.grade >= Grade::Matched { 2 * SECOND } else { 0 };
        assert!(link.cause.timestamp_us() <= link.effect.timestamp_us() + tolerance, "{} is late", link.cause);
        assert!(link.grade > Grade::Coincident || link.rival);
        assert!(link.evidence.contains(&link.cause) && link.evidence.contains(&link.effect));
        check(&link.tree, above);
    }
    above.pop();
    if tree.towards == Towards::Causes {
        assert!(tree.links.iter().filter(|link| !link.rival).count() <= 1);
        assert!(tree.links.windows(2).all(|pair| pair[0].grade >= pair[1].grade), "not best first");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn trees_of_any_soup_are_finite_and_in_time(events in prop::collection::vec(any_event(), 1..40)) {
        let scenario = Scenario::of(&events);
        for index in [0, events.len() / 2, events.len() - 1] {
            for tree in [scenario.why(index), scenario.effects(index)] {
                check(&tree, &mut Vec::new());
                prop_assert!(!tree.chain().is_empty());
                prop_assert!(!tree.to_string().is_empty() && tree.to_dot().len() > tree.to_mermaid().len() / 2);
            }
        }
    }

    #[test]
    fn a_cause_of_an_event_has_it_as_its_effect(events in prop::collection::vec(any_event(), 1..40)) {
        let scenario = Scenario::of(&events);
        for index in [0, events.len() / 2, events.len() - 1] {
            let linked = |tree: &CausalTree| -> Vec<(ConceptId, Grade, bool)> {
                let links = tree.links.iter().filter(|link| link.grade > Grade::Coincident);
                links.map(|link| (link.tree.event.id.clone(), link.grade, link.rival)).collect()
            };
            let tree = scenario.why(index);
            for (cause, grade, rival) in linked(&tree) {
                let effects = scenario.effects(scenario.place(&cause));
                if !effects.notes.iter().any(|note| note.contains("more")) {
                    let expected = (tree.event.id.clone(), grade, rival);
                    prop_assert!(linked(&effects).contains(&expected), "{}\n{}", tree, effects);
                }
            }
        }
    }
}
