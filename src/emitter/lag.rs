//! How long the oldest event that is not committed has been waiting, without a clock reading per event.

use std::time::Duration;

/// Bounds the age of the oldest event that waits.
///
/// Events are numbered in the order of the queue. At a *mark* the writer notes the time and the number
/// of the last event that is in the queue by then. Every event behind that number was emitted after
/// the mark, so once the writer comes to it, the time of the mark bounds the ages of all that remain.
/// The bound is at most about twice the true age. Times are durations since any fixed moment.
#[derive(Debug, Default)]
pub(super) struct LagMeter {
    /// How many events were taken from the queue.
    taken: u64,
    /// When the mark was set.
    mark_time: Duration,
    /// The number of the last event in the queue at that time.
    mark_number: u64,
    /// The oldest event that waits was emitted after this time.
    oldest_after: Duration,
}

impl LagMeter {
    /// The queue was seen empty.
    pub(super) fn empty(&mut self, now: Duration) {
        (self.mark_time, self.mark_number, self.oldest_after) = (now, self.taken, now);
    }

    /// A batch was taken. Returns a time after which its oldest event, and all behind it, were emitted.
    pub(super) fn taken(&mut self, count: u64, left: u64, now: Duration) -> Duration {
        if self.taken >= self.mark_number {
            self.oldest_after = self.mark_time;
            (self.mark_time, self.mark_number) = (now, self.taken + count + left);
        }
        self.taken += count;
        self.oldest_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        /// Against the true times of emission: the bound is never later than the oldest event, and it follows
        /// the queue (it is not stuck at the last time the queue was empty).
        #[test]
        fn bounds_the_oldest_event(steps in prop::collection::vec((0_u64..5, 1_u64..5), 1..200)) {
            let (mut meter, mut queue, mut now) = (LagMeter::default(), VecDeque::new(), 0);
            for (emitted, batch) in steps {
                for _ in 0..emitted {
                    now += 1;
                    queue.push_back(now);
                }
                now += 1;
                let time = Duration::from_secs(now);
                let count = batch.min(queue.len() as u64);
                if count == 0 {
                    meter.empty(time);
                    continue;
                }
                let oldest = queue[0];
                queue.drain(..usize::try_from(count).unwrap());
                let bound = meter.taken(count, queue.len() as u64, time).as_secs();
                prop_assert!(bound <= oldest);
            }
        }
    }

    #[test]
    fn follows_a_queue_that_is_never_empty() {
        let mut meter = LagMeter::default();
        let mut bound = Duration::ZERO;
        for second in 1..100 {
            // One event is taken each second, and one remains: no event waits longer than two seconds.
            bound = meter.taken(1, 1, Duration::from_secs(second));
        }
        assert!(bound >= Duration::from_secs(95), "{bound:?}");
    }
}
