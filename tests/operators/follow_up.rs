//! Questions that continue the one before: the answer is that of the question in full.

use serde_json::Value as Json;
use sutra_grid_events::Store;
use sutra_grid_events::ask::{AskOptions, Question, Understanding, answer, understand};

use super::stores::{self, NOW_US};

/// What is asked first, what continues it, and the same in one question.
const CONVERSATIONS: [(&str, &str, &str); 20] = [
    ("how many nodes crashed today", "and yesterday?", "how many nodes crashed yesterday"),
    ("how many nodes crashed today", "and last week?", "how many nodes crashed last week"),
    ("show crashes this week", "only agent-001", "show crashes on agent-001 this week"),
    ("crashes on agent-001 this week", "what about agent-004?", "crashes on agent-004 this week"),
    ("crashes per agent this week", "and last week?", "crashes per agent last week"),
    ("restarts today", "how many?", "how many restarts today"),
    ("status of agent-004", "and agent-002?", "status of agent-002"),
    ("status of agent-004", "and at 2026-11-24T03:30:00Z?", "status of agent-004 at 2026-11-24T03:30:00Z"),
    ("what happened to node-abc123 today", "and node-22c0de?", "what happened to node-22c0de today"),
    ("what happened to node-22c0de", "only crashes", "crashes of node-22c0de"),
    ("crashes of node-abc123", "why?", "why did node-abc123 crash"),
    ("when did node-44feed last crash", "why did it happen?", "why did node-44feed crash"),
    ("crashes this week", "per agent", "crashes per agent this week"),
    ("crashes this week", "by day", "crashes per day this week"),
    ("crashes this week", "except on agent-001", "crashes this week except on agent-001"),
    ("failure rate of spawns today", "and yesterday?", "failure rate of spawns yesterday"),
    ("spawn failures this week", "and restarts?", "restarts this week"),
    ("which nodes crashed today", "and on monday?", "which nodes crashed on monday"),
    ("top 3 agents by crashes", "same for restarts", "top 3 agents by restarts"),
    ("did agent-004 go offline today", "and agent-003?", "did agent-003 go offline today"),
];

/// What continues nothing that can be continued so, and must be refused.
const REFUSED: [(&str, &str); 5] = [
    ("how many nodes crashed today", "and the weather?"),
    ("how many nodes crashed today", "and tomorrow?"),
    ("compare crashes on agent-001 and agent-002", "and agent-003?"),
    ("how many nodes crashed today", "and?"),
    ("which agents are offline", "only node-abc123"),
];

fn read(store: &Store, text: &str, previous: Option<Question>) -> Result<Question, String> {
    let options = AskOptions { now_us: NOW_US, previous, ..AskOptions::default() };
    match understand(&store.snapshot(), text, &options).expect("readable") {
        Understanding::Question(question) => Ok(*question),
        Understanding::Refusal(refusal) => Err(refusal.reason),
    }
}

/// The answer without what tells how it was asked.
fn answered(store: &Store, question: &Question) -> Json {
    let options = AskOptions { now_us: NOW_US, ..AskOptions::default() };
    let mut json = serde_json::to_value(answer(store, question, &options).expect("readable")).expect("serializable");
    let fields = json.as_object_mut().expect("an object");
    ["reading", "query", "text", "gaps"].iter().for_each(|name| drop(fields.remove(*name)));
    json
}

#[test]
fn a_question_continues_the_one_before() {
    let grid = &stores::all()[0];
    let mut complaints = Vec::new();
    for (first, then, whole) in CONVERSATIONS {
        let previous = read(&grid.store, first, None).unwrap_or_else(|reason| panic!("{first}: {reason}"));
        let in_full = read(&grid.store, whole, None).unwrap_or_else(|reason| panic!("{whole}: {reason}"));
        match read(&grid.store, then, Some(previous)) {
            Ok(continued) if answered(&grid.store, &continued) == answered(&grid.store, &in_full) => {
                assert!(continued.reading.contains("continued"), "{}", continued.reading);
            }
            Ok(continued) => complaints.push(format!("{first} / {then}: {}", continued.reading)),
            Err(reason) => complaints.push(format!("{first} / {then}: {reason}")),
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn what_continues_nothing_is_refused() {
    let grid = &stores::all()[0];
    for (first, then) in REFUSED {
        let previous = read(&grid.store, first, None).unwrap_or_else(|reason| panic!("{first}: {reason}"));
        let continued = read(&grid.store, then, Some(previous));
        assert!(continued.is_err(), "{first} / {then}: {:?}", continued.map(|question| question.reading));
    }
}

#[test]
fn a_whole_question_stands_alone_whatever_was_asked_before() {
    let grid = &stores::all()[0];
    let previous = read(&grid.store, "crashes on agent-001 yesterday", None).expect("understood");
    for text in ["how many nodes crashed this week", "why did node-abc123 crash", "status of the cluster"] {
        let alone = read(&grid.store, text, None).expect("understood");
        let after = read(&grid.store, text, Some(previous.clone())).expect("understood");
        assert_eq!(answered(&grid.store, &after), answered(&grid.store, &alone), "{text}");
    }
}
