//! Phrases against absolute ranges, asked on Tuesday 2026-11-24 at 12:00 UTC.

use chrono::DateTime;
use proptest::prelude::*;

use super::{FoundKind, TimeFound, WindowKind, Word, find};
use crate::ask::options::Zone;

mod phrases;
use phrases::PHRASES;

const NOW: &str = "2026-11-24T12:00:00Z";

fn us(text: &str) -> i64 {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    DateTime::parse_from_rfc3339(&full).unwrap_or_else(|error| panic!("{text}: {error}")).timestamp_micros()
}

fn ask_at(question: &str, now: &str, zone: &str) -> TimeFound {
    let lower = question.to_lowercase();
    find(&words(&lower), us(now), &zone.parse().unwrap())
}

fn words(question: &str) -> Vec<Word<'_>> {
    let mut start = 0;
    let mut found = Vec::new();
    for piece in question.split(' ') {
        let text = piece.trim_matches(['?', '!', ',', '.', '"', '(', ')']);
        if !text.is_empty() {
            found.push(Word { text, start });
        }
        start += piece.len() + 1;
    }
    found
}

fn ask(question: &str) -> TimeFound {
    ask_at(question, NOW, "UTC")
}

/// The ranges as `since|until`, several with a space between.
fn shown(found: &TimeFound) -> String {
    let end =
        |at: Option<i64>| at.map_or(String::new(), |at| Zone::default().format(at).trim_end_matches('Z').to_owned());
    let short = |text: String| match text.strip_suffix(":00") {
        Some(minutes) => minutes.strip_suffix("T00:00").unwrap_or(minutes).to_owned(),
        None => text,
    };
    let range = |range: &super::FoundRange| {
        format!("{}|{}", short(end(range.range.since_us)), short(end(range.range.until_us)))
    };
    match &found.error {
        Some(error) => format!("error: {error}"),
        None => found.ranges.iter().map(range).collect::<Vec<_>>().join(" "),
    }
}

