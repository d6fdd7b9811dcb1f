//! What a client has sent and was not looked at yet: whole frames are taken out of it, as many as are there.

use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::config::CONNECTION_BYTES;
use super::memory::{Loan, Memory, OutOfMemory};

/// Bytes of the length before each payload.
const LENGTH_BYTES: usize = 4;

/// Bytes of a connection, from its socket.
#[derive(Debug)]
pub(super) struct Input {
    bytes: Vec<u8>,
    /// What was taken out already, from the front.
    taken: usize,
    /// What the frame that has begun takes in all, if that is known.
    wanted: Option<usize>,
    loan: Loan,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A whole payload, at this place of [`Input::payload`].
    Frame(Range<usize>),
    /// Nothing, or not all of a frame.
    Incomplete {
        /// What the frame takes in all, if it has begun so far that this is known.
        expected: Option<usize>,
        /// The first byte of its payload, if that is there.
        first: Option<u8>,
    },
}

/// Why nothing more comes in.
#[derive(Debug)]
pub(super) enum InputError {
    /// The socket failed. Nobody is told: a client that goes away is nothing unusual.
    Socket,
    OutOfMemory,
}

impl From<OutOfMemory> for InputError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl Input {
    pub(super) fn new(memory: &Memory) -> Self {
        Self { bytes: Vec::new(), taken: 0, wanted: None, loan: memory.loan() }
    }

    /// Takes out the next frame, if all of it is there.
    pub(super) fn next(&mut self) -> Next {
        let rest = self.bytes.get(self.taken..).unwrap_or_default();
        self.wanted = None;
        let Some((length, payload)) = rest.split_first_chunk::<LENGTH_BYTES>() else {
            return Next::Incomplete { expected: None, first: None };
        };
        let length = u32::from_be_bytes(*length) as usize;
        if payload.len() < length {
            self.wanted = Some(length.saturating_add(LENGTH_BYTES));
            return Next::Incomplete { expected: Some(length), first: payload.first().copied() };
        }
        let start = self.taken + LENGTH_BYTES;
        self.taken = start + length;
        Next::Frame(start..start + length)
    }

    /// A payload that [`next`](Self::next) has found, until more is received.
    pub(super) fn payload(&self, place: Range<usize>) -> &[u8] {
        self.bytes.get(place).unwrap_or_default()
    }

    /// The first byte of the payload of what comes next, or of what came last.
    pub(super) fn first_byte(&self) -> Option<u8> {
        let of_frame = |at: usize| self.bytes.get(at + LENGTH_BYTES).copied();
        of_frame(self.taken).or_else(|| of_frame(0))
    }

    /// Whether a frame has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.bytes.len() > self.taken
    }

    /// How many bytes have not been taken out.
    pub(super) fn waiting(&self) -> usize {
        self.bytes.len().saturating_sub(self.taken)
    }

    /// Receives what is there, and waits if nothing is. 0 bytes are the end. Takes as much memory as has really been
    /// filled, and once that again; nothing is lost if the future is dropped.
    pub(super) async fn receive(&mut self, socket: &mut (impl AsyncRead + Unpin)) -> Result<usize, InputError> {
        self.make_room().await?;
        let room = self.bytes.capacity() - self.bytes.len();
        let mut limited = socket.take(room as u64);
        limited.read_buf(&mut self.bytes).await.map_err(|_| InputError::Socket)
    }

    /// Waits for room in memory before it takes it.
    async fn make_room(&mut self) -> Result<(), OutOfMemory> {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        let filled = self.bytes.len();
        if filled <= CONNECTION_BYTES / 2 && self.bytes.capacity() > CONNECTION_BYTES {
            self.bytes.shrink_to(CONNECTION_BYTES);
            self.loan.release();
        }
        if filled < self.bytes.capacity() {
            return Ok(());
        }
        let most = self.wanted.map_or(usize::MAX, |wanted| wanted.max(filled + CONNECTION_BYTES));
        let capacity = (filled * 2).min(most).max(CONNECTION_BYTES);
        // Beside the new room there is the old one, while one is copied to the other.
        if capacity > CONNECTION_BYTES {
            self.loan.grow(capacity + filled).await?;
        }
        self.bytes.reserve_exact(capacity - filled);
        Ok(())
    }
}

/// How long a frame of this size may take.
pub(super) fn time_for(bytes: usize, beside: Duration, bytes_per_second: u64) -> Duration {
    beside + Duration::from_millis((bytes as u64).saturating_mul(1000) / bytes_per_second.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        Memory::new(1 << 20, Duration::from_millis(1))
    }

    fn frame(payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let payloads: Vec<Vec<u8>> = (0..300).map(|length| vec![length as u8; length * 7 % 500]).collect();
        let stream: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload)).collect();
        for piece in [1, 3, 1000, stream.len()] {
            let mut input = Input::new(&memory());
            let mut found = Vec::new();
            for mut part in stream.chunks(piece) {
                while !part.is_empty() {
                    input.receive(&mut part).await.expect("there is memory");
                    while let Next::Frame(place) = input.next() {
                        found.push(input.payload(place).to_vec());
                    }
                }
            }
            assert!(found == payloads, "in pieces of {piece}");
            assert!(!input.has_begun());
        }
    }

    #[tokio::test]
    async fn memory_grows_with_the_bytes_that_came_and_not_with_what_a_length_says() {
        let mut input = Input::new(&memory());
        let mut start: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x81];
        input.receive(&mut start).await.expect("there is memory");
        assert_eq!(input.next(), Next::Incomplete { expected: Some(0xffff_ffff), first: Some(0x81) });
        assert_eq!(input.bytes.capacity(), CONNECTION_BYTES);
        let mut sent = 5;
        loop {
            let mut more: &[u8] = &[7; 4096];
            match input.receive(&mut more).await {
                Ok(count) => sent += count,
                Err(InputError::OutOfMemory) => break,
                Err(error) => panic!("{error:?}"),
            }
            assert!(input.bytes.capacity() <= (2 * sent).max(CONNECTION_BYTES));
        }
        assert!(input.bytes.capacity() <= 1 << 20);
    }

    #[tokio::test]
    async fn memory_of_a_large_frame_is_given_back() {
        let memory = memory();
        let mut input = Input::new(&memory);
        let large = frame(&vec![1; 200_000]);
        let mut part = &large[..];
        while !part.is_empty() {
            input.receive(&mut part).await.expect("there is memory");
        }
        assert!(input.loan.bytes() > 0);
        assert!(matches!(input.next(), Next::Frame(place) if place.len() == 200_000));
        input.receive(&mut &frame(b"x")[..]).await.expect("there is memory");
        assert_eq!(input.loan.bytes(), 0);
        assert_eq!(input.bytes.capacity(), CONNECTION_BYTES);
    }

    #[test]
    fn large_frames_have_more_time() {
        assert_eq!(time_for(0, Duration::from_secs(30), 1000), Duration::from_secs(30));
        assert_eq!(time_for(5000, Duration::from_secs(30), 1000), Duration::from_secs(35));
    }
}
