//! `kill -9` of a process that records, seals, removes, learns, closes and reopens all the time: what it acknowledged
//! is there afterwards, or the store says that retention removed it; and the store goes on.
//!
//! The process is this test program itself, started anew for the one test that is [`recorder`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sutra_grid_events::forensics::{VerifyOptions, verify};
use sutra_grid_events::store::{
    Appended, Durability, ForeignConcept, ForeignPlace, ForeignRecord, Removal, Retention, Store, StoreConfig,
    TypeRetention,
};
use sutra_grid_events::{Event, StoredEvent};

/// How often it is killed, unless the variable says otherwise.
const KILLS: u32 = 5;
const KILLS_VARIABLE: &str = "GRID_EVENTS_KILLS";
/// Where the process records; without it the test that is the process does nothing.
const DIRECTORY_VARIABLE: &str = "GRID_EVENTS_RECORDER_DIRECTORY";
const SEED_VARIABLE: &str = "GRID_EVENTS_RECORDER_SEED";
/// The name of the test that is the process.
const RECORDER: &str = "killed::recorder";
/// The longest time between the first acknowledgement and the kill.
const MILLIS_MAX: u64 = 250;
/// Bytes of the store above which its oldest segments go.
const BYTES_MAX: u64 = 100_000;
/// The type whose events go early.
const BEAT: &str = "beat";
/// Ids of concepts are used again, so that their log is written anew now and then.
const CONCEPTS: u64 = 300;

/// Small random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Segments of few events and little room for them, so that sealing and retention are always going on: beats go as soon
/// as they are in a segment, which is written anew for that; ticks go with the oldest segments.
fn config() -> StoreConfig {
    let at_once = TypeRetention { age_max: Some(Duration::ZERO), thin_after: None };
    StoreConfig {
        segment_events: 150,
        durability: Durability::Interval(Duration::from_millis(3)),
        sealed_log_grace: Duration::from_millis(2),
        retention: Retention {
            bytes_max: Some(BYTES_MAX),
            types: BTreeMap::from([(BEAT.to_owned(), at_once)]),
            ..Retention::default()
        },
        ..StoreConfig::default()
    }
}

fn is_beat(number: u64) -> bool {
    number.is_multiple_of(3)
}

fn event(number: u64) -> Event {
    let event_type = if is_beat(number) { BEAT } else { "tick" };
    let text = "abcdefghij".repeat((number % 7) as usize);
    Event::from_json(&format!(
        r#"{{"event_type":"{event_type}","node_id":"n{}","number":{number},"text":"{text}","timestamp":"2026-11-18T08:00:00Z"}}"#,
        number % 50
    ))
    .expect("well-formed")
}

fn concept(number: u64) -> ForeignRecord {
    ForeignRecord::Concept(ForeignConcept {
        id: format!("thing-{}", number % CONCEPTS),
        learned_us: 1,
        of_event: false,
        content: format!("{number} {}", "what is known of it ".repeat(30)),
        embedding: Vec::new(),
        strength: 1.0,
        confidence: 1.0,
        metadata_json: None,
    })
}

/// No test by itself: the process that is killed. It tells what was acknowledged, a line each.
#[test]
#[ignore = "started by what_a_killed_process_acknowledged_is_there"]
fn recorder() {
    let Some(directory) = std::env::var_os(DIRECTORY_VARIABLE) else { return };
    let seed = std::env::var(SEED_VARIABLE).expect("set with the directory").parse().expect("a number");
    let mut random = Random(seed);
    let mut learned = seed << 32;
    let mut recorded = seed << 32;
    let mut store = Store::open_with(&directory, config()).expect("opens after a kill");
    let mut out = std::io::stdout();
    loop {
        assert_eq!(store.problems(), Vec::<String>::new());
        match random.below(40) {
            0 => {
                store.close().expect("closed");
                store = Store::open_with(&directory, config()).expect("opens again");
            }
            1 => store.flush().expect("durable"),
            2 => store.seal().expect("sealed"),
            3 => store.remove_sealed_logs().expect("removed"),
            4..8 => {
                store.learn_foreign(&[concept(learned)]).expect("written");
                writeln!(out, "concept {learned}").expect("the parent reads");
                learned += 1;
            }
            _ => {
                let count = 1 + random.below(20);
                let events: Vec<Event> = (recorded..recorded + count).map(event).collect();
                let stored = store.append(&events).expect("written");
                assert!(stored.iter().all(|outcome| matches!(outcome, Appended::Stored(_))));
                writeln!(out, "events {recorded} {count}").expect("the parent reads");
                recorded += count;
            }
        }
    }
}