#[test]
fn phrases_mean_their_ranges() {
    let mut wrong = Vec::new();
    for (question, expected, rest) in PHRASES {
        let found = ask(question);
        let lower = question.to_lowercase();
        let left: Vec<&str> =
            words(&lower).iter().zip(&found.used).filter(|(_, used)| !**used).map(|(word, _)| word.text).collect();
        let (ranges, left) = (shown(&found), left.join(" "));
        if ranges != *expected || left != *rest {
            wrong.push(format!("{question}\n  expected {expected} [{rest}]\n  found    {ranges} [{left}]"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), PHRASES.len(), wrong.join("\n"));
}

#[test]
fn what_is_no_time_is_left_alone() {
    for question in [
        "first 5 crashes",
        "last 3 crashes",
        "the last crash of agent 006",
        "agent 006",
        "port 9000",
        "exit code 137",
        "nodes with memory >1000",
        "which agents may have crashed",
        "may i see the crashes",
        "the second crash",
        "the last second attempt",
        "a second crash on agent-001",
        "the third restart and the 3rd attempt",
        "crashes per hour",
        "crashes by day",
        "group by month",
        "since the last crash",
        "after node-x crashed",
        "between 1 and 5 crashes",
        "exit code between 1 and 137",
        "march of the nodes",
        "node-2026-x on 127.0.0.1:9000",
        "how many hours was agent-004 offline",
        "agents offline for more than 10 minutes",
        "last event of agent-001",
        "past failures",
        "version 1.2.3",
        "now",
        "top 10",
        "crashes in 5 minute buckets",
        "which spawns took more than 2 seconds",
        "what happened before node-x crashed",
        "which agents recovered within 5 minutes",
        "was agent-001 offline for 2 hours",
        "crashes by agent over 3",
        "the 3rd crash",
        "on the 3rd attempt",
        "fail with code 2026",
        "mar sat on the sun",
    ] {
        let found = ask(question);
        assert!(
            found.ranges.is_empty() && found.error.is_none() && found.event_window.is_none(),
            "{question}: {found:?}"
        );
        assert!(found.used.iter().all(|used| !used), "{question}: {found:?}");
    }
}

#[test]
fn impossible_and_future_times_say_so() {
    for (question, reason) in [
        ("on february 30", "February 30"),
        ("on 31 november", "November 31"),
        ("on 2026-02-30", "2026-02-30"),
        ("at 25:00", "25:00"),
        ("at 12:75", "12:75"),
        ("at 13 pm", "13 pm"),
        ("between today and yesterday", "ends before it begins"),
        ("from 2026-11-20 to 2026-11-18", "ends before it begins"),
        ("since 2026-11-20 before 2026-11-18", "ends before it begins"),
        ("tomorrow", "tomorrow"),
        ("what happens next week", "next week"),
        ("in 2 hours", "in 2 hours"),
        ("will node-x crash", "will"),
        ("is node-x going to crash", "going to"),
        ("in the next 3 days", "next 3 days"),
        ("on 2026-12-24", "2026-12-24"),
        ("today at 14:00", "2026-11-24T14:00:00Z"),
        ("tonight", "future"),
        ("this friday", "future"),
        ("in the last few hours", "few"),
        ("last 0 minutes", "no time"),
        ("in the last 99999999999 years", "recorded"),
        ("at 2026-11-17T25:00:00Z", "RFC 3339"),
    ] {
        let found = ask(question);
        let error = found.error.unwrap_or_else(|| panic!("{question}: {:?}", found.ranges));
        assert!(error.contains(&reason.to_lowercase()) || error.contains(reason), "{question}: {error}");
        assert!(found.ranges.is_empty());
    }
}

#[test]
fn days_begin_in_the_zone() {
    for (question, expected) in [
        ("today", "2026-11-23T23:00|2026-11-24T23:00"),
        ("yesterday at 03:10", "2026-11-23T02:10|2026-11-23T02:11"),
        ("this week", "2026-11-22T23:00|2026-11-29T23:00"),
        ("in october", "2026-09-30T22:00|2026-10-31T23:00"),
        ("on october 25", "2026-10-24T22:00|2026-10-25T23:00"),
        ("at 13:00", "2026-11-24T12:00|2026-11-24T12:01"),
        ("at 03:10 utc", "2026-11-24T03:10|2026-11-24T03:11"),
        ("last night", "2026-11-23T17:00|2026-11-24T05:00"),
        ("march 29 at 02:30", "2026-03-29T01:30|2026-03-29T01:31"),
    ] {
        assert_eq!(shown(&ask_at(question, NOW, "Europe/Zurich")), expected, "{question}");
    }
    assert_eq!(shown(&ask_at("today", "2026-11-23T23:30:00Z", "+02:00")), "2026-11-23T22:00|2026-11-24T22:00");
    assert_eq!(shown(&ask_at("this hour", NOW, "Asia/Kolkata")), "2026-11-24T11:30|2026-11-24T12:30");
    assert_eq!(shown(&ask_at("tonight", "2026-11-24T02:00:00Z", "UTC")), "2026-11-23T18:00|2026-11-24T06:00");
}

#[test]
fn a_text_full_of_times_is_refused_at_once() {
    let found = ask(&"in the morning today, ".repeat(3_000));
    assert!(found.error.is_some_and(|error| error.contains("too many")));
}

#[test]
fn instants_are_told_from_stretches() {
    for (question, at) in [
        ("offline at 03:10", Some("2026-11-24T03:10")),
        ("offline around 3 am", Some("2026-11-24T03:00")),
        ("offline 2 hours ago", Some("2026-11-24T10:00")),
        ("offline yesterday", None),
    ] {
        let found = ask(question);
        let range = &found.ranges[0];
        assert_eq!(range.at_us, at.map(us), "{question}");
        assert_eq!(range.kind == FoundKind::Instant, at.is_some(), "{question}");
    }
    let found = ask("crashes yesterday");
    assert_eq!(found.ranges[0].phrase, "from 2026-11-23T00:00:00Z up to 2026-11-24T00:00:00Z");
    assert_eq!(found.ranges[0].words, 1..2);
}

#[test]
fn stretches_beside_events_leave_the_event_to_the_caller() {
    const MINUTE: i64 = 60_000_000;
    for (question, kind, amount_us, event) in [
        ("what happened 10 minutes before node-x crashed", WindowKind::Before, 10 * MINUTE, "node-x"),
        ("in the 10 minutes before node-x crashed", WindowKind::Before, 10 * MINUTE, "node-x"),
        ("events within an hour of the crash of node-x", WindowKind::Around, 60 * MINUTE, "the"),
        ("what happened in the hour after agent-001 died", WindowKind::After, 60 * MINUTE, "agent-001"),
        ("the last 5 minutes before the crash", WindowKind::Before, 5 * MINUTE, "the"),
        ("within 30 seconds after node-x crashed", WindowKind::After, MINUTE / 2, "node-x"),
    ] {
        let found = ask(question);
        let window = found.event_window.unwrap_or_else(|| panic!("{question}: {found:?}"));
        assert_eq!((window.kind, window.amount_us), (kind, amount_us), "{question}");
        assert_eq!(words(question)[window.event].text, event, "{question}");
        assert!(!found.used[window.event] && found.used[window.event - 1], "{question}: {found:?}");
        assert!(found.ranges.is_empty() && found.error.is_none(), "{question}: {found:?}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}", now in any::<i64>()) {
        let text = text.to_lowercase();
        let zone: Zone = "Europe/Zurich".parse().unwrap();
        let words: Vec<Word<'_>> = text.split_whitespace().map(|text| Word { text, start: 0 }).collect();
        let found = find(&words, now, &zone);
        prop_assert_eq!(found.used.len(), words.len());
    }

    #[test]
    fn no_order_of_words_of_time_panics(
        picks in prop::collection::vec(prop::sample::select(VOCABULARY), 0..12),
        now in prop_oneof![Just(us(NOW)), any::<i64>()],
    ) {
        let words: Vec<Word<'_>> = picks.iter().map(|text| Word { text, start: 0 }).collect();
        for zone in ["UTC", "America/St_Johns"] {
            let found = find(&words, now, &zone.parse().unwrap());
            prop_assert_eq!(found.used.len(), words.len());
            for range in &found.ranges {
                prop_assert!(!range.range.is_empty());
                prop_assert!(range.words.end <= words.len());
            }
        }
    }
}

const VOCABULARY: &[&str] = &[
    "between",
    "and",
    "from",
    "to",
    "until",
    "since",
    "before",
    "after",
    "around",
    "at",
    "on",
    "in",
    "the",
    "of",
    "last",
    "this",
    "past",
    "previous",
    "next",
    "ago",
    "2",
    "18",
    "18th",
    "31",
    "2026",
    "9999",
    "03:10",
    "25:00",
    "24:00",
    "3am",
    "pm",
    "noon",
    "midnight",
    "utc",
    "monday",
    "nov",
    "may",
    "february",
    "today",
    "yesterday",
    "tonight",
    "night",
    "morning",
    "hour",
    "hours",
    "week",
    "months",
    "years",
    "day",
    "half",
    "an",
    "a",
    "couple",
    "few",
    "2026-11-17",
    "0000-01-01",
    "9999-12-31",
    "9999-12-31t23:59:59z",
    "0001-01-01t00:00",
    "now",
    "30m",
    "99999999",
    "1.5",
    "weekend",
    "14:00-16:00",
    "within",
    "by",
    "node-x",
];
