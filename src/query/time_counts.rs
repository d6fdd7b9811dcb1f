//! Counts by stretch of time: the common part of histograms and of groups by minute, hour and day.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::StoreError;
use crate::storage::Source;

use super::compile::CompiledFilter;
use super::explain::Explanation;
use super::filter::Filter;
use super::groups::Bin;
use super::plan::SourcePlan;
use super::positions::positions_of;

/// The most bins a histogram has where it fills gaps; a wider one leaves empty bins out.
pub const HISTOGRAM_BINS_MAX: usize = 10_000;

/// Counts by the number of a stretch of time.
#[derive(Default)]
pub(super) struct TimeCounts {
    counts: HashMap<i64, u64, foldhash::fast::RandomState>,
    /// The stretch that was counted last, and its count so far: times mostly come in order.
    last: (i64, u64),
}

impl TimeCounts {
    /// Counts the events of a filter by the number of their stretch, which must not fall as time grows.
    ///
    /// Blocks whose candidates match for certain and that lie in one stretch are not read.
    pub(super) fn of(
        sources: &[Arc<dyn Source>],
        filter: &Filter,
        index_of: impl Fn(i64) -> i64,
        explanation: &mut Explanation,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        let filter = CompiledFilter::new(filter);
        let mut counts = Self::default();
        let mut matching = Vec::new();
        for source in sources {
            let Some(plan) = SourcePlan::new(&filter, &**source, explanation)? else { continue };
            let (certain, possible) = (plan.certain(), plan.possible());
            let undecided = plan.undecided();
            if undecided.is_none()
                && let Some((min_us, max_us)) = source.time_bounds()
                && index_of(min_us) == index_of(max_us)
            {
                counts.add(index_of(min_us), certain.len(source.len()));
                continue;
            }
            let zones = source.zones();
            for block in possible.blocks(zones) {
                let zone = &zones[block]; // `blocks` gives indices into these zones.
                let index = index_of(zone.min_us);
                let decided = undecided.as_ref().is_none_or(|undecided| undecided.len_in(positions_of(zone)) == 0);
                if decided && index == index_of(zone.max_us) {
                    counts.add(index, certain.len_in(positions_of(zone)));
                } else if let Some(rows) = plan.read_block(block, possible, &mut matching, explanation)? {
                    matching.iter().for_each(|&row| counts.add(index_of(rows.timestamp_us(row)), 1));
                }
            }
        }
        counts.settle();
        Ok(counts.counts.into_iter().filter(|&(_, count)| count > 0).collect())
    }

    fn add(&mut self, index: i64, count: u64) {
        if self.last.0 != index {
            self.settle();
            self.last = (index, 0);
        }
        self.last.1 += count;
    }

    fn settle(&mut self) {
        *self.counts.entry(self.last.0).or_default() += std::mem::take(&mut self.last.1);
    }
}

/// The events of a filter by bins of equal length, in the order of time.
pub(super) fn histogram(
    sources: &[Arc<dyn Source>],
    filter: &Filter,
    bin_us: i64,
    explanation: &mut Explanation,
) -> Result<Vec<Bin>, StoreError> {
    let bin_us = bin_us.max(1);
    let index_of = |timestamp_us: i64| timestamp_us.div_euclid(bin_us);
    let mut counts = TimeCounts::of(sources, filter, index_of, explanation)?;
    counts.sort_unstable();
    Ok(fill_gaps(&counts)
        .into_iter()
        .map(|(index, count)| Bin { start_us: index.saturating_mul(bin_us), count })
        .collect())
}

/// Adds the empty bins between filled ones, unless there would be too many.
fn fill_gaps(filled: &[(i64, u64)]) -> Vec<(i64, u64)> {
    let (Some(&(first, _)), Some(&(last, _))) = (filled.first(), filled.last()) else { return Vec::new() };
    if last.abs_diff(first) >= HISTOGRAM_BINS_MAX as u64 {
        return filled.to_vec();
    }
    let mut filled = filled.iter().peekable();
    let count_of = |index| filled.next_if(|&&(next, _)| next == index).map_or(0, |&(_, count)| count);
    let mut count_of = count_of;
    (first..=last).map(|index| (index, count_of(index))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_up_to_a_limit() {
        assert_eq!(fill_gaps(&[]), []);
        assert_eq!(fill_gaps(&[(-2, 5)]), [(-2, 5)]);
        assert_eq!(fill_gaps(&[(-1, 5), (2, 1)]), [(-1, 5), (0, 0), (1, 0), (2, 1)]);
        let wide = [(i64::MIN, 1), (i64::MAX, 2)];
        assert_eq!(fill_gaps(&wide), wide);
        assert_eq!(fill_gaps(&[(1, 1), (HISTOGRAM_BINS_MAX as i64, 1)]).len(), HISTOGRAM_BINS_MAX);
        assert_eq!(fill_gaps(&[(0, 1), (HISTOGRAM_BINS_MAX as i64, 1)]).len(), 2);
    }
}
