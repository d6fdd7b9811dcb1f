//! Times in which events of some types may have been that are not there any more. Between two events that are there,
//! such a time tells nothing: neither that nothing came, nor how often something usually does.

use crate::store::Snapshot;

use super::sources;

/// Stretches of time, in µs, both ends included.
#[derive(Debug, Default)]
pub(crate) struct Stretches {
    /// In order, none touching another.
    ranges: Vec<(i64, i64)>,
}

impl Stretches {
    fn new(mut ranges: Vec<(i64, i64)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (first_us, last_us) in ranges {
            match merged.last_mut() {
                Some(before) if first_us <= before.1 => before.1 = before.1.max(last_us),
                _ => merged.push((first_us, last_us)),
            }
        }
        Self { ranges: merged }
    }

    /// Whether any of them has an instant from the first to the second, those included. Takes time by the logarithm
    /// of their number.
    pub(crate) fn touch(&self, first_us: i64, last_us: i64) -> bool {
        let next = self.ranges.partition_point(|range| range.1 < first_us);
        self.ranges.get(next).is_some_and(|range| range.0 <= last_us)
    }
}

impl Snapshot {
    /// When events of these types were that are not in this snapshot any more, as far as it knows that itself: those
    /// that were taken out of segments, numbers that no source has, and damaged blocks that queries have met so far.
    /// Of segments that went as a whole, being the oldest, nothing older is there to be compared with.
    ///
    /// Costs the number of segments, not of events.
    pub(crate) fn incomplete_stretches(&self, event_types: &[&str]) -> Stretches {
        let of_types = self.sources().iter().flat_map(|source| sources::taken_out(&**source));
        let of_types = of_types.chain(sources::unreadable(self)).filter(|gap| {
            let event_type = gap.event_type.as_deref();
            event_type.is_none_or(|event_type| event_types.contains(&event_type))
        });
        let bounds = of_types.map(|gap| (gap.since_us.unwrap_or(i64::MIN), gap.until_us.unwrap_or(i64::MAX)));
        let holes = sources::unexplained(self, &[], &[]).into_iter().map(|hole| (hole.since_us, hole.until_us));
        Stretches::new(bounds.chain(holes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_touch_what_they_share_an_instant_with() {
        let stretches = Stretches::new(vec![(30, 40), (10, 20), (12, 15), (35, 50)]);
        assert_eq!(stretches.ranges, [(10, 20), (30, 50)]);
        for (first, last, touches) in [
            (0, 9, false),
            (0, 10, true),
            (13, 14, true),
            (20, 21, true),
            (21, 29, false),
            (50, 90, true),
            (51, 90, false),
        ] {
            assert_eq!(stretches.touch(first, last), touches, "{first} to {last}");
        }
        assert!(!Stretches::default().touch(i64::MIN, i64::MAX));
    }
}
