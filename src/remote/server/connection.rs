//! One connection: requests in, responses out, in the same order.
//!
//! What was received is answered as a whole before more is received, so that a client that sends many requests at once
//! gets many answers at once, and one that sends one gets one.

use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout, timeout_at};

use super::auth::Access;
use super::config::{BYTES_PER_SECOND_MIN, CONNECTION_BYTES, ServerConfig};
use super::desk::{Desk, Panicked};
use super::group::{Group, teaches};
use super::input::{Input, InputError, Next, time_for};
use super::memory::{Loan, Memory};
use crate::graph::ConceptStore;
use crate::remote::message::{Request, Response};
use crate::remote::{CodecError, Dialect, decode_request, encode_response};

/// Answers are sent when they are this long, or when there are no more requests.
const OUTPUT_BYTES: usize = 64 << 10;
/// A request of more bytes is decoded where it holds up nobody.
const DECODED_AT_ONCE_BYTES: usize = 256 << 10;
/// What an answer may be short of a frame, for what is around its ids.
const FRAME_SPARE_BYTES: usize = 4096;
/// How long a request may still be under way when the server ends.
const LAST_REQUESTS: Duration = Duration::from_millis(20);
/// How long and how much is read from a client that is being turned away, so that it reads why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed it, or it broke.
    Closed,
    /// The server ends.
    Drained,
    /// Nothing came for a long time.
    Idle,
    /// A frame or the reading of an answer took too long.
    Slow,
    /// What came is no request; the client was told so.
    Malformed(String),
    /// There was no memory for what came; the client was told so.
    OutOfMemory,
    /// The store failed in a way that it must not; the client was told so.
    Panicked,
}

impl From<Panicked> for End {
    fn from(_: Panicked) -> Self {
        Self::Panicked
    }
}

impl End {
    /// What is to be said of it, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        match self {
            Self::Closed | Self::Drained | Self::Idle => None,
            Self::Slow => Some("too slow".to_owned()),
            Self::Malformed(reason) => Some(reason.clone()),
            Self::OutOfMemory => Some("no memory for its request".to_owned()),
            Self::Panicked => Some("the store panicked".to_owned()),
        }
    }

    /// What the client is told before the close.
    fn farewell(&self) -> Option<String> {
        match self {
            Self::Malformed(reason) => Some(format!("Invalid request: {reason}")),
            Self::OutOfMemory => Some("The server is busy: no memory for this request".to_owned()),
            Self::Panicked => Some("The request could not be answered: a defect of the server".to_owned()),
            Self::Closed | Self::Drained | Self::Idle | Self::Slow => None,
        }
    }
}

/// The request of a payload, or why it is not answered though it is one. A large one takes its time, in which other
/// connections go on.
fn decode(dialect: Dialect, payload: &[u8]) -> Result<Result<Request, String>, End> {
    let can_step_aside = || Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    let request = if payload.len() > DECODED_AT_ONCE_BYTES && can_step_aside() {
        block_in_place(|| decode_request(dialect, payload))
    } else {
        decode_request(dialect, payload)
    };
    match request {
        Ok(request) => Ok(Ok(request)),
        Err(CodecError::BeyondLimit(message)) => Ok(Err(message)),
        Err(error) => Err(End::Malformed(error.to_string())),
    }
}

/// One connection, after its token.
pub(super) struct Connection<'a, S, T> {
    desk: &'a Desk<S>,
    socket: T,
    config: &'a ServerConfig,
    access: Access,
    ending: watch::Receiver<bool>,
    /// Takes a remark on what was learned, of which there is at most one.
    log: &'a (dyn Fn(&str) + Send + Sync),
    has_remarked: bool,
    dialect: Option<Dialect>,
    input: Input,
    /// When the frame that is being received began.
    frame_began: Option<Instant>,
    group: Group,
    output: Vec<u8>,
    /// For requests that are large, until they are answered.
    request_loan: Loan,
    /// For answers that are large, until they are sent.
    answer_loan: Loan,
}

