//! Every intent against what plain code over the list of events says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::*;
use crate::ask::question::*;
use crate::event::{Entity, Event, timestamp};
use crate::query::{Bucket, Filter, GroupKey, TimeRange};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
/// 2026-11-20T00:00:00Z.
const START: i64 = 1_795_132_800_000_000;
const NOW: i64 = START + 12 * HOUR;

fn event(minute: i64, event_type: &str, fields: Json) -> Event {
    let Json::Object(fields) = fields else { panic!("not an object") };
    let mut object = serde_json::Map::new();
    object.insert("event_type".to_owned(), json!(event_type));
    object.extend(fields);
    object.insert("timestamp".to_owned(), json!(timestamp::format(START + minute * MINUTE)));
    Event::from_json(&Json::Object(object).to_string()).unwrap_or_else(|error| panic!("{error}"))
}

/// Two agents that beat every minute, one with a pause; three nodes; a cluster; pods of a kind of their own.
fn story() -> Vec<Event> {
    let mut events = Vec::new();
    for minute in 0..240 {
        events.push(event(minute, "agent_heartbeat", json!({"agent_id":"agent-1","storage_node_count":2})));
        if !(100..130).contains(&minute) && minute < 200 {
            events.push(event(minute, "agent_heartbeat", json!({"agent_id":"agent-2","storage_node_count":1})));
        }
    }
    let spawn = |minute, node: &str, agent: &str| {
        let fields = json!({"node_id":node,"agent_id":agent,"port":7000,"storage_path":"/d","memory_limit_mb":512});
        event(minute, "spawn_requested", fields)
    };
    let of = |minute, kind: &str, node: &str, more: Json| {
        let mut fields = json!({"node_id":node,"agent_id":"agent-1"});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(minute, kind, fields)
    };
    events.extend([
        spawn(10, "node-a", "agent-1"),
        of(12, "spawn_succeeded", "node-a", json!({"pid":1,"port":7000})),
        of(50, "node_crashed", "node-a", json!({"exit_code":-9})),
        of(51, "node_restarted", "node-a", json!({"restart_count":1,"new_pid":2})),
        of(90, "node_crashed", "node-a", json!({"exit_code":139})),
        spawn(20, "node-b", "agent-1"),
        of(25, "spawn_failed", "node-b", json!({"error":"port in use"})),
        spawn(30, "node-c", "agent-2"),
        spawn(150, "node-d", "agent-2"),
        of(151, "spawn_succeeded", "node-d", json!({"pid":3,"port":7001})),
        of(160, "stop_requested", "node-d", json!({})),
        of(161, "stop_failed", "node-d", json!({"error":"busy"})),
        event(101, "agent_degraded", json!({"agent_id":"agent-2","seconds_since_heartbeat":90})),
        event(105, "agent_offline", json!({"agent_id":"agent-2","last_seen":timestamp::format(START + 99 * MINUTE)})),
        event(106, "cluster_critical", json!({"total_agents":2,"healthy_agents":1,"reason":"agent-2 is offline"})),
        event(130, "agent_recovered", json!({"agent_id":"agent-2","downtime_seconds":1500})),
        event(131, "cluster_healthy", json!({"total_agents":2,"healthy_agents":2,"total_nodes":1,"running_nodes":1})),
        event(205, "agent_offline", json!({"agent_id":"agent-2","last_seen":timestamp::format(START + 199 * MINUTE)})),
    ]);
    for (minute, cpu) in [(60, json!(10)), (70, json!(30.5)), (80, Json::Null), (90, json!(20))] {
        events.push(event(minute, "pod_scheduled", json!({"pod_id":format!("pod-{minute}"),"cpu_percent":cpu})));
    }
    events
}

