//! `kill -9` of a process that records, seals, removes, learns, closes and reopens all the time: what it acknowledged
//! is there afterwards, and the store goes on.
//!
//! The process is this test program itself, started anew for the one test that is [`recorder`].

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sutra_grid_events::Event;
use sutra_grid_events::store::{
    Appended, Durability, ForeignConcept, ForeignPlace, ForeignRecord, Retention, Store, StoreConfig,
};

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

/// Segments of few events, and little room for them, so that sealing and retention are always going on.
fn config() -> StoreConfig {
    StoreConfig {
        segment_events: 150,
        durability: Durability::Interval(Duration::from_millis(3)),
        retention: Retention { bytes_max: Some(300_000), age_max: None },
        sealed_log_grace: Duration::from_millis(2),
        ..StoreConfig::default()
    }
}

fn event(number: u64) -> Event {
    let text = "abcdefghij".repeat((number % 7) as usize);
    Event::from_json(&format!(
        r#"{{"event_type":"tick","node_id":"n{}","number":{number},"text":"{text}","timestamp":"2026-11-18T08:00:00Z"}}"#,
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
    let mut store = Store::open_with(&directory, config()).expect("opens after a kill");
    let mut out = std::io::stdout();
    loop {
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
                let first = store.sequence() + 1;
                let count = 1 + random.below(20);
                let events: Vec<Event> = (first..first + count).map(event).collect();
                let stored = store.append(&events).expect("written");
                assert!(stored.iter().all(|outcome| matches!(outcome, Appended::Stored(_))));
                writeln!(out, "events {first} {count}").expect("the parent reads");
            }
        }
    }
}

/// What was acknowledged in all rounds.
#[derive(Default)]
struct Acknowledged {
    last_event: u64,
    concepts: HashMap<u64, u64>,
}

impl Acknowledged {
    fn add(&mut self, line: &str) {
        let mut words = line.split(' ');
        let kind = words.next();
        let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        match (kind, numbers.as_slice()) {
            (Some("events"), [first, count]) => {
                assert!(*first <= self.last_event + 1 || self.last_event == 0, "{line} after {}", self.last_event);
                self.last_event = first + count - 1;
            }
            (Some("concept"), [number]) => drop(self.concepts.insert(number % CONCEPTS, *number)),
            // What the test program itself prints.
            _ => {}
        }
    }

    fn check(&mut self, directory: &Path, round: u32) {
        let store = Store::open_with(directory, StoreConfig { retention: Retention::default(), ..config() })
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(store.problems(), Vec::<String>::new(), "round {round}");
        let removed = store.removals().expect("readable").last().map_or(0, |removal| removal.last_sequence);
        let mut sequences = Vec::new();
        let visit = &mut |stored: sutra_grid_events::StoredEvent| {
            assert_eq!(stored.event.to_json(), event(stored.sequence).to_json(), "round {round}");
            sequences.push(stored.sequence);
            ControlFlow::Continue(())
        };
        store.snapshot().scan(0, visit).expect("readable");
        assert!(sequences.is_sorted_by(|a, b| a < b), "round {round}: an event is there twice");
        let there: std::collections::HashSet<u64> = sequences.iter().copied().collect();
        let lost = (removed + 1..=self.last_event).find(|sequence| !there.contains(sequence));
        assert_eq!(lost, None, "round {round}: of {} acknowledged, {removed} removed", self.last_event);
        self.last_event = self.last_event.max(store.sequence());
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
        store.close().expect("closed");
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
    println!("{kills} kills, {} events", acknowledged.last_event);
    assert!(kills < 4 || acknowledged.last_event > 0, "nothing was ever acknowledged");
}
