//! Counts by key: what aggregations are asked for, and what they give.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::DateTime;

use crate::event::{ValueRef, timestamp};

/// What events are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupKey {
    /// The type.
    Type,
    /// The text of a field: a string as it is, any other value as its JSON text.
    Field(String),
    /// The time, cut to a minute, hour or day.
    Time {
        /// How much time makes a group.
        bucket: Bucket,
        /// The offset from UTC, in seconds, of the clock by which hours and days begin.
        offset_seconds: i32,
    },
}

/// A length of time that begins by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// From :00 to :59; the key is `YYYY-MM-DDTHH:MM`.
    Minute,
    /// From :00:00 to :59:59; the key is `YYYY-MM-DDTHH:00`.
    Hour,
    /// From midnight to midnight; the key is `YYYY-MM-DD`.
    Day,
}

impl Bucket {
    /// The length in µs.
    #[must_use]
    pub fn length_us(self) -> i64 {
        match self {
            Bucket::Minute => 60_000_000,
            Bucket::Hour => 3_600_000_000,
            Bucket::Day => 86_400_000_000,
        }
    }

    /// The number of the bucket that a time is in, counted from 1970 by a clock with this offset.
    pub(super) fn index_of(self, timestamp_us: i64, offset_seconds: i32) -> i64 {
        timestamp_us.saturating_add(i64::from(offset_seconds) * 1_000_000).div_euclid(self.length_us())
    }

    /// The key of the bucket with this number.
    pub(super) fn key_of(self, index: i64) -> String {
        let start = DateTime::from_timestamp_micros(index.saturating_mul(self.length_us())).unwrap_or_default();
        let form = match self {
            Bucket::Minute => "%Y-%m-%dT%H:%M",
            Bucket::Hour => "%Y-%m-%dT%H:00",
            Bucket::Day => "%Y-%m-%d",
        };
        start.format(form).to_string()
    }
}

/// How many events there are by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups {
    /// The groups, the largest first; groups of one size in the order of their keys.
    pub groups: Vec<Group>,
    /// Events that have no key: the field is absent or `null`.
    pub ungrouped: u64,
}

/// The events with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The key.
    pub key: String,
    /// How many events have it.
    pub count: u64,
}

/// The events of one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// Where it starts, in µs since 1970: a multiple of its length.
    pub start_us: i64,
    /// How many events are in it.
    pub count: u64,
}

/// Counts that grow. A key is allocated once, however often it occurs.
#[derive(Default)]
pub(super) struct KeyCounts {
    counts: HashMap<Arc<str>, u64, foldhash::fast::RandomState>,
    pub(super) ungrouped: u64,
    /// The text of the last value that was no string.
    text: String,
}

impl KeyCounts {
    /// Counts events under a key.
    pub(super) fn add(&mut self, key: &str, count: u64) {
        match self.counts.get_mut(key) {
            Some(sum) => *sum += count,
            None => {
                self.counts.insert(key.into(), count);
            }
        }
    }

    /// Counts events under a key that is shared already.
    pub(super) fn add_shared(&mut self, key: &Arc<str>, count: u64) {
        match self.counts.get_mut(&**key) {
            Some(sum) => *sum += count,
            None => {
                self.counts.insert(Arc::clone(key), count);
            }
        }
    }

    /// Counts one event under the text of a value.
    pub(super) fn add_value(&mut self, value: Option<ValueRef<'_>>) {
        match value {
            None | Some(ValueRef::Null) => self.ungrouped += 1,
            Some(ValueRef::Text(text)) => self.add(text, 1),
            Some(value) => {
                let mut text = std::mem::take(&mut self.text);
                text.clear();
                match value {
                    ValueRef::Time(us) => timestamp::write(us, &mut text),
                    other => other.write_json(&mut text),
                }
                self.add(&text, 1);
                self.text = text;
            }
        }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> u64 {
        self.counts.len() as u64
    }

    /// The `k` largest groups in their order.
    pub(super) fn into_groups(self, k: usize) -> Groups {
        let mut counts: Vec<(Arc<str>, u64)> = self.counts.into_iter().filter(|&(_, count)| count > 0).collect();
        let largest_first = |a: &(Arc<str>, u64), b: &(Arc<str>, u64)| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0));
        if k < counts.len() {
            if k > 0 {
                counts.select_nth_unstable_by(k - 1, largest_first);
            }
            counts.truncate(k);
        }
        counts.sort_unstable_by(largest_first);
        let groups = counts.into_iter().map(|(key, count)| Group { key: key.as_ref().to_owned(), count }).collect();
        Groups { groups, ungrouped: self.ungrouped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_by_the_clock_of_their_offset() {
        let eve = timestamp::parse("2026-11-23T23:30:00Z").expect("a time");
        for (bucket, offset_seconds, key) in [
            (Bucket::Day, 0, "2026-11-23"),
            (Bucket::Day, 3600, "2026-11-24"),
            (Bucket::Hour, 0, "2026-11-23T23:00"),
            (Bucket::Hour, -1800, "2026-11-23T23:00"),
            (Bucket::Hour, 1800, "2026-11-24T00:00"),
            (Bucket::Minute, -60, "2026-11-23T23:29"),
        ] {
            assert_eq!(bucket.key_of(bucket.index_of(eve, offset_seconds)), key);
        }
        assert_eq!(Bucket::Day.key_of(Bucket::Day.index_of(-1, 0)), "1969-12-31");
        assert_eq!(Bucket::Day.key_of(Bucket::Day.index_of(timestamp::MICROS_MIN, -1)), "0000-12-31");
    }

    #[test]
    fn the_largest_groups_come_first_and_ties_by_key() {
        let counts = || {
            let mut counts = KeyCounts::default();
            for (key, count) in [("b", 2), ("a", 2), ("c", 3), ("d", 1), ("gone", 0)] {
                counts.add(key, count);
            }
            counts.add_value(Some(ValueRef::Integer(7)));
            counts.add_value(Some(ValueRef::Time(0)));
            counts.add_value(Some(ValueRef::Null));
            counts.add_value(None);
            counts
        };
        let keys = |k| counts().into_groups(k).groups.into_iter().map(|group| group.key).collect::<Vec<_>>();
        assert_eq!(keys(usize::MAX), ["c", "a", "b", "1970-01-01T00:00:00.000000Z", "7", "d"]);
        assert_eq!(keys(2), ["c", "a"]);
        assert!(keys(0).is_empty());
        assert_eq!(counts().into_groups(0).ungrouped, 2);
    }
}