struct Fixture {
    store: Store,
    events: Vec<Event>,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let mut events = story();
        store.append(&events[..events.len() / 2]).unwrap();
        store.seal().unwrap();
        store.append(&events[events.len() / 2..]).unwrap();
        events.sort_by_key(Event::timestamp_us);
        Self { store, events, _directory: directory }
    }

    fn answer(&self, question: &Question) -> (Given, Json) {
        self.answer_in(question, "UTC")
    }

    fn answer_in(&self, question: &Question, zone: &str) -> (Given, Json) {
        let options = AskOptions { now_us: NOW, zone: zone.parse().unwrap(), limit: Some(1_000), previous: None };
        let answer = answer(&self.store, question, &options).unwrap();
        let json = serde_json::to_value(&answer).unwrap();
        let Answer::Given(given) = answer else { panic!("refused") };
        assert!(!given.text.is_empty() && json["understood"] == json!(true));
        (*given, json)
    }

    fn of_type(&self, name: &str) -> Vec<&Event> {
        self.events.iter().filter(|event| event.event_type() == name).collect()
    }

    fn ids(&self, name: &str) -> Vec<String> {
        self.of_type(name).iter().map(|event| format!("event-{name}-{}", event.timestamp_us())).collect()
    }
}

fn question(intent: Intent, filter: Filter) -> Question {
    Question {
        intent,
        filter,
        range: TimeRange::default(),
        subject: None,
        yes_no: false,
        reading: "a test".to_owned(),
        alternatives: Vec::new(),
        unknown: Vec::new(),
        state_asked: None,
    }
}

fn within(mut question: Question, since: i64, until: i64) -> Question {
    let range = TimeRange { since_us: Some(START + since * MINUTE), until_us: Some(START + until * MINUTE) };
    question.range = range;
    question.filter = question.filter.and(Filter::Time(range));
    question
}

#[test]
fn lists_are_oldest_first_whichever_end_is_asked() {
    let grid = Fixture::new();
    let crashes = Filter::event_type("node_crashed");
    let all = grid.ids("node_crashed");
    let (given, _) = grid.answer(&question(Intent::List { limit: None, newest: false }, crashes.clone()));
    assert_eq!((given.events, given.matched, given.count), (all.clone(), 2, Some(2)));
    let (given, json) = grid.answer(&question(Intent::List { limit: Some(1), newest: true }, crashes));
    assert_eq!((given.events, given.matched, given.count), (all[1..].to_vec(), 2, Some(1)));
    assert_eq!(json["intent"], json!("list"));
}

#[test]
fn counts_entities_and_groups_are_those_of_the_list() {
    let grid = Fixture::new();
    let beats = Filter::event_type("agent_heartbeat");
    let mut by_agent: BTreeMap<String, u64> = BTreeMap::new();
    for event in grid.of_type("agent_heartbeat") {
        *by_agent.entry(event.primary_id()).or_default() += 1;
    }
    let agents: Vec<String> = by_agent.keys().cloned().collect();
    let total: u64 = by_agent.values().sum();
    let (given, _) = grid.answer(&question(Intent::Count(Counted::Events), beats.clone()));
    assert_eq!((given.matched, given.count), (total, Some(total)));
    let distinct = Intent::Count(Counted::Distinct("agent_id".to_owned()));
    let (given, _) = grid.answer(&question(distinct, beats.clone()));
    assert_eq!((given.count, &given.entities), (Some(2), &agents));
    let (given, _) =
        grid.answer(&question(Intent::Entities { field: "agent_id".to_owned(), times: None }, beats.clone()));
    assert_eq!((given.matched, &given.entities), (total, &agents));
    let key = GroupKey::Field("agent_id".to_owned());
    let (given, _) = grid.answer(&question(Intent::Groups { key: key.clone() }, beats.clone()));
    let found: BTreeMap<String, u64> = given.groups.iter().map(|group| (group.key.clone(), group.count)).collect();
    assert_eq!(found, by_agent);
    assert!(given.groups.is_sorted_by(|a, b| a.count >= b.count));
    let (given, _) = grid.answer(&question(Intent::Top { key, count: 1, least: true }, beats));
    assert_eq!(given.entities, ["agent-2"]);
    let key = GroupKey::Field("exit_code".to_owned());
    let either = Filter::event_type("node_crashed").or(Filter::event_type("node_restarted"));
    let (_, json) = grid.answer(&question(Intent::Groups { key }, either));
    assert_eq!(json["groups"], json!([{"key":"-9","count":1},{"key":"139","count":1}]));
    assert_eq!(json["ungrouped"], json!(1));
}

