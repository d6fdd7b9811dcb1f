//! One connection to a remote store: requests go out without waiting, answers are matched in their order.
//!
//! ```text
//! submit ─► outgoing ─► send (gathers, writes) ─► socket
//!    ▲                    └► in flight ─┐
//!    └───── answer ◄── receive (reads) ◄┴─ socket
//! ```
//!
//! A connection that broke stays broken. Whoever still waits for an answer is told why.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::options::{ClientOptions, REQUESTS_IN_FLIGHT_MAX, TOKEN_BYTES_MAX};
use super::tls;
use crate::remote::codec::{Dialect, decode_response, encode_request};
use crate::remote::endpoint::RemoteEndpoint;
use crate::remote::frame::read_frame;
use crate::remote::message::{Request, Response};

/// Requests that wait to be written. Few, since each holds its bytes.
const OUTGOING_MAX: usize = 64;
/// What is gathered for one write to the socket.
const WRITE_BYTES: usize = 64 << 10;
/// After a write failed, how long the other direction may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What a server answers to a token that it accepts.
const TOKEN_ACCEPTED: u8 = 1;

/// Why a connection cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("cannot connect: no success in {0:?}")]
    ConnectTimeout(Duration),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("the token was not accepted")]
    Token,
    #[error("the token has {0} bytes, the most are {TOKEN_BYTES_MAX}")]
    TokenTooLong(usize),
    #[error("it closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("no answer in {0:?}")]
    Silent(Duration),
    #[error("it sent what is no answer: {0}")]
    Malformed(String),
    /// Of the request alone; the connection is as good as before.
    #[error("the request cannot be sent: {0}")]
    Unsendable(String),
}

/// A connection with its two directions at work on the runtime that opened it.
#[derive(Debug)]
pub(crate) struct Connection {
    outgoing: mpsc::Sender<Outgoing>,
    broken: Arc<OnceLock<ConnectionError>>,
}

#[derive(Debug)]
struct Outgoing {
    payload: Vec<u8>,
    answer: oneshot::Sender<Response>,
}

/// The answer to come to a request that was taken.
#[derive(Debug)]
pub(crate) struct Pending {
    answer: oneshot::Receiver<Response>,
    broken: Arc<OnceLock<ConnectionError>>,
}

impl Pending {
    /// Waits for the answer.
    pub(crate) async fn answer(self) -> Result<Response, ConnectionError> {
        self.answer.await.map_err(|_| reason(&self.broken))
    }
}

impl Connection {
    /// Connects, with TLS and a token as the options say.
    pub(crate) async fn open(endpoint: &RemoteEndpoint, options: &ClientOptions) -> Result<Self, ConnectionError> {
        let within = options.connect_timeout;
        timeout(within, establish(endpoint, options)).await.unwrap_or(Err(ConnectionError::ConnectTimeout(within)))
    }

    /// Starts the two directions.
    fn start(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
        answer_timeout: Duration,
    ) -> Self {
        let (outgoing, mut requests) = mpsc::channel(OUTGOING_MAX);
        let broken = Arc::new(OnceLock::new());
        let noted = Arc::clone(&broken);
        tokio::spawn(async move {
            let (in_flight, waiting) = mpsc::channel(REQUESTS_IN_FLIGHT_MAX);
            let mut answers = Answers { reader: BufReader::new(reader), waiting, answer_timeout, broken: noted };
            // NOTE: the queues outlive the two directions, so that whoever is dropped with them finds the reason noted.
            let reason = converse(send(writer, &mut requests, in_flight), answers.receive()).await;
            let _ = answers.broken.set(reason);
        });
        Self { outgoing, broken }
    }

    /// Whether the connection can still be used, as far as is known.
    pub(crate) fn is_usable(&self) -> bool {
        self.broken.get().is_none() && !self.outgoing.is_closed()
    }

