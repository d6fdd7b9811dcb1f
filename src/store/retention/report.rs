//! Retention on demand: a policy is applied once, to the last, or it is only said what would go.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::plan::Plan;
use super::{Retention, Tried, at_once, reduce, remove_whole, replace, scope};
use crate::error::StoreError;
use crate::storage::RemovalCause;
use crate::storage::segment::{Contents, SegmentReader};
use crate::store::Store;

/// What went, or would go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionReport {
    /// Segments removed as files.
    pub segments_removed: u64,
    /// Segments written anew without some of their events.
    pub segments_rewritten: u64,
    /// Events by type that were too old or too much.
    pub expired: BTreeMap<String, u64>,
    /// Events by type that said nothing new.
    pub thinned: BTreeMap<String, u64>,
    /// Bytes of files that were given back.
    pub bytes_freed: u64,
    /// Bytes of all segments before.
    pub segment_bytes: u64,
    /// Segments that could not be read and stay as they are, with the reasons.
    pub problems: Vec<String>,
}

impl RetentionReport {
    fn add_whole(&mut self, contents: &Contents, bytes: u64) {
        self.segments_removed += 1;
        self.bytes_freed += bytes;
        for found in &contents.types {
            *self.expired.entry(found.name.clone()).or_default() += u64::from(found.count);
        }
    }

    fn add_reduced(&mut self, bytes_before: u64, reduced: &reduce::Reduced) {
        self.segments_rewritten += 1;
        self.bytes_freed += bytes_before.saturating_sub(reduced.bytes.len() as u64);
        for gone in &reduced.gone {
            let by_type = if gone.cause == RemovalCause::Thinned { &mut self.thinned } else { &mut self.expired };
            *by_type.entry(gone.event_type.clone()).or_default() += u64::from(gone.events);
        }
    }
}

impl Store {
    /// Applies a policy once, to everything that was sealed, and says what went. Ages are reckoned from `now`. First
    /// goes what is too old, then what is too much.
    ///
    /// It takes as long as reading and writing all segments of which something goes, and holds one of them in memory.
    ///
    /// # Errors
    /// If the store is not open for writing, or a file cannot be written. What went before stays gone; the rest goes
    /// the next time.
    pub fn apply_retention(&self, policy: &Retention, now: DateTime<Utc>) -> Result<RetentionReport, StoreError> {
        self.shared().check_writable()?;
        let report = self.retain(policy, now, true);
        self.shared().publish_keyed()?;
        report
    }

    /// Says what [`apply_retention`](Self::apply_retention) would do, and changes nothing. It is as exact, and as slow.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn plan_retention(&self, policy: &Retention, now: DateTime<Utc>) -> Result<RetentionReport, StoreError> {
        self.retain(policy, now, false)
    }

    fn retain(&self, policy: &Retention, now: DateTime<Utc>, changes: bool) -> Result<RetentionReport, StoreError> {
        let shared = self.shared();
        let now_us = now.timestamp_micros();
        let _tried: parking_lot::MutexGuard<'_, Tried> = shared.retaining.lock();
        let segments = shared.pieces().segments.clone();
        let mut report = RetentionReport {
            segment_bytes: segments.iter().map(|segment| segment.file_bytes()).sum(),
            ..RetentionReport::default()
        };
        let ages = Retention { bytes_max: None, ..policy.clone() };
        let plan = Plan::new(&ages, &scope(shared, &segments, now_us));
        self.remove(&plan.whole, &HashMap::new(), now_us, changes, &mut report)?;
        // What the segments that are written anew are then.
        let mut after: HashMap<u64, (Contents, u64)> = HashMap::new();
        for reduction in &plan.reductions {
            let reduced = match reduce::build(reduction) {
                Ok(None) => continue,
                Ok(Some(reduced)) => reduced,
                Err(problem @ StoreError::Damaged { .. }) => {
                    report.problems.push(problem.to_string());
                    continue;
                }
                Err(other) => return Err(other),
            };
            if changes {
                replace(shared, reduction, &reduced, now_us, false)?;
            }
            report.add_reduced(reduction.segment.file_bytes(), &reduced);
            after.insert(reduced.contents.id, (reduced.contents, reduced.bytes.len() as u64));
        }
        let Some(bytes_max) = policy.bytes_max else { return Ok(report) };
        let rest = if changes { shared.pieces().segments.clone() } else { segments[plan.whole.len()..].to_vec() };
        let mut scope = scope(shared, &rest, now_us);
        for (segment, bytes) in rest.iter().zip(&mut scope.bytes) {
            *bytes = after.get(&segment.contents().id).map_or(*bytes, |(_, bytes)| *bytes);
        }
        let plan = Plan::new(&Retention { bytes_max: Some(bytes_max), ..Retention::default() }, &scope);
        self.remove(&plan.whole, &after, now_us, changes, &mut report)?;
        Ok(report)
    }

    /// Removes segments as files, or only adds them to the report.
    fn remove(
        &self,
        segments: &[Arc<SegmentReader>],
        after: &HashMap<u64, (Contents, u64)>,
        now_us: i64,
        changes: bool,
        report: &mut RetentionReport,
    ) -> Result<(), StoreError> {
        let shared = self.shared();
        for some in segments.chunks(at_once(shared)) {
            if changes {
                remove_whole(shared, some, now_us, false)?;
            }
            for segment in some {
                let unchanged = (segment.contents(), segment.file_bytes());
                let reduced = after.get(&segment.contents().id).map(|(contents, bytes)| (contents, *bytes));
                let (contents, bytes) = reduced.unwrap_or(unchanged);
                report.add_whole(contents, bytes);
            }
        }
        Ok(())
    }
}
