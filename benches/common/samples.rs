//! Many single timings, and what to say of them.

use std::time::{Duration, Instant};

/// Timings in ns, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    sorted: Vec<u64>,
}

impl Samples {
    /// Times a call this many times.
    pub(crate) fn measure<T, E>(count: usize, mut call: impl FnMut() -> Result<T, E>) -> Result<Self, E> {
        let mut timings = Vec::with_capacity(count);
        for _ in 0..count {
            let start = Instant::now();
            let answer = call()?;
            timings.push(nanos(start.elapsed()));
            drop(std::hint::black_box(answer));
        }
        Ok(timings.into())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The smallest timing that a share of all do not exceed, in ns. The share is between 0 and 1.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.sorted.len() as f64).ceil() as usize;
        self.sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default() as f64
    }

    /// The time of all together.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.sorted.iter().sum())
    }

    /// The mean, in ns.
    pub(crate) fn mean(&self) -> f64 {
        self.sorted.iter().sum::<u64>() as f64 / self.sorted.len().max(1) as f64
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn max(&self) -> f64 {
        self.sorted.last().copied().unwrap_or_default() as f64
    }

    /// Adds the timings of another run.
    pub(crate) fn extend(&mut self, other: Self) {
        self.sorted.extend(other.sorted);
        // Merges what are two sorted runs.
        self.sorted.sort();
    }
}

impl From<Vec<u64>> for Samples {
    fn from(mut timings: Vec<u64>) -> Self {
        timings.sort_unstable();
        Self { sorted: timings }
    }
}

/// A duration in whole ns.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The median of a few figures.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// What reading the clock twice costs, in ns: the part of every timing that is not what was timed.
pub(crate) fn clock_ns() -> f64 {
    let timings: Vec<u64> = (0..100_000).map(|_| nanos(Instant::now().elapsed())).collect();
    Samples::from(timings).median()
}
