//! Forwarding: the events of a store go to a remote one, in their order, and nothing is lost on the way.
//!
//! ```text
//! store ─► subscription, from the saved cursor on ─► window ─► learn …, Flush ─► save the cursor ─► next window
//!                    ▲                                              │
//!                    └───────── pause, from the saved cursor ◄── broken, refused
//! ```
//!
//! What was sent and not acknowledged by a Flush is sent again, which changes nothing at the other end: an event
//! has the same id each time.

mod place;
mod status;
mod window;

use std::path::PathBuf;
use std::time::Duration;

use quick_cache::unsync::Cache;
use tokio::time::sleep;

pub use place::cursor_file;
pub(crate) use place::state_directory;
pub use status::{ForwardStats, ForwardWatch};

use super::client::ClientOptions;
use super::client::connection::{Connection, ConnectionError};
use super::endpoint::RemoteEndpoint;
use crate::error::StoreError;
use crate::graph::{CONTENT_BYTES_MAX, ConceptError};
use crate::query::Filter;
use crate::store::{Cursor, Delivery, Store, Subscription};
use place::Place;
use window::Window;

/// The most events that are sent before a Flush.
pub const WINDOW_EVENTS: usize = 2048;
/// A window takes no further event once it holds this many bytes of JSON.
pub const WINDOW_BYTES: usize = 4 << 20;
/// Entities and seconds that are known to be at the other end, so that they are not asked about again.
pub const KNOWN_CONCEPTS_MAX: usize = 65_536;

/// Beside a process that writes, how long events lie before they are sent. By then they are durable: what a power
/// cut takes back must not have been forwarded, as other events get its sequence numbers.
pub const SETTLING_TIME: Duration = Duration::from_millis(500);

/// The settings of a forwarder.
#[derive(Debug, Clone, Default)]
pub struct ForwardOptions {
    /// How the remote store is connected to.
    pub client: ClientOptions,
    /// How often in a row sending may fail before it is given up; without it, it is tried for ever.
    pub attempts_max: Option<u32>,
}

/// Sends the events of a store to a remote one.
///
/// Its place is saved, under a name made of the endpoint, so that another forwarder goes on where this one stopped: in
/// the store, or in a file beside a store that another process writes to. Dropping a future of it at any moment loses
/// nothing.
///
/// It reads and syncs files within its futures, so it is best given a thread with a runtime of its own.
#[derive(Debug)]
pub struct Forwarder {
    store: Store,
    endpoint: RemoteEndpoint,
    options: ForwardOptions,
    place: Place,
    /// Everything up to here was flushed at the other end.
    acknowledged: Cursor,
    connection: Option<Connection>,
    /// Concepts that the other end has for sure.
    known: Cache<String, ()>,
    /// How often in a row sending failed.
    failures: u32,
    watch: ForwardWatch,
}

/// How far to forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// To this event.
    Sequence(u64),
    /// On and on, until the store is closed.
    Closed,
}

impl Forwarder {
    /// A forwarder that goes on where the last one to this endpoint stopped, or begins with the first event.
    ///
    /// # Errors
    /// If the store is not open for writing, or its cursors cannot be read.
    pub fn new(store: Store, endpoint: RemoteEndpoint, options: ForwardOptions) -> Result<Self, StoreError> {
        Self::with_place(store, None, endpoint, options)
    }

    /// The same for a store that is open for reading, which another process may write to. The place is saved in a
    /// file; see [`cursor_file`] for where.
    ///
    /// # Errors
    /// If the file or the cursors of the store cannot be read.
    pub fn beside_writer(
        store: Store,
        cursor_file: PathBuf,
        endpoint: RemoteEndpoint,
        options: ForwardOptions,
    ) -> Result<Self, StoreError> {
        Self::with_place(store, Some(cursor_file), endpoint, options)
    }

    fn with_place(
        store: Store,
        cursor_file: Option<PathBuf>,
        endpoint: RemoteEndpoint,
        options: ForwardOptions,
    ) -> Result<Self, StoreError> {
        let place = Place::new(&endpoint, cursor_file);
        let acknowledged = place.load(&store)?;
        store.allow_removal(acknowledged.sequence);
        let watch = ForwardWatch::new(store.clone(), acknowledged.sequence);
        Ok(Self {
            store,
            endpoint,
            options,
            place,
            acknowledged,
            connection: None,
            known: Cache::new(KNOWN_CONCEPTS_MAX),
            failures: 0,
            watch,
        })
    }

    /// What shows how far it is, from any thread.
    #[must_use]
    pub fn watch(&self) -> ForwardWatch {
        self.watch.clone()
    }

    /// Forwards all events, and those that come, until the store is closed. A store that is open for reading is
    /// looked at again and again, for ever.
    ///
    /// # Errors
    /// If sending failed as often in a row as it may.
    pub async fn follow(&mut self) -> Result<(), ConceptError> {
        if !self.store.is_read_only() {
            return self.forward(Until::Closed).await;
        }
        loop {
            self.forward_all().await?;
        }
    }