impl<'a, S: ConceptStore + 'static, T: AsyncRead + AsyncWrite + Unpin> Connection<'a, S, T> {
    pub(super) fn new(
        desk: &'a Desk<S>,
        socket: T,
        config: &'a ServerConfig,
        memory: &Memory,
        access: Access,
        ending: watch::Receiver<bool>,
        log: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Self {
        Self {
            desk,
            socket,
            config,
            access,
            ending,
            log,
            has_remarked: false,
            dialect: None,
            input: Input::new(memory),
            frame_began: None,
            group: Group::default(),
            output: Vec::new(),
            request_loan: memory.loan(),
            answer_loan: memory.loan(),
        }
    }

    /// Answers until the connection is to end. It is open still, until it is [closed](Self::close).
    pub(super) async fn run(&mut self) -> End {
        loop {
            if let Err(end) = self.receive().await {
                return end;
            }
            if let Err(end) = self.answer_received().await {
                return end;
            }
        }
    }

    /// Waits for more.
    async fn receive(&mut self) -> Result<(), End> {
        if *self.ending.borrow_and_update() {
            return Err(End::Drained);
        }
        let deadline = match self.frame_began {
            None => Instant::now() + self.config.idle_timeout,
            Some(began) => began + time_for(self.input.waiting(), self.config.frame_timeout, BYTES_PER_SECOND_MIN),
        };
        let received = tokio::select! {
            received = timeout_at(deadline, self.input.receive(&mut self.socket)) => received,
            _ = self.ending.changed() => {
                // What is on its way is answered; what comes later was never acknowledged.
                let last = timeout(LAST_REQUESTS, self.input.receive(&mut self.socket)).await;
                return if matches!(last, Ok(Ok(count)) if count > 0) { Ok(()) } else { Err(End::Drained) };
            }
        };
        match received {
            Ok(Ok(0) | Err(InputError::Socket)) => Err(End::Closed),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(InputError::OutOfMemory)) => Err(End::OutOfMemory),
            Err(_) if self.frame_began.is_none() => Err(End::Idle),
            Err(_) => Err(End::Slow),
        }
    }

    /// Answers all whole frames that were received.
    async fn answer_received(&mut self) -> Result<(), End> {
        let mut outcome = Ok(());
        while outcome.is_ok() {
            match self.input.next() {
                Next::Frame(place) => {
                    self.frame_began = None;
                    outcome = self.answer_frame(place).await;
                }
                Next::Incomplete { expected, first } => {
                    outcome = self.check_length(expected, first);
                    break;
                }
            }
        }
        if !self.input.has_begun() {
            self.frame_began = None;
        } else if self.frame_began.is_none() {
            self.frame_began = Some(Instant::now());
        }
        // Requests before a malformed one count as much as any.
        self.answer_group().await?;
        self.send().await?;
        self.request_loan.release();
        outcome
    }

    async fn answer_frame(&mut self, place: Range<usize>) -> Result<(), End> {
        let length = place.len();
        let first = self.input.payload(place.clone()).first().copied();
        self.check_length(Some(length), first)?;
        let Some(dialect) = self.dialect.or_else(|| first.and_then(Dialect::of_first_byte)) else {
            return Err(End::Malformed(match first {
                Some(byte) => format!("no request of either dialect begins with the byte {byte:#04x}"),
                None => "an empty frame".to_owned(),
            }));
        };
        self.dialect = Some(dialect);
        if length > CONNECTION_BYTES {
            // The request is in memory beside its bytes, as is what the store makes of it.
            let wanted = self.request_loan.bytes() + 2 * length;
            self.request_loan.grow(wanted).await.map_err(|_| End::OutOfMemory)?;
        }
        let request = match decode(dialect, self.input.payload(place))? {
            Ok(request) => request,
            Err(beyond_limit) => {
                // In its place among those that wait to be learned.
                self.group.refuse(beyond_limit);
                return self.answer_full_group().await;
            }
        };
        let refused = self.access.check(&request).err();
        if teaches(&request) {
            match refused {
                Some(message) => self.group.refuse(message),
                None => self.group.push(request, length),
            }
            return self.answer_full_group().await;
        }
        self.answer_group().await?;
        let response = match refused {
            Some(message) => Response::Error { message },
            None => {
                let answer_bytes = dialect.frame_bytes_max().saturating_sub(FRAME_SPARE_BYTES);
                self.desk.answer(request, answer_bytes).await?
            }
        };
        let put = self.put(dialect, &response).await;
        // What waited to be learned was answered before, so that no request is kept any more.
        self.request_loan.release();
        put
    }

    /// As [`answer_group`](Self::answer_group), if more should not wait beside it.
    async fn answer_full_group(&mut self) -> Result<(), End> {
        if self.group.is_full() {
            self.answer_group().await?;
            self.request_loan.release();
        }
        Ok(())
    }

    /// Learns what waits for it, and answers.
    async fn answer_group(&mut self) -> Result<(), End> {
        let Some(dialect) = self.dialect else { return Ok(()) };
        if self.group.len() == 0 {
            return Ok(());
        }
        let (responses, remark) = self.desk.learn(std::mem::take(&mut self.group)).await?;
        // The first tells what is wrong with its client, which goes on in the same way.
        if let Some(remark) = remark.filter(|_| !self.has_remarked) {
            self.has_remarked = true;
            (self.log)(&remark);
        }
        for response in responses {
            self.put(dialect, &response).await?;
        }
        Ok(())
    }

    /// A frame that is too long is refused before it is received.
    fn check_length(&self, expected: Option<usize>, first: Option<u8>) -> Result<(), End> {
        let dialect = self.dialect.or_else(|| first.and_then(Dialect::of_first_byte));
        let bytes_max = dialect.unwrap_or(Dialect::B).frame_bytes_max();
        match expected {
            Some(bytes) if bytes > bytes_max => {
                Err(End::Malformed(format!("Frame too large: {bytes} bytes (max: {bytes_max})")))
            }
            _ => Ok(()),
        }
    }

    /// Adds a response to what will be sent.
    async fn put(&mut self, dialect: Dialect, response: &Response) -> Result<(), End> {
        let refused = |message: String| encode_response(dialect, &Response::Error { message }).unwrap_or_default();
        let mut payload = encode_response(dialect, response).unwrap_or_else(|error| refused(error.to_string()));
        if payload.len() > OUTPUT_BYTES {
            // Large answers wait in memory for their readers, so that there can only be so many. Nobody waits for
            // memory here: the answer is in it already.
            let wanted = self.answer_loan.bytes() + 2 * payload.len();
            if self.answer_loan.grow_at_once(wanted).await.is_err() {
                payload = refused("The server is busy: no memory for the answer".to_owned());
            }
        }
        // Encoding refuses what is longer than a frame, and the longest frame fits in 32 bits.
        self.output.extend_from_slice(&u32::try_from(payload.len()).unwrap_or_default().to_be_bytes());
        self.output.extend_from_slice(&payload);
        if self.output.len() >= OUTPUT_BYTES { self.send().await } else { Ok(()) }
    }

    /// Sends what there is.
    async fn send(&mut self) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        let time = time_for(self.output.len(), self.config.frame_timeout, BYTES_PER_SECOND_MIN);
        let socket = &mut self.socket;
        let output = &self.output;
        let sent = timeout(time, async {
            socket.write_all(output).await?;
            socket.flush().await
        });
        let sent = sent.await;
        self.output.clear();
        self.output.shrink_to(OUTPUT_BYTES * 2);
        self.answer_loan.release();
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Closed),
            Err(_) => Err(End::Slow),
        }
    }

    /// Says why, and closes in a way that lets the client read it.
    pub(super) async fn close(mut self, end: &End) {
        if let Some(message) = end.farewell() {
            let first = self.input.first_byte();
            // Whoever speaks neither dialect is told in the one that is nearest to its bytes.
            let guess = if first.is_some_and(|byte| byte >= 0x80) { Dialect::B } else { Dialect::A };
            let dialect = self.dialect.or_else(|| first.and_then(Dialect::of_first_byte)).unwrap_or(guess);
            if self.put(dialect, &Response::Error { message }).await.is_err() || self.send().await.is_err() {
                return;
            }
        }
        if matches!(end, End::Closed | End::Slow) {
            return;
        }
        // A close while bytes of the client are unread would be a reset, which may destroy answers under way.
        let socket = &mut self.socket;
        let linger = async {
            socket.shutdown().await.ok()?;
            let mut unread = [0; 4096];
            let mut rest = LINGER_BYTES;
            while rest > 0 {
                match socket.read(&mut unread).await.ok()? {
                    0 => return None,
                    count => rest = rest.saturating_sub(count),
                }
            }
            None::<()>
        };
        // Whatever happens now, the connection is over.
        let _ = timeout(LINGER, linger).await;
    }
}
