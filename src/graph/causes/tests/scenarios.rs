//! What each rule links, and what keeps it from linking.

use super::super::{DEPTH_MAX, FAN_OUT_MAX, Grade, Rules, last_failure};
use super::{START_US, Scenario, event};

use Grade::{Coincident, Declared, Inferred, Matched};

#[track_caller]
fn check(events: &[(f64, &str, &str)], asked: usize, places: &[usize], grades: &[Grade]) {
    let scenario = Scenario::new(events);
    let tree = scenario.why(asked);
    assert_eq!(scenario.chain(&tree), (places.to_vec(), grades.to_vec()), "\n{tree}");
}

#[test]
fn a_life_from_request_to_crash_to_restart_to_crash() {
    let events = [
        (0.0, "spawn_requested", "n@a"),
        (1.0, "spawn_succeeded", "n@a"),
        (100.0, "node_crashed", "n@a"),
        (105.0, "node_restarted", "n@a"),
        (105.5, "node_crashed", "n@a"),
        (110.0, "spawn_failed", "n@a"),
    ];
    check(&events, 5, &[0, 1, 2, 3, 4, 5], &[Matched; 5]);
    // The crash half a second after the restart does not pass for its late cause.
    check(&events, 3, &[0, 1, 2, 3], &[Matched; 3]);
    let scenario = Scenario::new(&events);
    let forwards = scenario.effects(0);
    assert_eq!(scenario.chain(&forwards), (vec![0, 1, 2, 3, 4, 5], vec![Matched; 5]), "\n{forwards}");
}

#[test]
fn requests_and_outcomes_match_by_node() {
    check(
        &[(0.0, "spawn_requested", "n@a"), (1.0, "spawn_requested", "m@a"), (2.0, "spawn_failed", "n@a")],
        2,
        &[0, 2],
        &[Matched],
    );
    check(&[(0.0, "stop_requested", "n@a"), (3.0, "stop_failed", "n@a")], 1, &[0, 1], &[Matched]);
    // The older request has its own outcome.
    check(
        &[
            (0.0, "spawn_requested", "n@a"),
            (1.0, "spawn_failed", "n@a"),
            (60.0, "spawn_requested", "n@a"),
            (61.0, "spawn_failed", "n@a"),
        ],
        3,
        &[2, 3],
        &[Matched],
    );
    // An attempt without a request of its own follows the one that failed.
    check(
        &[(0.0, "spawn_requested", "n@a"), (1.0, "spawn_failed", "n@a"), (9.0, "spawn_succeeded", "n@a")],
        2,
        &[0, 1, 2],
        &[Matched, Inferred],
    );
}

#[test]
fn a_crash_while_stopping_is_due_to_the_stop() {
    let events = [(0.0, "spawn_succeeded", "n@a"), (900.0, "stop_requested", "n@a"), (902.0, "node_crashed", "n@a")];
    check(&events, 2, &[1, 2], &[Matched]);
    let scenario = Scenario::new(&events);
    assert_eq!(scenario.rivals(&scenario.why(2)), [(0, Matched)]);
}

#[test]
fn agents_degrade_go_offline_and_recover() {
    let events = [
        (0.0, "agent_degraded", "a"),
        (60.0, "agent_offline", "a"),
        (90.0, "agent_offline", "b"),
        (300.0, "agent_recovered", "a"),
        (400.0, "agent_offline", "a"),
    ];
    check(&events, 3, &[0, 1, 3], &[Matched; 2]);
    // What was before the recovery is over.
    check(&events, 4, &[4], &[]);
    check(&[(0.0, "agent_offline", "a"), (5.0, "agent_registered", "a")], 1, &[0, 1], &[Inferred]);
}

#[test]
fn agents_make_the_cluster_critical_and_healthy() {
    let events = [
        (0.0, "agent_offline", "gone"),
        (10.0, "agent_recovered", "gone"),
        (20.0, "agent_degraded", "a"),
        (80.0, "agent_offline", "a"),
        (81.0, "cluster_degraded", ""),
        (200.0, "agent_offline", "b"),
        (201.0, "cluster_critical", ""),
        (500.0, "agent_recovered", "b"),
        (501.0, "cluster_healthy", ""),
    ];
    check(&events, 4, &[2, 3, 4], &[Matched, Inferred]);
    check(&events, 6, &[5, 6], &[Inferred]);
    check(&events, 8, &[5, 7, 8], &[Matched, Inferred]);
    let scenario = Scenario::new(&events);
    // The agent that had recovered is no rival.
    assert_eq!(scenario.rivals(&scenario.why(6)), [(4, Inferred), (3, Inferred), (2, Inferred)]);
    let effects = scenario.effects(3);
    let links: Vec<_> = effects.links.iter().map(|link| (scenario.place(&link.effect), link.rival)).collect();
    assert_eq!(links, [(4, false), (6, true)], "\n{effects}");
}

