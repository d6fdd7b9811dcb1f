//! Stores that retention removed from: what it did by the rules is no finding, whatever was removed in whichever order,
//! and what it did not do is one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use sutra_grid_events::Event;
use sutra_grid_events::event::timestamp;
use sutra_grid_events::forensics::{Severity, VerifyOptions, verify};
use sutra_grid_events::store::{Retention, Store, TypeRetention};
use tempfile::TempDir;

use crate::stores::{check, config, copy, expect, lines, private, segment};

const BEAT: &str = "agent_heartbeat";
const CRASH: &str = "node_crashed";
/// Events in each segment, of which one in ten is a crash.
const SEGMENT_EVENTS: u64 = 200;
const SEGMENTS: u64 = 4;

fn event(number: u64) -> Event {
    let time = timestamp::format(1_795_507_200_000_000 + number as i64 * 1_000_000);
    let json = match number % 10 {
        0 => {
            format!(r#"{{"event_type":"{CRASH}","node_id":"node-{number}","agent_id":"agent-1","timestamp":"{time}"}}"#)
        }
        _ => format!(r#"{{"event_type":"{BEAT}","agent_id":"agent-1","storage_node_count":3,"timestamp":"{time}"}}"#),
    };
    Event::from_json(&json).expect("an event")
}

/// A closed store, after these policies were applied to it one after the other.
fn retained(policies: &[Retention]) -> TempDir {
    retained_from(0, policies)
}

/// As [`retained`]; `first` says at which events the segments begin.
fn retained_from(first: u64, policies: &[Retention]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    private(directory.path());
    let store = Store::open_with(directory.path(), config()).expect("opens");
    for number in 0..SEGMENTS {
        let events: Vec<Event> = (0..SEGMENT_EVENTS).map(|at| event(first + number * SEGMENT_EVENTS + at)).collect();
        store.append(&events).expect("written");
        store.seal().expect("sealed");
    }
    store.remove_sealed_logs().expect("removed");
    for policy in policies {
        store.apply_retention(policy, Utc::now() + Duration::from_secs(60)).expect("applied");
        // What it says is sealed, so that its own events are removed as well where a policy says so.
        store.seal().expect("sealed");
    }
    store.remove_sealed_logs().expect("removed");
    store.close().expect("closed");
    directory
}

fn of_types(types: &[(&str, bool)]) -> Retention {
    let limits = |is_thinned: bool| TypeRetention {
        thin_after: is_thinned.then_some(Duration::ZERO),
        age_max: (!is_thinned).then_some(Duration::ZERO),
    };
    let types = types.iter().map(|(name, is_thinned)| ((*name).to_owned(), limits(*is_thinned)));
    Retention { types: types.collect::<BTreeMap<_, _>>(), ..Retention::default() }
}

/// A policy that leaves no more than about half of the bytes of segments.
fn half(directory: &Path) -> Retention {
    let bytes: u64 = (1..=SEGMENTS).map(|id| fs::metadata(segment(directory, id)).expect("there").len()).sum();
    Retention { bytes_max: Some(bytes / 2), ..Retention::default() }
}

#[test]
fn what_retention_did_by_the_rules_is_no_finding() {
    let whole = half(retained(&[]).path());
    let (thin, expire) = (of_types(&[(BEAT, true)]), of_types(&[(BEAT, false)]));
    let rest = of_types(&[(CRASH, false)]);
    let own = of_types(&[("events_removed", false), (BEAT, false)]);
    let all = Retention { age_max: Some(Duration::ZERO), ..Retention::default() };
    let cases: [(&str, Vec<Retention>); 9] = [
        ("oldest", vec![whole.clone()]),
        ("thinned", vec![thin.clone()]),
        ("expired", vec![expire.clone()]),
        ("thinned, then expired", vec![thin.clone(), expire.clone()]),
        ("thinned, then the oldest", vec![thin.clone(), whole]),
        ("emptied type by type", vec![expire.clone(), rest]),
        ("its own words too", vec![thin.clone(), own.clone(), own]),
        ("everything", vec![all.clone()]),
        ("thinned, then everything, twice", vec![thin, all.clone(), all]),
    ];
    for (name, policies) in cases {
        let store = retained(&policies);
        let found = check(store.path());
        assert_eq!(lines(&found), Vec::<String>::new(), "{name}");
        assert!(found.lost.is_empty() && !found.notes.is_empty(), "{name}: {:?}", found.notes);
        assert!(found.events < SEGMENTS * SEGMENT_EVENTS, "{name}");
    }
}

#[test]
fn removed_events_on_both_sides_of_a_boundary_are_no_loss() {
    for policy in [of_types(&[(BEAT, true)]), of_types(&[(BEAT, false)])] {
        // Each segment begins and ends with heartbeats.
        let store = retained_from(5, &[policy]);
        let found = check(store.path());
        assert_eq!(lines(&found), Vec::<String>::new());
        assert!(found.lost.is_empty(), "{:?}", found.lost);
        fs::remove_file(segment(store.path(), 2)).expect("ours");
        let found = check(store.path());
        let lost: Vec<_> = found.lost.iter().map(|lost| (lost.first_sequence, lost.last_sequence)).collect();
        assert_eq!(lost, [(Some(SEGMENT_EVENTS + 1), Some(2 * SEGMENT_EVENTS))], "no more than that segment had");
    }
}

#[test]
fn the_head_stays_good_over_what_was_removed() {
    let head = check(retained(&[]).path()).head.expect("sealed");
    let store = tempfile::tempdir().expect("a directory");
    private(store.path());
    // Another store has another epoch, which is in no root.
    let opened = retained(&[of_types(&[(BEAT, true)])]);
    let found = verify(opened.path(), &VerifyOptions::default().with_head(head), &|_| {}).expect("a store");
    assert_eq!(found.head_matches, Some(true), "{:?}", lines(&found));
}

#[test]
fn a_removal_that_no_event_leads_to_is_found() {
    let whole = retained(&[]);
    let thinned = retained(&[of_types(&[(BEAT, true)])]);
    let expired = retained(&[of_types(&[(BEAT, false)])]);
    // The thinned segment where another was expired: events say so, and name another root.
    let mixed = copy(expired.path());
    fs::copy(segment(thinned.path(), 2), segment(mixed.path(), 2)).expect("copied");
    let found = check(mixed.path());
    expect(&found, Severity::Warning, "", "name another root than what is left has");

    // A reduced segment in a store that never removed anything.
    let told = copy(whole.path());
    fs::copy(segment(thinned.path(), 2), segment(told.path(), 2)).expect("copied");
    expect(&check(told.path()), Severity::Warning, "", "no event of the store says so");
}

#[test]
fn an_event_that_covers_up_a_removed_file_must_name_what_the_chain_was_made_of() {
    let store = retained(&[]);
    let opened = Store::open_with(store.path(), config()).expect("opens");
    let json = format!(
        r#"{{"event_type":"events_removed","cause":"expired","first_sequence":1,"last_sequence":{SEGMENT_EVENTS},"events":{SEGMENT_EVENTS},"root_before":"{}","timestamp":"2026-11-25T08:00:00Z"}}"#,
        "ab".repeat(32)
    );
    opened.append(&[Event::from_json(&json).expect("an event")]).expect("written");
    opened.close().expect("closed");
    assert!(check(store.path()).is_ok(), "as long as the events are there, it may be of another store");
    fs::remove_file(segment(store.path(), 1)).expect("ours");
    expect(&check(store.path()), Severity::Error, "", "name other roots than the chain was made of");
}

#[test]
fn kv_may_be_missing_where_events_say_what_was_removed() {
    let store = retained(&[half(retained(&[]).path())]);
    fs::remove_dir_all(store.path().join("kv")).expect("ours");
    fs::remove_file(store.path().join("kv.jsonl")).expect("ours");
    let found = check(store.path());
    assert!(found.is_ok(), "{:?}", lines(&found));
    assert!(found.lost.is_empty());
    expect(&found, Severity::Notice, "kv.jsonl", "notes of what was removed or lost may be missing");
}

#[test]
fn files_that_a_store_makes_itself_are_known() {
    let store = retained(&[]);
    let names = ["kv.jsonl.damaged-1795507200000000", "tail/00000000000000000009.log.damaged-17", "BACKUP.unfinished"];
    for name in names {
        fs::write(store.path().join(name), "").expect("written");
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(store.path().join(name), fs::Permissions::from_mode(0o600)).expect("ours");
    }
    let found = check(store.path());
    assert!(found.findings.len() == names.len(), "{:?}", lines(&found));
    expect(&found, Severity::Notice, "kv.jsonl.damaged-", "moved it aside");
    expect(&found, Severity::Notice, "log.damaged-17", "moved it aside");
    expect(&found, Severity::Warning, "BACKUP.unfinished", "make it again");
}