#[test]
fn days_begin_in_the_zone_also_where_clocks_change() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    // Clocks in Zurich go back at 01:00 UTC on the 25th of October.
    for (place, time) in
        ["2026-10-24T21:59:00Z", "2026-10-24T22:01:00Z", "2026-10-25T22:59:00Z", "2026-10-25T23:01:00Z"]
            .iter()
            .enumerate()
    {
        let text = format!(r#"{{"event_type":"pod_scheduled","pod_id":"p{place}","timestamp":"{time}"}}"#);
        store.append(&[Event::from_json(&text).unwrap()]).unwrap();
    }
    let key = GroupKey::Time { bucket: Bucket::Day, offset_seconds: 3_600 };
    let options = AskOptions { now_us: NOW, zone: "Europe/Zurich".parse().unwrap(), limit: None, previous: None };
    let answer = answer(&store, &question(Intent::Groups { key }, Filter::All), &options).unwrap();
    let json = serde_json::to_value(&answer).unwrap();
    assert_eq!(
        json["groups"],
        json!([{"key":"2026-10-25","count":2},{"key":"2026-10-24","count":1},{"key":"2026-10-26","count":1}])
    );
}

#[test]
fn states_are_replayed_up_to_the_instant() {
    let grid = Fixture::new();
    let status =
        |of: StatusOf, minute: i64| question(Intent::Status { of, at_us: START + minute * MINUTE }, Filter::All);
    let at = |minute: i64| timestamp::format(START + minute * MINUTE);
    let of = |field: &str, value: &str| StatusOf::Entity(Entity { field: field.to_owned(), value: value.to_owned() });
    for (field, name, minute, state, since) in [
        ("agent_id", "agent-2", 104, "degraded", Some(101)),
        ("agent_id", "agent-2", 105, "offline", Some(105)),
        ("agent_id", "agent-2", 199, "healthy", Some(130)),
        ("agent_id", "agent-2", 700, "offline", Some(205)),
        ("agent_id", "agent-1", 700, "healthy", Some(0)),
        ("node_id", "node-a", 9, "unknown", None),
        ("node_id", "node-a", 11, "requested", Some(10)),
        ("node_id", "node-a", 50, "crashed", Some(50)),
        ("node_id", "node-a", 60, "running", Some(51)),
        ("node_id", "node-b", 700, "failed", Some(25)),
        // A stop that failed leaves the node running.
        ("node_id", "node-d", 700, "running", Some(151)),
        ("node_id", "node-zzz", 700, "unknown", None),
    ] {
        let (_, json) = grid.answer(&status(of(field, name), minute));
        let expected = json!({"entity":name,"state":state,"since":since.map(at)});
        assert_eq!(json["status"], expected, "{name} at {minute}");
    }
    let (given, _) = grid.answer(&status(StatusOf::Cluster, 120));
    assert_eq!(given.status[0].state, "critical");
    let (given, _) = grid.answer(&status(StatusOf::Cluster, 5));
    assert_eq!(given.status[0].state, "unknown");
    for (field, minute) in [("agent_id", 105), ("agent_id", 700), ("node_id", 55), ("node_id", 700)] {
        let (all, _) = grid.answer(&status(StatusOf::All { field: field.to_owned(), state: None }, minute));
        assert!(!all.status.is_empty());
        for state in &all.status {
            let (one, _) = grid.answer(&status(of(field, &state.entity), minute));
            assert_eq!(&one.status[0], state, "at {minute}");
        }
    }
    let crashed = StatusOf::All { field: "node_id".to_owned(), state: Some("crashed".to_owned()) };
    let (given, _) = grid.answer(&status(crashed, 700));
    assert_eq!(given.entities, ["node-a"]);
}

#[test]
fn a_yes_or_no_is_about_the_state_that_was_asked() {
    let grid = Fixture::new();
    let mut asked = question(
        Intent::Status {
            of: StatusOf::Entity(Entity { field: "agent_id".to_owned(), value: "agent-2".to_owned() }),
            at_us: NOW,
        },
        Filter::entity("agent-2"),
    );
    asked.yes_no = true;
    for (state, yes) in [("offline", true), ("healthy", false), ("down", true), ("up", false)] {
        asked.state_asked = Some(state.to_owned());
        assert_eq!(grid.answer(&asked).0.yes, Some(yes), "{state}");
    }
}