    /// Forwards all events that are there now and durable.
    ///
    /// # Errors
    /// If sending failed as often in a row as it may.
    pub async fn forward_all(&mut self) -> Result<(), ConceptError> {
        if !self.store.is_read_only() {
            return self.forward(Until::Sequence(self.store.durable_sequence())).await;
        }
        self.store.refresh()?;
        let end = self.store.durable_sequence();
        self.watch.note_idle(end <= self.acknowledged.sequence);
        sleep(SETTLING_TIME).await;
        self.forward(Until::Sequence(end)).await
    }

    /// As [`forward_all`](Self::forward_all), in one attempt, and none if the last one failed.
    pub(crate) async fn forward_rest(&mut self) {
        if self.failures == 0
            && let Err(error) = self.attempt(Until::Sequence(self.store.durable_sequence())).await
        {
            self.note(&error);
        }
    }

    async fn forward(&mut self, until: Until) -> Result<(), ConceptError> {
        loop {
            let error = match self.attempt(until).await {
                Ok(()) => return Ok(()),
                Err(_) if self.store.is_closed() => return Ok(()),
                Err(error) => error,
            };
            self.note(&error);
            if self.options.attempts_max.is_some_and(|max| self.failures >= max) {
                return Err(error);
            }
            sleep(self.options.client.pause_after(self.failures)).await;
        }
    }

    fn note(&mut self, error: &ConceptError) {
        self.failures = self.failures.saturating_add(1);
        self.disconnect();
        self.watch.note_error(error.to_string());
    }

    fn disconnect(&mut self) {
        self.connection = None;
        self.watch.note_connected(false);
        // A server that was restarted may have lost what was not flushed. It is asked again.
        self.known.clear();
    }

    /// Forwards from the acknowledged place on, until it is done or something fails.
    async fn attempt(&mut self, until: Until) -> Result<(), ConceptError> {
        let mut subscription = self.store.subscribe(Filter::All, Some(self.acknowledged))?;
        loop {
            let Some(window) = self.gather(&mut subscription, until).await? else { return Ok(()) };
            if !window.is_empty() {
                self.send(&window).await?;
            }
            self.acknowledge(&window)?;
        }
    }

    /// The next events, or nothing at the end.
    async fn gather(&mut self, subscription: &mut Subscription, until: Until) -> Result<Option<Window>, ConceptError> {
        let at_end = |subscription: &Subscription| match until {
            Until::Sequence(end) => subscription.cursor().sequence >= end,
            Until::Closed => false,
        };
        let mut window = Window::default();
        if at_end(subscription) {
            return Ok(None);
        }
        let mut delivery = subscription.try_next()?;
        if delivery.is_none() && subscription.cursor() == self.acknowledged {
            if until != Until::Closed {
                return Ok(None);
            }
            self.watch.note_idle(true);
            delivery = subscription.next().await?;
            self.watch.note_idle(false);
            if delivery.is_none() {
                return Ok(None);
            }
        }
        while let Some(delivered) = delivery {
            match delivered {
                Delivery::Event(event) => {
                    if !window.take(event) {
                        self.watch.note_refused(format!("an event of more than {CONTENT_BYTES_MAX} bytes"));
                    }
                }
                Delivery::Missed { count, .. } => self.watch.note_missed(count),
            }
            if window.is_full() || at_end(subscription) {
                break;
            }
            delivery = subscription.try_next()?;
        }
        window.cursor = Some(subscription.cursor());
        Ok(Some(window))
    }

    /// Sends a window and waits until it is durable at the other end.
    async fn send(&mut self, window: &Window) -> Result<(), ConceptError> {
        let connection = self.connected().await?;
        let sent = window::send(&connection, window, &self.known).await;
        let learned = sent.map_err(|failure| failure.at(&self.endpoint))?;
        for name in learned {
            self.known.insert(name, ());
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// The connection, taken out: it is put back after a window that went well.
    async fn connected(&mut self) -> Result<Connection, ConceptError> {
        if let Some(connection) = self.connection.take() {
            if connection.is_usable() {
                return Ok(connection);
            }
            self.disconnect();
        }
        let opened = Connection::open(&self.endpoint, &self.options.client).await;
        let connection = opened.map_err(|error| unreachable(&self.endpoint, &error))?;
        self.watch.note_connected(true);
        Ok(connection)
    }

    /// Saves the place behind a window.
    fn acknowledge(&mut self, window: &Window) -> Result<(), ConceptError> {
        let Some(cursor) = window.cursor else { return Ok(()) };
        self.place.save(&self.store, cursor)?;
        self.acknowledged = cursor;
        self.failures = 0;
        self.store.allow_removal(cursor.sequence);
        self.watch.note_acknowledged(cursor.sequence, window.len());
        Ok(())
    }
}

fn unreachable(endpoint: &RemoteEndpoint, error: &ConnectionError) -> ConceptError {
    ConceptError::Unreachable { endpoint: endpoint.to_string(), reason: error.to_string() }
}