#[test]
fn spawns_on_an_offline_agent() {
    let events = [(0.0, "agent_offline", "a"), (60.0, "spawn_requested", "n@a"), (90.0, "spawn_failed", "n@a")];
    let scenario = Scenario::new(&events);
    let tree = scenario.why(2);
    assert_eq!(scenario.chain(&tree).0, [1, 2], "\n{tree}");
    assert_eq!(scenario.rivals(&tree), [(0, Inferred)]);
    // Without an outcome the request itself waits for the agent.
    check(&events[..2], 1, &[0, 1], &[Inferred]);
    check(&events, 1, &[1], &[]);
    let pending = Scenario::new(&[(0.0, "spawn_requested", "n@a"), (9.0, "agent_offline", "a")]).why(0);
    assert!(pending.notes.iter().any(|note| note.contains("agent a went offline afterwards")), "{:?}", pending.notes);
}

#[test]
fn shared_ids_join_events_of_any_type() {
    let dynamic = |at: f64, kind: &str, extras: &str| event(at, kind, "", extras);
    let scenario = Scenario::of(&[
        dynamic(0.0, "request_received", r#""request_id":"r1""#),
        dynamic(1.0, "request_received", r#""request_id":"r2""#),
        dynamic(2.0, "log_error", r#""request_id":"r1","correlation_id":"c""#),
        dynamic(3.0, "cache_cleared", r#""correlation_id":"c""#),
        dynamic(4.0, "span_started", r#""span_id":"s","trace_id":"t""#),
        dynamic(5.0, "span_started", r#""span_id":"x","trace_id":"t""#),
        dynamic(6.0, "span_failed", r#""parent_span_id":"s","trace_id":"t""#),
    ]);
    assert_eq!(scenario.chain(&scenario.why(3)), (vec![0, 2, 3], vec![Matched; 2]));
    let tree = scenario.why(6);
    assert_eq!(scenario.chain(&tree), (vec![4, 6], vec![Matched]), "\n{tree}");
    assert_eq!(scenario.rivals(&tree), [(5, Inferred)]);
    assert_eq!(scenario.chain(&scenario.effects(0)).0, [0, 2, 3]);
    assert_eq!(scenario.chain(&scenario.effects(4)).0, [4, 6]);
}

#[test]
fn a_declared_cause_is_best_and_one_that_is_missing_is_said() {
    let first = event(0.0, "disk_full", "", r#""host":"h""#);
    let declares = |ids: &str| format!(r#""exit_code":1,"caused_by":{ids}"#);
    let known = format!(r#"["event-disk_full-{START_US}","event-fire-1"]"#);
    let scenario = Scenario::of(&[
        first,
        event(50.0, "spawn_succeeded", "n@a", ""),
        event(60.0, "node_crashed", "n@a", &declares(&known)),
        event(70.0, "node_crashed", "m@a", &declares(r#""nonsense""#)),
    ]);
    let tree = scenario.why(2);
    assert_eq!(scenario.chain(&tree), (vec![0, 2], vec![Declared]), "\n{tree}");
    assert_eq!(scenario.rivals(&tree), [(1, Matched)]);
    assert!(tree.notes.iter().any(|note| note.contains("event-fire-1 is not in the record")), "{:?}", tree.notes);
    let nonsense = scenario.why(3).notes;
    assert!(nonsense.iter().any(|note| note.contains("no concept id")), "{nonsense:?}");
    let forwards = scenario.effects(0);
    assert_eq!(scenario.chain(&forwards), (vec![0, 2], vec![Declared]), "\n{forwards}");
}

#[test]
fn circles_of_declared_causes_are_not_followed() {
    let named = |kind: &str, at: i64, of: &str, of_at: i64| {
        #[allow(clippy::cast_precision_loss)] // One digit.
        let seconds = at as f64;
        event(seconds, kind, "", &format!(r#""caused_by":"event-{of}-{}""#, START_US + of_at * 1_000_000))
    };
    let scenario = Scenario::of(&[
        named("a", 0, "c", 1),
        named("b", 1, "a", 0),
        named("c", 1, "b", 1),
        named("d", 2, "d", 2),
        named("e", 3, "f", 9),
        event(9.0, "f", "", ""),
    ]);
    for asked in 0..3 {
        let tree = scenario.why(asked);
        assert_eq!(tree.chain().len(), 3, "\n{tree}");
        assert!(tree.to_string().contains("a circle"), "\n{tree}");
        assert_eq!(scenario.effects(asked).chain().len(), 3);
    }
    assert!(scenario.why(3).notes.iter().any(|note| note.contains("itself")));
    let late = scenario.why(4);
    assert!(late.links.is_empty() && late.notes.iter().any(|note| note.contains("after its effect")), "\n{late}");
}

#[test]
fn lives_are_kept_apart() {
    let events = [
        (0.0, "spawn_requested", "n@a"),
        (1.0, "spawn_succeeded", "n@a"),
        (50.0, "node_crashed", "n@a"),
        (60.0, "spawn_requested", "n@a"),
        (61.0, "spawn_succeeded", "n@a"),
        (90.0, "node_crashed", "n@a"),
        (95.0, "node_restarted", "n@a"),
        (100.0, "stop_requested", "n@a"),
        (101.0, "stop_succeeded", "n@a"),
        (500.0, "spawn_requested", "n@a"),
        (510.0, "spawn_failed", "n@a"),
    ];
    check(&events, 6, &[3, 4, 5, 6], &[Matched; 3]);
    check(&events, 10, &[9, 10], &[Matched]);
    let scenario = Scenario::new(&events);
    assert!(scenario.rivals(&scenario.why(10)).iter().all(|(place, _)| *place > 8));
    assert!(!scenario.effects(0).to_string().contains(&scenario.ids[5].to_string()));
    // A restart that was requested as a new spawn has the crash as a rival, not in its line.
    let replaced = Scenario::new(&[events[1], events[2], events[3], (70.0, "spawn_failed", "n@a")]);
    let tree = replaced.why(3);
    assert_eq!((replaced.chain(&tree).0, replaced.rivals(&tree)), (vec![2, 3], vec![(1, Inferred)]), "\n{tree}");
}

#[test]
fn a_cause_may_be_stamped_a_little_late() {
    let late = |seconds: f64| [(10.0, "spawn_succeeded", "n@a"), (10.0 + seconds, "spawn_requested", "n@a")];
    check(&late(2.0), 0, &[1, 0], &[Matched]);
    check(&late(2.1), 0, &[0], &[]);
    let scenario = Scenario::new(&late(4.0));
    let tolerant = Rules::from_toml("skew_seconds = 5").expect("legal");
    assert_eq!(scenario.chain(&scenario.why_by(0, &tolerant)).0, [1, 0]);
    let forwards = Scenario::new(&late(2.0));
    assert_eq!(forwards.chain(&forwards.effects(1)).0, [1, 0]);
    // A loop: a crash without a start before it is not caused by the restart after it.
    check(&[(0.0, "node_crashed", "n@a"), (1.0, "node_restarted", "n@a")], 0, &[0], &[]);
    // Nor is the restart caused by the crash after it, though crashes cause restarts.
    check(&[(0.0, "node_restarted", "n@a"), (1.0, "node_crashed", "n@a")], 0, &[0], &[]);
    check(&[(0.0, "node_restarted", "n@a"), (1.0, "node_crashed", "n@a")], 1, &[0, 1], &[Matched]);
    // An inferred cause is never late.
    check(&[(0.0, "cluster_critical", ""), (1.0, "agent_offline", "a")], 0, &[0], &[]);
}

#[test]
fn coincident_events_are_shown_and_not_chosen() {
    let scenario = Scenario::of(&[
        event(0.0, "agent_heartbeat", "a", ""),
        event(1.0, "disk_slow", "n@a", ""),
        event(5.0, "node_crashed", "n@a", ""),
    ]);
    let tree = scenario.why(2);
    assert_eq!(tree.chain().len(), 1);
    assert_eq!(scenario.rivals(&tree), [(1, Coincident)]);
    assert!(tree.notes.iter().any(|note| note.contains("no cause is known")));
    // Behind a better cause it is the last.
    let scenario = Scenario::of(&[
        event(0.0, "spawn_succeeded", "n@a", ""),
        event(1.0, "disk_slow", "n@a", ""),
        event(5.0, "node_crashed", "n@a", ""),
    ]);
    let tree = scenario.why(2);
    assert_eq!((scenario.chain(&tree).0, scenario.rivals(&tree)), (vec![0, 2], vec![(1, Coincident)]));
}

#[test]
fn trees_are_bounded() {
    let mut events = vec![event(0.0, "spawn_succeeded", "n@a", "")];
    for step in 0..20_u32 {
        events.push(event(f64::from(step * 10 + 5), "node_crashed", "n@a", ""));
        events.push(event(f64::from(step * 10 + 10), "node_restarted", "n@a", ""));
    }
    let scenario = Scenario::of(&events);
    let tree = scenario.why(events.len() - 1);
    assert_eq!(tree.chain().len(), DEPTH_MAX + 1);
    assert!(tree.to_string().contains("not followed further than 12 links"), "\n{tree}");

    let agents: Vec<String> = (0..12).map(|agent| format!("a{agent}")).collect();
    let mut events: Vec<_> = agents.iter().map(|agent| event(1.0, "agent_offline", agent, "")).collect();
    events.push(event(2.0, "cluster_critical", "", ""));
    let scenario = Scenario::of(&events);
    let tree = scenario.why(12);
    assert_eq!(tree.links.len(), FAN_OUT_MAX);
    assert!(tree.notes.iter().any(|note| note == "4 more are not shown"), "{:?}", tree.notes);
}

#[test]
fn rules_of_ones_own_link_too() {
    let rules = Rules::from_toml(
        r#"
        [[rule]]
        name = "eviction"
        effects = ["pod_evicted"]
        causes = ["disk_full"]
        fields = ["host"]
        window_seconds = 60
        grade = "inferred"
        role = "its host had no room"
        "#,
    )
    .expect("legal rules");
    let scenario = Scenario::of(&[
        event(0.0, "disk_full", "", r#""host":"h""#),
        event(40.0, "disk_full", "", r#""host":"other""#),
        event(50.0, "pod_evicted", "", r#""host":"h""#),
        event(100.0, "pod_evicted", "", r#""host":"h""#),
    ]);
    let tree = scenario.why_by(2, &rules);
    assert_eq!(scenario.chain(&tree), (vec![0, 2], vec![Inferred]));
    assert_eq!((tree.links[0].rule.as_str(), tree.links[0].role.as_str()), ("eviction", "its host had no room"));
    assert!(scenario.why_by(3, &rules).chosen().is_none());
}

#[test]
fn the_last_failure_of_an_entity_is_its_own_before_one_that_names_it() {
    let scenario = Scenario::new(&[
        (0.0, "agent_offline", "a"),
        (5.0, "node_crashed", "n@a"),
        (6.0, "node_restarted", "n@a"),
        (7.0, "node_crashed", "m@b"),
        (8.0, "cluster_critical", ""),
    ]);
    let last = |entity: &str| {
        let event = last_failure(&scenario.store.snapshot(), entity, &Rules::default()).expect("read");
        event.map(|event| scenario.place(&event.id))
    };
    assert_eq!(["a", "n", "b", "cluster", "x"].map(last), [Some(0), Some(1), Some(3), Some(4), None]);
}

#[test]
fn a_large_fan_in_says_that_more_could_be_linked() {
    let mut events: Vec<_> = (0..100).map(|agent| event(1.0, "agent_offline", &format!("a{agent}"), "")).collect();
    events.push(event(2.0, "cluster_critical", "", ""));
    let tree = Scenario::of(&events).why(100);
    assert_eq!(tree.links.len(), FAN_OUT_MAX);
    assert!(tree.notes.iter().any(|note| note.contains("by rule `cluster_lost_agents` more than")), "{:?}", tree.notes);
    // Many former lives are no causes, and not worth a word.
    let mut events = Vec::new();
    for life in 0..40_u32 {
        let at = f64::from(life * 100);
        events.push(event(at, "spawn_succeeded", "n@a", ""));
        events.push(event(at + 10.0, "node_crashed", "n@a", ""));
    }
    let tree = Scenario::of(&events).why(79);
    assert_eq!((tree.links.len(), tree.notes.len()), (1, 0), "{tree}");
}

#[test]
fn many_effects_say_that_there_are_more() {
    let cause = format!(r#""caused_by":"event-fire-{START_US}""#);
    let mut events = vec![event(0.0, "fire", "", "")];
    events.extend((1..100).map(|at| event(f64::from(at), "log_error", "", &cause)));
    let tree = Scenario::of(&events).effects(0);
    assert_eq!(tree.links.len(), FAN_OUT_MAX);
    assert!(tree.notes.iter().any(|note| note.contains("by `caused_by` more than")), "{:?}", tree.notes);
}

#[test]
fn the_worked_example_of_the_documents_holds() {
    let document = include_str!("../../../../docs/causes.md");
    let part = |from: &str| {
        let (_, rest) = document.split_once(from).expect("in the document");
        rest.split_once("```").expect("closed").0
    };
    let rules = Rules::from_toml(part("```toml\n")).expect("legal rules");
    let about = |rest: &str| format!(r#""node_id":"node-7",{rest}"#);
    let scenario = Scenario::of(&[
        event(0.0, "fault_injected", "", &about(r#""fault":"disk_latency""#)),
        event(5.0, "fault_injected", "", r#""node_id":"node-8","fault":"network_loss""#),
        event(12.0, "metrics_anomaly", "", &about(r#""metric":"write_latency_ms","value":940"#)),
        event(14.0, "log_error", "", &about(r#""message":"write timed out""#)),
        event(900.0, "log_error", "", &about(r#""message":"late""#)),
    ]);
    assert_eq!(scenario.why_by(3, &rules).to_string(), part("prints\n\n```text\n"));
    assert!(scenario.why_by(4, &rules).chosen().is_none());
}
