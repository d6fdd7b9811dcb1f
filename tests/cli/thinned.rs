//! Answers about heartbeats that retention thinned: fewer are counted than came, which is said, and nobody was silent
//! who was not.

use serde_json::Value as Json;
use sutra_grid_events::{Event, Store};

use crate::harness::{Cli, Ended, binary, finish};

const BEATS: &str = "agent_heartbeat";
/// Seconds of the first hour, which is sealed and thinned, and of what is not.
const THINNED: std::ops::Range<u32> = 0..3_600;
const WHOLE: std::ops::Range<u32> = 3_600..5_400;
const IN_THINNED: &str = "since 2026-11-18T08:00:00Z until 2026-11-18T09:00:00Z";
const IN_WHOLE: &str = "since 2026-11-18T09:00:05Z until 2026-11-18T09:30:00Z";

fn beat(second: u32, agent: &str) -> Event {
    let (hour, minute, second) = (8 + second / 3_600, second / 60 % 60, second % 60);
    Event::from_json(&format!(
        r#"{{"event_type":"{BEATS}","agent_id":"{agent}","storage_node_count":1,"timestamp":"2026-11-18T{hour:02}:{minute:02}:{second:02}Z"}}"#
    ))
    .expect("a legal event")
}

/// Two agents that beat every ten seconds; the second stops in the middle of what is whole.
fn beats(seconds: std::ops::Range<u32>) -> Vec<Event> {
    let due = seconds.step_by(10);
    due.flat_map(|second| {
        let second_agent = (second < 4_500).then(|| beat(second, "agent-2"));
        std::iter::once(beat(second, "agent-1")).chain(second_agent)
    })
    .collect()
}

/// The store, with how many heartbeats came and how many went.
fn thinned() -> (Cli, u64, u64) {
    let cli = Cli::new();
    let (former, latter) = (beats(THINNED), beats(WHOLE));
    let store = Store::open(cli.store()).expect("a store");
    store.append(&former).expect("written");
    store.seal().expect("sealed");
    store.append(&latter).expect("written");
    store.close().expect("closed");
    let mut retain = binary();
    retain.arg("--dir").arg(cli.store()).args(["--now", "2100-01-01T00:00:00Z", "retain", "--thin"]);
    retain.arg(format!("{BEATS}=1d"));
    let ended = finish(retain, b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    // Of each agent the first and the last stay.
    (cli, (former.len() + latter.len()) as u64, former.len() as u64 - 4)
}

fn json(ended: &Ended) -> Json {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn causes(answer: &Json) -> Vec<&str> {
    answer["gaps"].as_array().expect("gaps").iter().filter_map(|gap| gap["cause"].as_str()).collect()
}

#[test]
fn a_count_of_a_thinned_type_says_so() {
    let (cli, came, went) = thinned();
    let counted = json(&cli.run(&["count", "--type", BEATS, "--format", "json"]));
    assert_eq!((counted["count"].as_u64(), causes(&counted)), (Some(came - went), vec!["thinned"]), "{counted}");
    assert_eq!(counted["gaps"][0]["events"], went);
    let said = format!("{went} events of type {BEATS} were thinned out by retention");
    let counted = cli.run(&["count", "--type", BEATS]);
    assert_eq!(counted.stdout.trim(), (came - went).to_string());
    assert!(counted.stderr.contains(&said), "{counted:?}");
    let by_agent = cli.run(&["count", "--type", BEATS, "--by", "agent"]);
    assert!(by_agent.stderr.contains(&said), "{by_agent:?}");
    let asked = cli.run(&["ask", "how many heartbeats?"]);
    assert!(asked.stdout.contains(&(came - went).to_string()) && asked.stdout.contains(&said), "{asked:?}");
    let asked = json(&cli.run(&["ask", "how many heartbeats?", "--format", "json"]));
    assert_eq!((asked["count"].as_u64(), causes(&asked)), (Some(came - went), vec!["thinned"]), "{asked}");
    // What is not about them is told nothing.
    let crashes = cli.run(&["count", "--type", "node_crashed"]);
    assert!(!crashes.stderr.contains("thinned"), "{crashes:?}");
}

#[test]
fn thinned_heartbeats_are_no_silence() {
    let (cli, _, _) = thinned();
    let ask = |when: &str| json(&cli.run(&["ask", &format!("which agents went silent {when}?"), "--format", "json"]));
    let in_thinned = ask(IN_THINNED);
    assert_eq!((in_thinned["count"].as_u64(), causes(&in_thinned)), (Some(0), vec!["thinned"]), "{in_thinned}");
    // What was silent since the hour before cannot be told, which is said too.
    let in_whole = ask(IN_WHOLE);
    assert_eq!(in_whole["entities"], serde_json::json!(["agent-2"]), "{in_whole}");
    assert_eq!(causes(&in_whole), ["thinned", "silent"], "{in_whole}");
    let gap = &in_whole["gaps"][1];
    assert_eq!(gap["since"], "2026-11-18T09:14:50.000000Z");
    assert!(gap["reason"].as_str().is_some_and(|reason| reason.ends_with("every 10 s")), "{gap}");
}
