//! What is to be done: which segments go as files, and which are written anew without some of their events.

use std::sync::Arc;

use super::policy::{Fate, Retention};
use crate::storage::segment::SegmentReader;

/// A segment is written anew if at least one in this many of its events goes, or a limit is overdue. Rewriting costs
/// as much as sealing did, so it should be worth it.
const GAIN_DIVISOR: u64 = 8;

/// What is to be done to the segments of a store, in this order.
pub(super) struct Plan {
    /// The oldest segments, of which nothing is kept.
    pub(super) whole: Vec<Arc<SegmentReader>>,
    /// Those behind them of which something goes, oldest first.
    pub(super) reductions: Vec<Reduction>,
}

/// A segment that is to lose events, with what happens to its types.
pub(super) struct Reduction {
    pub(super) segment: Arc<SegmentReader>,
    /// The types of which not all stays.
    pub(super) fates: Vec<(String, Fate)>,
}

/// The segments that a plan is made for.
pub(super) struct Scope<'a> {
    pub(super) segments: &'a [Arc<SegmentReader>],
    /// The bytes of each of them.
    pub(super) bytes: Vec<u64>,
    /// The bytes of the logs.
    pub(super) log_bytes: u64,
    /// Nothing behind this sequence number goes.
    pub(super) removable: u64,
    pub(super) now_us: i64,
}

impl Plan {
    /// What a policy demands now.
    pub(super) fn new(policy: &Retention, scope: &Scope<'_>) -> Self {
        let may_go = |segment: &SegmentReader| segment.contents().last_sequence <= scope.removable;
        let mut bytes = scope.bytes.iter().sum::<u64>() + scope.log_bytes;
        let mut whole = Vec::new();
        for (segment, segment_bytes) in scope.segments.iter().zip(&scope.bytes) {
            let too_much = policy.bytes_max.is_some_and(|max| bytes > max);
            if !may_go(segment) || !(too_much || keeps_nothing(policy, segment, scope.now_us)) {
                break;
            }
            bytes = bytes.saturating_sub(*segment_bytes);
            whole.push(Arc::clone(segment));
        }
        let rest = scope.segments[whole.len()..].iter().take_while(|segment| may_go(segment));
        let reductions = rest.filter_map(|segment| Reduction::of(policy, segment, scope.now_us)).collect();
        Self { whole, reductions }
    }
}

fn keeps_nothing(policy: &Retention, segment: &SegmentReader, now_us: i64) -> bool {
    let contents = segment.contents();
    // A tombstone that has become the oldest has nothing to keep either.
    contents.types.iter().all(|found| matches!(policy.fate(&found.name, contents, now_us), Fate::Expires { .. }))
}

impl Reduction {
    fn of(policy: &Retention, segment: &Arc<SegmentReader>, now_us: i64) -> Option<Self> {
        let contents = segment.contents();
        let fates = contents.types.iter().map(|found| {
            let fate = policy.fate(&found.name, contents, now_us);
            (found.name.clone(), fate)
        });
        let fates: Vec<(String, Fate)> = fates.filter(|(_, fate)| *fate != Fate::Stays).collect();
        (!fates.is_empty()).then(|| Self { segment: Arc::clone(segment), fates })
    }

    /// Whether it is worth it, if this many events go.
    pub(super) fn is_worth(&self, events: u64) -> bool {
        let overdue = |fate: &Fate| matches!(fate, Fate::Expires { overdue: true } | Fate::IsThinned { overdue: true });
        events * GAIN_DIVISOR >= u64::from(self.segment.contents().count)
            || self.fates.iter().any(|(_, fate)| overdue(fate))
    }

    /// The most events that can go.
    pub(super) fn events_max(&self) -> u64 {
        let types = self.segment.contents().types.iter();
        let concerned = types.filter(|found| self.fates.iter().any(|(name, _)| *name == found.name));
        concerned.map(|found| u64::from(found.count)).sum()
    }
}