/// What was acknowledged in all rounds.
#[derive(Default)]
struct Acknowledged {
    /// The numbers of the events, in their order.
    events: Vec<u64>,
    concepts: HashMap<u64, u64>,
    /// Events of which the store said that they were removed, at the last check.
    removed: u64,
}

impl Acknowledged {
    fn add(&mut self, line: &str) {
        let mut words = line.split(' ');
        let kind = words.next();
        let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        match (kind, numbers.as_slice()) {
            (Some("events"), [first, count]) => self.events.extend(*first..first + count),
            (Some("concept"), [number]) => drop(self.concepts.insert(number % CONCEPTS, *number)),
            // What the test program itself prints.
            _ => {}
        }
    }

    fn check(&mut self, directory: &Path, round: u32) {
        // What is looked at must not go meanwhile.
        let config = StoreConfig { retention: Retention::default(), ..config() };
        let store = Store::open_with(directory, config).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(store.problems(), Vec::<String>::new(), "round {round}");
        let found = Found::of(&store, round);
        found.check_removals(&store.removals().expect("readable"), store.sequence(), round);
        found.check_events(&self.events, round);
        self.removed = found.removed(store.sequence());
        self.check_concepts(&store, round);
        store.close().expect("closed");
        let verified = verify(directory, &VerifyOptions::default(), &|_| {}).expect("readable");
        assert!(verified.is_ok(), "round {round}: {:?}", verified.findings);
    }

    fn check_concepts(&self, store: &Store, round: u32) {
        let mut found = HashMap::new();
        let generation = store.foreign_end().expect("readable").generation;
        let visit = &mut |_, record| {
            let ForeignRecord::Concept(concept) = record else { panic!("none was learned") };
            let number: u64 = concept.content.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
            found.insert(number % CONCEPTS, number);
        };
        store.foreign_since(ForeignPlace { generation, offset: 0 }, visit).expect("readable");
        for (id, number) in &self.concepts {
            // One more may have been written that was not acknowledged.
            assert!(found.get(id).is_some_and(|found| found >= number), "round {round}: concept {id} of {number}");
        }
    }
}

/// The events of a store after a kill.
#[derive(Default)]
struct Found {
    /// The sequence numbers of all.
    sequences: HashSet<u64>,
    /// The numbers of those that the test recorded, in their order.
    numbers: Vec<u64>,
    /// The types and first sequence numbers of removals of which the store says so in an event.
    told: HashSet<(String, u64)>,
}

impl Found {
    fn of(store: &Store, round: u32) -> Self {
        let mut found = Self::default();
        let visit = &mut |stored: StoredEvent| {
            assert!(found.sequences.insert(stored.sequence), "round {round}: {} is there twice", stored.sequence);
            let json: serde_json::Value = serde_json::from_str(&stored.event.to_json()).expect("JSON");
            if json["event_type"] == "events_removed" {
                let removed_type = json["removed_type"].as_str().unwrap_or_default().to_owned();
                found.told.insert((removed_type, json["first_sequence"].as_u64().expect("a number")));
            } else {
                let number = json["number"].as_u64().expect("a number");
                assert_eq!(stored.event.to_json(), event(number).to_json(), "round {round}");
                found.numbers.push(number);
            }
            ControlFlow::Continue(())
        };
        store.snapshot().scan(0, visit).expect("readable");
        assert!(found.numbers.is_sorted_by(|a, b| a < b), "round {round}: an event is there twice, or out of order");
        found
    }

