//! The memory that connections may hold together. Whoever wants more waits, or is told so.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is lent in pieces of this many bytes.
const PIECE_BYTES: usize = 4096;

/// What may be lent in all.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pieces: Arc<Semaphore>,
    total: usize,
    /// How long is waited for what others hold.
    patience: Duration,
}

/// No memory became free in time, or so much will never be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfMemory;

impl Memory {
    pub(super) fn new(bytes: usize, patience: Duration) -> Self {
        let total = (bytes / PIECE_BYTES).min(Semaphore::MAX_PERMITS);
        Self { pieces: Arc::new(Semaphore::new(total)), total, patience }
    }

    /// A loan of nothing, which can grow.
    pub(super) fn loan(&self) -> Loan {
        Loan { memory: self.clone(), permit: None }
    }
}

/// Memory that is lent, until it is dropped.
#[derive(Debug)]
pub(super) struct Loan {
    memory: Memory,
    permit: Option<OwnedSemaphorePermit>,
}

impl Loan {
    /// How many bytes it is.
    pub(super) fn bytes(&self) -> usize {
        self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * PIECE_BYTES
    }

    /// Makes it at least this large, if so much is free in time. Never makes it smaller.
    pub(super) async fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.grow_within(bytes, self.memory.patience).await
    }

    /// As [`grow`](Self::grow), if so much is free now.
    pub(super) async fn grow_at_once(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.grow_within(bytes, Duration::ZERO).await
    }

    async fn grow_within(&mut self, bytes: usize, timeout: Duration) -> Result<(), OutOfMemory> {
        let more = bytes.saturating_sub(self.bytes()).div_ceil(PIECE_BYTES);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).ok().filter(|_| more <= self.memory.total).ok_or(OutOfMemory)?;
        let wanted = Arc::clone(&self.memory.pieces).acquire_many_owned(more);
        match tokio::time::timeout(timeout, wanted).await {
            Ok(Ok(permit)) => {
                match &mut self.permit {
                    Some(held) => held.merge(permit),
                    None => self.permit = Some(permit),
                }
                Ok(())
            }
            // The semaphore is never closed, so that this is the timeout.
            Ok(Err(_)) | Err(_) => Err(OutOfMemory),
        }
    }

    /// Gives all of it back.
    pub(super) fn release(&mut self) {
        self.permit = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn what_is_lent_is_bounded_and_comes_back() {
        let memory = Memory::new(10 * PIECE_BYTES, SOON);
        let (mut first, mut second) = (memory.loan(), memory.loan());
        assert_eq!(first.grow(6 * PIECE_BYTES).await, Ok(()));
        assert_eq!(first.grow(1).await, Ok(()), "it has more than that");
        assert_eq!(first.grow(7 * PIECE_BYTES - 1).await, Ok(()));
        assert_eq!(first.bytes(), 7 * PIECE_BYTES);
        assert_eq!(second.grow(4 * PIECE_BYTES).await, Err(OutOfMemory));
        assert_eq!(second.grow(3 * PIECE_BYTES).await, Ok(()));
        first.release();
        assert_eq!(second.grow(10 * PIECE_BYTES).await, Ok(()));
        assert_eq!(second.grow(11 * PIECE_BYTES).await, Err(OutOfMemory), "so much will never be there");
        drop(second);
        assert_eq!(first.grow(10 * PIECE_BYTES).await, Ok(()));
    }
}
