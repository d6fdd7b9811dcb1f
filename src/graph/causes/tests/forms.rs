//! What a tree looks like.

use super::{Scenario, event};

fn scenario() -> Scenario {
    Scenario::of(&[
        event(0.0, "spawn_requested", "n@a", ""),
        event(1.0, "spawn_succeeded", "n@a", ""),
        event(40.0, "agent_offline", "a", ""),
        event(55.0, "disk_slow", "n@a", r#""why":"a \"b\"\n<c>""#),
        event(60.0, "node_crashed", "n@a", r#""exit_code":137,"caused_by":"event-fire-1""#),
    ])
}

#[test]
fn a_tree_as_text() {
    let golden = include_str!("golden.txt");
    assert_eq!(scenario().why(4).to_string(), golden);
}

#[test]
fn a_tree_as_json() {
    let scenario = scenario();
    let tree = scenario.why(4);
    let json = serde_json::to_value(&tree).expect("JSON");
    assert_eq!(json["id"], scenario.ids[4].to_string());
    assert_eq!(json["links"][0]["grade"], "matched");
    assert_eq!(json["links"][0]["evidence"][0], scenario.ids[1].to_string());
    assert_eq!(json["links"][0]["tree"]["event_type"], "spawn_succeeded");
    assert_eq!(json["links"][2]["rival"], true);
    let chain = serde_json::to_value(tree.chain()).expect("JSON");
    assert_eq!(chain[0]["id"], scenario.ids[0].to_string());
    assert_eq!((&chain[0]["grade"], &chain[2]["grade"]), (&"matched".into(), &serde_json::Value::Null));
}

#[test]
fn a_tree_as_graphs() {
    let tree = scenario().why(4);
    let dot = tree.to_dot();
    assert_eq!(dot, include_str!("golden.dot"));
    assert!(dot.starts_with("digraph causes {\n") && dot.ends_with("}\n"), "{dot}");
    assert_eq!(dot.matches(" -> ").count(), 4, "{dot}");
    assert!(dot.contains("e1 -> e0 [label=\"matched: life\", style=solid]"), "{dot}");
    assert!(dot.contains("why a \\\"b\\\" <c>"), "{dot}");
    let mermaid = tree.to_mermaid();
    assert_eq!(mermaid, include_str!("golden.mermaid"));
    assert!(mermaid.starts_with("flowchart TD\n  e0[\"Node n crashed"), "{mermaid}");
    assert!(mermaid.contains("e1 -->|\"matched: life\"| e0"), "{mermaid}");
    assert!(mermaid.contains("a #34;b#34; #60;c#62;"), "{mermaid}");
}

#[test]
fn exit_codes_have_hints() {
    let hint = |events: &[(f64, &str, &str, &str)]| {
        let events: Vec<_> = events.iter().map(|&(at, kind, about, extras)| event(at, kind, about, extras)).collect();
        let scenario = Scenario::of(&events);
        scenario.why(events.len() - 1).hint
    };
    let crash = |code: &'static str| (60.0, "node_crashed", "n@a", code);
    let request = (0.0, "spawn_requested", "n@a", "");
    for code in [r#""exit_code":137"#, r#""exit_code":-9"#] {
        let expected = "killed by SIGKILL, consistent with out of memory (limit 512 MB)";
        assert_eq!(hint(&[request, crash(code)]).as_deref(), Some(expected));
        assert_eq!(hint(&[crash(code)]).as_deref(), Some("killed by SIGKILL"));
    }
    assert!(hint(&[request, crash(r#""exit_code":139"#)]).is_some_and(|hint| hint.contains("SIGSEGV")));
    assert_eq!(hint(&[request, crash(r#""exit_code":null"#)]), None);
}