    fn removed(&self, last_sequence: u64) -> u64 {
        last_sequence - self.sequences.len() as u64
    }

    /// Every event that was given a number is there, or the store says that it was removed; and how many.
    fn check_removals(&self, removals: &[Removal], last_sequence: u64, round: u32) {
        let missing = |first: u64, last: u64| (first..=last).filter(|number| !self.sequences.contains(number));
        let explained: HashSet<u64> =
            removals.iter().flat_map(|removal| removal.first_sequence..=removal.last_sequence).collect();
        let lost = missing(1, last_sequence).find(|sequence| !explained.contains(sequence));
        let near = || removals.iter().filter(|removal| removal.last_sequence + 600 > lost.unwrap_or(0)).take(12);
        let near: Vec<String> = near().map(|removal| format!("{removal:?}")).collect();
        assert_eq!(lost, None, "round {round}: it is missing, and no removal says so; {near:#?}");
        let whole = removals.iter().filter(|removal| removal.event_type.is_none());
        let whole_until = whole.map(|removal| removal.last_sequence).max().unwrap_or(0);
        let first = self.sequences.iter().min().copied().unwrap_or(u64::MAX);
        for removal in removals.iter().filter(|removal| removal.first_sequence > whole_until.max(first)) {
            assert_eq!(removal.event_type.as_deref(), Some(BEAT), "round {round}");
            // What was noted is removed as a whole, now or the next time.
            let count = missing(removal.first_sequence, removal.last_sequence).count() as u64;
            assert!(count == 0 || count == removal.events, "round {round}: {count} are missing, {removal:?}");
            // The event that says so is younger than what it speaks of, so that it is there as well.
            let told = (BEAT.to_owned(), removal.first_sequence);
            assert!(self.told.contains(&told), "round {round}: no event tells of {removal:?}");
        }
    }

    /// Of what was acknowledged, only beats and the oldest may have been removed.
    fn check_events(&self, acknowledged: &[u64], round: u32) {
        let Some(first) = self.numbers.first() else { return };
        let there: HashSet<u64> = self.numbers.iter().copied().collect();
        let is_lost = |number: &&u64| **number >= *first && !is_beat(**number) && !there.contains(*number);
        assert_eq!(acknowledged.iter().find(is_lost), None, "round {round}: of {}", acknowledged.len());
    }
}

#[test]
fn what_a_killed_process_acknowledged_is_there() {
    let kills =
        std::env::var(KILLS_VARIABLE).map_or(KILLS, |text| text.parse().expect("GRID_EVENTS_KILLS is a number"));
    let around = tempfile::tempdir().expect("a directory");
    let directory = around.path().join("store");
    let mut acknowledged = Acknowledged::default();
    let mut random = Random(7);
    for round in 0..kills {
        let mut process = Command::new(std::env::current_exe().expect("known"))
            .args([RECORDER, "--exact", "--ignored", "--nocapture"])
            .env(DIRECTORY_VARIABLE, &directory)
            .env(SEED_VARIABLE, (u64::from(round) + 1).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        // Half of the kills may come before anything is acknowledged.
        if random.below(2) == 0 {
            for line in lines.by_ref().map_while(Result::ok) {
                acknowledged.add(&line);
                if line.starts_with("events") {
                    break;
                }
            }
        }
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<String>>());
        std::thread::sleep(Duration::from_micros(random.below(MILLIS_MAX * 1000)));
        process.kill().expect("it runs");
        let output = process.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "round {round}: {said}");
        reader.join().expect("it reads").iter().for_each(|line| acknowledged.add(line));
        if directory.join("FORMAT").exists() {
            acknowledged.check(&directory, round);
        }
    }
    println!("{kills} kills, {} events, {} removed", acknowledged.events.len(), acknowledged.removed);
    assert!(kills < 4 || !acknowledged.events.is_empty(), "nothing was ever acknowledged");
    assert!(kills < 20 || acknowledged.removed > 0, "nothing was ever removed");
}