#[test]
fn numbers_of_a_field_leave_out_what_has_none() {
    let grid = Fixture::new();
    let of = |function| {
        let value = ValueOf::Field { function, field: "cpu_percent".to_owned() };
        let (given, json) = grid.answer(&question(Intent::Value(value), Filter::event_type("pod_scheduled")));
        assert_eq!((given.matched, given.count), (4, Some(3)));
        json["value"].clone()
    };
    assert_eq!(of(Function::Average)["number"], json!(60.5 / 3.0));
    assert_eq!(of(Function::Sum)["number"], json!(60.5));
    assert_eq!(of(Function::Minimum)["number"], json!(10.0));
    assert_eq!(of(Function::Percentile(50.0))["number"], json!(20.0));
    assert_eq!(of(Function::Maximum), json!({"number":30.5,"unit":"%","field":"cpu_percent","function":"max"}));
}

#[test]
fn rates_frequencies_and_durations() {
    let grid = Fixture::new();
    let types = |names: &[&str]| Filter::Or(names.iter().map(|name| Filter::event_type(*name)).collect());
    let rate = ValueOf::Rate {
        attempts: types(&["spawn_succeeded", "spawn_failed"]),
        outcomes: Filter::event_type("spawn_failed"),
    };
    let (given, json) = grid.answer(&question(Intent::Value(rate), Filter::All));
    assert_eq!((given.matched, given.count, given.events.len()), (3, Some(1), 3));
    assert_eq!(json["value"]["number"], json!(1.0 / 3.0));

    let frequency = Intent::Value(ValueOf::Frequency { unit_us: HOUR });
    let asked = within(question(frequency, Filter::event_type("node_crashed")), 0, 240);
    assert_eq!(grid.answer(&asked).1["value"]["number"], json!(0.5));

    let offline = |function| {
        Intent::Value(ValueOf::Duration {
            start_types: vec!["agent_offline".to_owned()],
            end_types: vec!["agent_recovered".to_owned()],
            field: "agent_id".to_owned(),
            function,
        })
    };
    let agent = Filter::entity("agent-2").and(Filter::event_type("agent_offline"));
    let number = |question: &Question| grid.answer(question).1["value"]["number"].as_f64();
    let until_now = (12 * 60 - 205) * 60;
    let whole = f64::from(25 * 60 + until_now);
    assert_eq!(number(&question(offline(Function::Sum), agent.clone())), Some(whole));
    assert_eq!(number(&question(offline(Function::Average), agent.clone())), Some(whole / 2.0));
    // Of a state that began before the range only what lies in it counts.
    assert_eq!(number(&within(question(offline(Function::Sum), agent.clone()), 110, 120)), Some(600.0));
    assert_eq!(number(&within(question(offline(Function::Sum), agent), 140, 150)), None);

    let spawns = Intent::Value(ValueOf::Duration {
        start_types: vec!["spawn_requested".to_owned()],
        end_types: vec!["spawn_succeeded".to_owned(), "spawn_failed".to_owned()],
        field: "node_id".to_owned(),
        function: Function::Maximum,
    });
    let (given, json) = grid.answer(&question(spawns, Filter::All));
    assert_eq!(json["value"]["number"], json!(300.0));
    assert_eq!((given.entities, given.matched), (vec!["node-b".to_owned()], 4));
}

#[test]
fn a_comparison_has_both_counts_and_their_difference() {
    let grid = Fixture::new();
    let side = |name: &str| (name.to_owned(), Filter::event_type("agent_heartbeat").and(Filter::entity(name)));
    let compared = Compared { first: side("agent-2"), second: side("agent-1") };
    let (given, json) = grid.answer(&question(Intent::Compare(compared), Filter::All));
    assert_eq!(json["groups"], json!([{"key":"agent-1","count":240},{"key":"agent-2","count":170}]));
    assert_eq!((given.matched, json["value"]["number"].as_f64()), (410, Some(-70.0)));
}