    /// Puts a request behind those before it. It waits only where too much is under way.
    pub(crate) async fn submit(&self, request: &Request) -> Result<Pending, ConnectionError> {
        let payload = encode_request(Dialect::B, request).map_err(|e| ConnectionError::Unsendable(e.to_string()))?;
        let bytes_max = Dialect::B.frame_bytes_max();
        if payload.len() > bytes_max {
            let reason = format!("it has {} bytes, the most are {bytes_max}", payload.len());
            return Err(ConnectionError::Unsendable(reason));
        }
        let (answer, pending) = oneshot::channel();
        self.outgoing.send(Outgoing { payload, answer }).await.map_err(|_| reason(&self.broken))?;
        Ok(Pending { answer: pending, broken: Arc::clone(&self.broken) })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Response, ConnectionError> {
        self.submit(request).await?.answer().await
    }
}

fn reason(broken: &OnceLock<ConnectionError>) -> ConnectionError {
    // Without a reason, the runtime that the connection was opened on is gone.
    broken.get().cloned().unwrap_or(ConnectionError::Closed)
}

async fn establish(endpoint: &RemoteEndpoint, options: &ClientOptions) -> Result<Connection, ConnectionError> {
    let connect = |error: std::io::Error| ConnectionError::Connect(error.to_string());
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(connect)?;
    stream.set_nodelay(true).map_err(connect)?;
    if endpoint.tls {
        let mut stream = tls::wrap(stream, &endpoint.host, &options.tls).await.map_err(ConnectionError::Tls)?;
        show_token(&mut stream, options.token.as_deref()).await?;
        let (reader, writer) = tokio::io::split(stream);
        Ok(Connection::start(reader, writer, options.answer_timeout))
    } else {
        let mut stream = stream;
        show_token(&mut stream, options.token.as_deref()).await?;
        let (reader, writer) = stream.into_split();
        Ok(Connection::start(reader, writer, options.answer_timeout))
    }
}

/// Shows the token, if there is one, and waits until it is accepted.
async fn show_token(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    token: Option<&str>,
) -> Result<(), ConnectionError> {
    let Some(token) = token else { return Ok(()) };
    let too_long = || ConnectionError::TokenTooLong(token.len());
    let length = u32::try_from(token.len()).ok().filter(|_| token.len() <= TOKEN_BYTES_MAX).ok_or_else(too_long)?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(token.as_bytes());
    let shown = async {
        stream.write_all(&message).await?;
        stream.flush().await?;
        stream.read_u8().await
    };
    // A server that does not accept it closes the connection, which is an error here.
    match shown.await {
        Ok(TOKEN_ACCEPTED) => Ok(()),
        _ => Err(ConnectionError::Token),
    }
}

/// Lets the two directions work until one of them ends, and says why.
async fn converse(
    send: impl Future<Output = Option<ConnectionError>>,
    receive: impl Future<Output = ()>,
) -> ConnectionError {
    let (send, mut receive) = (pin!(send), pin!(receive));
    let end = tokio::select! {
        biased;
        () = &mut receive => None,
        sent = send => {
            match sent {
                // The handle was dropped: what is under way is answered still.
                None => receive.await,
                // A server that closes the connection mostly said why before, or at least closed it in order.
                Some(_) => timeout(LAST_WORDS, receive).await.unwrap_or(()),
            }
            sent
        }
    };
    // Where the answers ended first, they have noted their reason already.
    end.unwrap_or(ConnectionError::Closed)
}

/// Writes requests as they come, several at once where several wait. Ends without an error when no more can come.
async fn send(
    mut writer: impl AsyncWrite + Unpin,
    requests: &mut mpsc::Receiver<Outgoing>,
    in_flight: mpsc::Sender<oneshot::Sender<Response>>,
) -> Option<ConnectionError> {
    let mut gathered: Vec<u8> = Vec::new();
    let broken = |error: std::io::Error| Some(ConnectionError::Broken(error.to_string()));
    loop {
        // The place among those in flight comes first: a request that was taken is then never held.
        let place = match in_flight.try_reserve() {
            Ok(place) => place,
            Err(_) => {
                if let Err(error) = write_out(&mut writer, &mut gathered).await {
                    return broken(error);
                }
                let Ok(place) = in_flight.reserve().await else { return None };
                place
            }
        };
        let request = match requests.try_recv() {
            Ok(request) => request,
            Err(TryRecvError::Disconnected) => {
                return write_out(&mut writer, &mut gathered).await.err().and_then(broken);
            }
            Err(TryRecvError::Empty) => {
                if let Err(error) = write_out(&mut writer, &mut gathered).await {
                    return broken(error);
                }
                requests.recv().await?
            }
        };
        // The length was held against the limit of a frame, which fits.
        gathered.extend_from_slice(&u32::try_from(request.payload.len()).unwrap_or(u32::MAX).to_be_bytes());
        gathered.extend_from_slice(&request.payload);
        place.send(request.answer);
        if gathered.len() >= WRITE_BYTES
            && let Err(error) = write_out(&mut writer, &mut gathered).await
        {
            return broken(error);
        }
    }
}

async fn write_out(writer: &mut (impl AsyncWrite + Unpin), gathered: &mut Vec<u8>) -> std::io::Result<()> {
    if !gathered.is_empty() {
        writer.write_all(gathered).await?;
        writer.flush().await?;
        gathered.clear();
        // One large request must not keep its memory for ever.
        gathered.shrink_to(2 * WRITE_BYTES);
    }
    Ok(())
}

/// The direction of the answers.
struct Answers<R> {
    reader: BufReader<R>,
    waiting: mpsc::Receiver<oneshot::Sender<Response>>,
    answer_timeout: Duration,
    /// Why the connection broke. Noted before whoever waits is let go.
    broken: Arc<OnceLock<ConnectionError>>,
}

impl<R: AsyncRead + Unpin> Answers<R> {
    /// Gives each answer to the oldest request, until the connection breaks or no more requests can come.
    async fn receive(&mut self) {
        let mut payload = Vec::new();
        loop {
            let answer = tokio::select! {
                biased;
                waiting = self.waiting.recv() => match waiting {
                    Some(waiting) => waiting,
                    None => return,
                },
                // While nobody waits, the only thing to be seen is the end.
                unasked = self.reader.fill_buf() => {
                    let error = match unasked {
                        Ok([]) => ConnectionError::Closed,
                        Ok(_) => ConnectionError::Malformed("an answer to nothing".to_owned()),
                        Err(error) => ConnectionError::Broken(error.to_string()),
                    };
                    let _ = self.broken.set(error);
                    return;
                }
            };
            match self.read(&mut payload).await {
                // Whoever asked may have gone; the answer is then of no interest.
                Ok(response) => drop(answer.send(response)),
                Err(error) => {
                    let _ = self.broken.set(error);
                    return;
                }
            }
        }
    }

    async fn read(&mut self, payload: &mut Vec<u8>) -> Result<Response, ConnectionError> {
        let frame = read_frame(&mut self.reader, Dialect::B.frame_bytes_max(), payload);
        match timeout(self.answer_timeout, frame).await {
            Err(_) => return Err(ConnectionError::Silent(self.answer_timeout)),
            Ok(Err(error)) => return Err(ConnectionError::Broken(error.to_string())),
            Ok(Ok(false)) => return Err(ConnectionError::Closed),
            Ok(Ok(true)) => {}
        }
        decode_response(Dialect::B, payload).map_err(|error| ConnectionError::Malformed(error.to_string()))
    }
}
