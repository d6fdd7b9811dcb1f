//! What tells two stores apart is found, all of it and nothing else.

use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use sutra_grid_events::forensics::{self, DiffCounts, DiffKind, DiffReport};
use sutra_grid_events::store::{ForeignAssociation, ForeignRecord, Store};
use sutra_grid_events::{DynamicEvent, Event};

use crate::harness::{backup, config, damage_a_block, event, events, store_of, with_ending};

fn diff(a: &Path, b: &Path) -> DiffReport {
    forensics::diff(a, b, 1_000, &|_, _| {}).expect("compared")
}

fn numbered(number: u64, what: &str) -> Event {
    let time = chrono::DateTime::from_timestamp_micros(number as i64 / 2).expect("legal");
    let event = DynamicEvent::new(["job_done", "node_seen"][number as usize % 2], time).expect("legal");
    Event::from(event.with("node_id", format!("n{}", number % 3)).with("what", what))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn planted_differences_are_found_exactly(plan in prop::collection::vec(0..8u8, 1..260), shuffle in any::<u64>()) {
        let directory = tempfile::tempdir().expect("a directory");
        let (a, b) = (directory.path().join("a"), directory.path().join("b"));
        let (mut of_a, mut of_b, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        let mut total = DiffCounts::default();
        for (number, fate) in plan.iter().enumerate() {
            let number = number as u64;
            let same = numbered(number, "same");
            let mut note = |kind: DiffKind, fields: &[&str]| {
                let fields: Vec<String> = fields.iter().map(|name| (*name).to_owned()).collect();
                expected.push((number / 2, number % 2, kind, fields));
            };
            match fate {
                5 => {
                    of_a.push(same);
                    total.only_a += 1;
                    note(DiffKind::OnlyA, &[]);
                }
                6 => {
                    of_b.push(same);
                    total.only_b += 1;
                    note(DiffKind::OnlyB, &[]);
                }
                7 => {
                    of_a.push(same);
                    of_b.push(numbered(number, "other"));
                    total.changed += 1;
                    note(DiffKind::Changed, &["what"]);
                }
                _ => {
                    of_a.push(same.clone());
                    of_b.push(same);
                }
            }
        }
        // The order of arrival is another one there.
        let middle = shuffle as usize % of_b.len().max(1);
        of_b.rotate_left(middle);
        store_of(&a, &of_a);
        store_of(&b, &of_b);
        let report = diff(&a, &b);
        prop_assert_eq!(report.total, total);
        prop_assert_eq!(report.is_same(), expected.is_empty());
        let found: Vec<_> = report
            .events
            .iter()
            .map(|found| {
                let kind = u64::from(found.id.event_type() == "node_seen");
                (found.id.timestamp_us() as u64, kind, found.kind, found.fields.clone())
            })
            .collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(report.ranges.iter().map(|range| range.events).sum::<u64>(), total.sum());
        let mut by_type = DiffCounts::default();
        for (_, counts) in &report.types {
            by_type.only_a += counts.only_a;
            by_type.only_b += counts.only_b;
            by_type.changed += counts.changed;
        }
        prop_assert_eq!(by_type, total);
        // The other way round it is the other way round, and nothing tells a store from itself.
        let back = diff(&b, &a).total;
        prop_assert_eq!((back.only_a, back.only_b, back.changed), (total.only_b, total.only_a, total.changed));
        prop_assert!(diff(&a, &a).is_same() && diff(&b, &b).is_same());
    }
}

#[test]
fn segments_with_the_same_hash_are_not_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, copy) = (directory.path().join("store"), directory.path().join("copy"));
    store_of(&store, &events(0..350));
    backup(&store, &copy);
    store_of(&store, &events(350..353));
    let report = diff(&store, &copy);
    assert_eq!((report.comparison.same_segments, report.comparison.same_segment_events), (3, 300));
    assert_eq!((report.comparison.read_a, report.comparison.read_b), (53, 50));
    assert_eq!(report.total, DiffCounts { only_a: 3, ..DiffCounts::default() });
    assert_eq!(report.ranges.len(), 1);
    let range = &report.ranges[0];
    assert_eq!(
        (range.kind, range.first_us, range.last_us, range.events),
        (DiffKind::OnlyA, 350_000_000, 352_000_000, 3)
    );
    let of_node: Vec<_> = report.entities.iter().filter(|(entity, _)| entity.value == "node-1").collect();
    assert_eq!(of_node[0].1, DiffCounts { only_a: 1, ..DiffCounts::default() });
}

#[test]
fn what_cannot_be_read_is_told_and_counts_as_missing() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, copy) = (directory.path().join("store"), directory.path().join("copy"));
    store_of(&store, &events(0..350));
    store_of(&copy, &events(0..350).into_iter().chain([event(999_000_000, 1)]).collect::<Vec<_>>());
    let segment = with_ending(&copy, "seg").remove(1);
    damage_a_block(&segment);
    // Another tail makes no difference to segments that state the same: those are not read.
    assert_eq!(diff(&store, &copy).total, DiffCounts { only_b: 1, ..DiffCounts::default() });
    let other = directory.path().join("other");
    store_of(&other, &events(0..350).into_iter().rev().collect::<Vec<_>>());
    let report = diff(&other, &copy);
    assert!(report.b.unreadable > 0 && !report.b.problems.is_empty());
    assert_eq!((report.total.only_a, report.total.only_b, report.total.changed), (report.b.unreadable, 1, 0));
}

#[test]
fn foreign_records_are_compared() {
    let directory = tempfile::tempdir().expect("a directory");
    let (a, b) = (directory.path().join("a"), directory.path().join("b"));
    let association = |target: &str, confidence: f32| {
        let (source, target) = ("x".to_owned(), target.to_owned());
        ForeignRecord::Association(ForeignAssociation { source, target, code: 3, confidence, learned_us: 4 })
    };
    for (path, records) in [
        (&a, vec![association("one", 0.25), association("two", 0.25), association("three", 0.25)]),
        (&b, vec![association("two", 0.75), association("three", 0.5), association("three", 0.25)]),
    ] {
        let store = Store::open_with(path, config()).expect("opens");
        store.learn_foreign(&records).expect("learned");
        store.close().expect("closed");
    }
    let report = diff(&a, &b);
    assert_eq!(report.foreign, DiffCounts { only_a: 1, changed: 1, only_b: 0 });
    assert!(!report.is_same() && report.total == DiffCounts::default());
}

#[test]
fn the_command_exits_as_diff_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    store_of(&directory.path().join("a"), &events(0..20));
    store_of(&directory.path().join("b"), &events(0..21));
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
        let output = command.arg("diff").args(arguments).output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = run(&[&path("a"), &path("a")]);
    assert_eq!((code, text.lines().last()), (Some(0), Some("no difference")));
    let (code, text) = run(&[&path("a"), &path("b"), "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, told["same"].as_bool(), told["total"]["only_b"].as_u64()), (Some(1), Some(false), Some(1)));
    assert_eq!(told["events"][0]["id"], "event-node_seen-20000000");
    assert_eq!(run(&[&path("a"), &path("none")]).0, Some(2));
}