#[test]
fn what_did_not_happen_is_found() {
    let grid = Fixture::new();
    let unanswered = Intent::Absence(Absence::Unanswered { request_types: vec!["spawn_requested".to_owned()] });
    let (given, _) = grid.answer(&question(unanswered.clone(), Filter::event_type("spawn_requested")));
    assert_eq!((given.entities, given.matched), (vec!["node-c".to_owned()], 1));
    let elsewhere = Filter::event_type("spawn_requested").and(Filter::entity("agent-1"));
    assert_eq!(grid.answer(&question(unanswered, elsewhere)).0.matched, 0);

    let silent = Intent::Absence(Absence::MissingHeartbeats);
    let (given, _) = grid.answer(&within(question(silent, Filter::event_type("agent_heartbeat")), 0, 230));
    assert_eq!(given.entities, ["agent-2"]);
    assert_eq!(given.gaps.len(), 2, "{:?}", given.gaps);

    let without = Intent::Absence(Absence::Without { field: "node_id".to_owned() });
    let (given, _) = grid.answer(&question(without, Filter::event_type("node_crashed")));
    let crashed: BTreeSet<String> = grid.of_type("node_crashed").iter().map(|event| event.primary_id()).collect();
    assert!(given.entities.iter().all(|node| !crashed.contains(node)));
    assert_eq!(given.entities, ["node-b", "node-c", "node-d"]);
}

#[test]
fn a_why_goes_from_the_root_to_the_event() {
    let grid = Fixture::new();
    let filter = Filter::event_type("cluster_critical");
    let why = Intent::Why { target: WhyTarget { filter: filter.clone(), entity: None }, direction: Direction::Causes };
    let (given, json) = grid.answer(&question(why, filter));
    let ids: Vec<&str> = given.chain.iter().map(|link| link.id.as_str()).collect();
    assert_eq!(ids.last().copied(), grid.ids("cluster_critical").first().map(String::as_str));
    assert!(ids.contains(&grid.ids("agent_offline")[0].as_str()), "{ids:?}");
    assert!(json["chain"][0]["grade"].is_string());
    let nothing = Filter::event_type("stop_succeeded");
    let why =
        Intent::Why { target: WhyTarget { filter: nothing.clone(), entity: None }, direction: Direction::Effects };
    let (given, _) = grid.answer(&question(why, nothing));
    assert!(given.chain.is_empty() && given.matched == 0);
}

#[test]
fn nothing_found_is_told_apart_from_nothing_recorded() {
    let grid = Fixture::new();
    let crashes = || question(Intent::Count(Counted::Events), Filter::event_type("node_crashed"));
    let (given, json) = grid.answer(&within(crashes(), 300, 400));
    assert_eq!((given.count, given.gaps.len()), (Some(0), 1));
    assert_eq!(json["gaps"][0]["reason"], json!("no event of any kind is recorded in this time"));
    let (given, _) = grid.answer(&within(crashes(), 60, 80));
    assert_eq!((given.count, given.gaps), (Some(0), Vec::new()));
    let (given, _) = grid.answer(&within(crashes(), 95, 140));
    assert!(given.gaps.iter().any(|gap| gap.reason.contains("agent-2")), "{:?}", given.gaps);
}

#[test]
fn timelines_say_heartbeats_as_a_number_and_unknown_names_as_such() {
    let grid = Fixture::new();
    let timeline = Intent::Timeline { entity: "agent-2".to_owned() };
    let (given, _) = grid.answer_in(&question(timeline, Filter::entity("agent-2")), "+01:00");
    assert!(given.text.contains("beside 170 heartbeats"), "{}", given.text);
    assert!(given.text.contains("2026-11-20T02:41:00+01:00"), "{}", given.text);
    let mut unknown = question(Intent::List { limit: None, newest: false }, Filter::entity("agent-9"));
    unknown.unknown = vec![("agent-9".to_owned(), vec!["agent-1".to_owned()])];
    let (given, _) = grid.answer(&unknown);
    assert_eq!(given.matched, 0);
    assert!(given.text.contains("nothing named agent-9; did you mean agent-1?"), "{}", given.text);
}
