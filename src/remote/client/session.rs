//! The connection that a client has now, and how it gets another when that broke.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::{Connection, ConnectionError};
use super::options::ClientOptions;
use crate::remote::endpoint::RemoteEndpoint;

/// A connection with what was learned over it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    /// Writes that were acknowledged.
    acknowledged: AtomicU64,
    /// How many of them, from the first on, a Flush covers that was answered.
    flushed: AtomicU64,
}

impl Session {
    fn new(connection: Connection) -> Self {
        Self { connection, acknowledged: AtomicU64::new(0), flushed: AtomicU64::new(0) }
    }

    pub(super) fn note_acknowledged(&self) {
        self.acknowledged.fetch_add(1, Ordering::AcqRel);
    }

    /// What a Flush covers that is sent after this.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// A Flush was answered that covers so many writes. Clones flush at once and one may overtake another, so the
    /// most counts.
    pub(super) fn note_flushed(&self, covered: u64) {
        self.flushed.fetch_max(covered, Ordering::AcqRel);
    }

    fn unflushed(&self) -> u64 {
        self.acknowledged().saturating_sub(self.flushed.load(Ordering::Acquire))
    }
}

/// Opens a connection when it is first needed, and again after it broke.
#[derive(Debug)]
pub(super) struct Sessions {
    endpoint: RemoteEndpoint,
    options: ClientOptions,
    state: Mutex<State>,
    /// Writes that were acknowledged over connections that broke before a flush.
    unsure: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    session: Option<Arc<Session>>,
    /// How often in a row connecting failed.
    failures: u32,
    retry_at: Option<Instant>,
    last_error: Option<ConnectionError>,
}

impl Sessions {
    pub(super) fn new(endpoint: RemoteEndpoint, options: ClientOptions) -> Self {
        Self { endpoint, options, state: Mutex::default(), unsure: AtomicU64::new(0) }
    }

    /// The connection; another where the last one broke. Where the server is away it is tried again, with growing
    /// pauses, for as long as connecting may take.
    pub(super) async fn get(&self) -> Result<Arc<Session>, ConnectionError> {
        self.get_within(self.options.connect_timeout).await
    }

    /// As [`get`](Self::get), with one attempt only.
    pub(super) async fn get_at_once(&self) -> Result<Arc<Session>, ConnectionError> {
        let mut state = self.state.lock().await;
        if let Some(session) = self.usable(&mut state) {
            return Ok(session);
        }
        self.connect(&mut state).await
    }

    async fn get_within(&self, patience: Duration) -> Result<Arc<Session>, ConnectionError> {
        let deadline = Instant::now() + patience;
        // Whoever finds another connecting waits for the same outcome.
        let Ok(mut state) = timeout(patience, self.state.lock()).await else {
            return Err(ConnectionError::ConnectTimeout(patience));
        };
        loop {
            if let Some(session) = self.usable(&mut state) {
                return Ok(session);
            }
            if let Some(at) = state.retry_at {
                if at > deadline {
                    let error = state.last_error.clone();
                    return Err(error.unwrap_or(ConnectionError::ConnectTimeout(patience)));
                }
                sleep_until(at).await;
            }
            match self.connect(&mut state).await {
                Ok(session) => return Ok(session),
                // A token or a certificate that is refused now is refused in a second too.
                Err(error @ (ConnectionError::Token | ConnectionError::TokenTooLong(_) | ConnectionError::Tls(_))) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
    }

    /// The session, if its connection still works.
    fn usable(&self, state: &mut State) -> Option<Arc<Session>> {
        let session = state.session.take()?;
        if session.connection.is_usable() {
            state.session = Some(Arc::clone(&session));
            return Some(session);
        }
        self.unsure.fetch_add(session.unflushed(), Ordering::AcqRel);
        None
    }

    async fn connect(&self, state: &mut State) -> Result<Arc<Session>, ConnectionError> {
        match Connection::open(&self.endpoint, &self.options).await {
            Ok(connection) => {
                let session = Arc::new(Session::new(connection));
                *state = State { session: Some(Arc::clone(&session)), ..State::default() };
                Ok(session)
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                state.retry_at = Some(Instant::now() + self.options.pause_after(state.failures));
                state.last_error = Some(error.clone());
                Err(error)
            }
        }
    }

    /// A connection for one purpose, which may break without harm to the others.
    pub(super) async fn apart(&self) -> Result<Connection, ConnectionError> {
        Connection::open(&self.endpoint, &self.options).await
    }

    /// Writes of which nobody knows whether the server kept them: acknowledged, not flushed, and the connection broke.
    /// They are told once.
    pub(super) fn take_unsure(&self) -> u64 {
        self.unsure.swap(0, Ordering::AcqRel)
    }
}
