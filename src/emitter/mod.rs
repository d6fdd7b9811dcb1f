//! The emitter: events from any thread or task into a store, without making their makers wait.
//!
//! ```text
//! emit (any thread) ─► queue ─► writer (one thread) ─► sink (the store)
//!                        │         ├─ retries while the storage fails
//!        ceiling, stats ─┘         └─ answers flush, emit_durable, close once all is durable
//! ```
//!
//! Where the endpoint is a remote store, the store here is a spool, and another thread forwards what is in it.
//!
//! [`EventEmitter`] is the handle. What goes wrong where nobody waits for an answer is an [`EmitterProblem`].

mod ceiling;
pub mod config;
mod endpoint;
mod lag;
mod problem;
mod queue;
mod sink;
#[cfg(feature = "remote")]
mod spool;
mod stats;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

pub use config::{CeilingPolicy, EmitterConfig, MemoryCeiling, ProblemCallback};
pub use endpoint::{ENDPOINT_VARIABLE, Endpoint, EndpointError};
pub use problem::{EmitError, EmitterProblem};
#[cfg(feature = "remote")]
pub use spool::{FORWARD_ON_CLOSE, SPOOL_BYTES_MAX, SPOOL_VARIABLE, SPOOLS_MAX};
pub use stats::{EmitterStats, SpoolStats};

use crate::event::{ConceptId, Event};
#[cfg(feature = "remote")]
use crate::remote::{ClientOptions, ForwardWatch, RemoteEndpoint};
use crate::store::Store;
use queue::{Queue, reply_async, reply_blocking};

/// Records events in a store. Clones share one queue and one writer thread.
///
/// [`emit`](Self::emit) validates nothing and never waits: it moves the event into a queue. The writer commits
/// what is queued in batches. No async runtime is needed; the futures work on any.
///
/// Events are in the store after about a millisecond, and durable as [`StoreConfig`](crate::store::StoreConfig)
/// says; [`flush`](Self::flush) and [`emit_durable`](Self::emit_durable) wait for durable.
///
/// # While the storage fails
/// The events are kept and tried again, with growing pauses; [`stats`](Self::stats) says so, and so does the
/// callback [`EmitterConfig::on_error`]. An event that can never be stored is reported with the reason.
///
/// # Dropping
/// Dropping the last handle writes all that is queued, closes the store, and blocks until that is done, at most
/// [`DROP_WAIT_MAX`](config::DROP_WAIT_MAX): a `main` that returns would lose events otherwise. It takes a few
/// milliseconds in most cases. In async code [`close`](Self::close) first: it waits without blocking, and returns
/// errors, which a drop can only report to the callback.
///
/// # Example
/// ```
/// use chrono::Utc;
/// use sutra_grid_events::{EventEmitter, Filter, GridEvent};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("grid-events").display().to_string();
/// let emitter = EventEmitter::new(path).await?;
/// emitter.emit(GridEvent::NodeCrashed {
///     node_id: "node-abc".into(),
///     agent_id: "agent-001".into(),
///     exit_code: Some(137),
///     timestamp: Utc::now(),
/// });
/// emitter.flush().await?;
/// assert_eq!(emitter.store().count(&Filter::All)?, 1);
/// emitter.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EventEmitter {
    queue: Arc<Queue>,
    store: Store,
    /// How far forwarding is, where the store is a spool.
    #[cfg(feature = "remote")]
    forwarding: Option<ForwardWatch>,
}

impl fmt::Debug for EventEmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventEmitter").field("store", &self.store).field("stats", &self.stats()).finish()
    }
}

impl EventEmitter {
    /// Opens an emitter for an endpoint: the path of a data directory, or `embedded:PATH`. The store is created
    /// if the directory is new or empty.
    ///
    /// With the feature `remote` also `host:port`, `tcp://host:port` and `tls://host:port`: a store elsewhere, which
    /// need not be there yet. Events are durable on this machine first, below `$EVENT_SPOOL` or in the directory
    /// of the user for such things (`~/.local/state/grid-events/spool`), and are forwarded from there.
    ///
    /// # Errors
    /// If the endpoint is of another kind, or the store cannot be opened, for instance because another process
    /// writes to it.
    pub async fn new(endpoint: impl Into<String>) -> Result<Self, EmitError> {
        Self::new_with(endpoint, EmitterConfig::default()).await
    }

    /// As [`new`](Self::new), with settings of your own for a store on this machine. Those of the spool of a remote
    /// store are its own, since it keeps what was not forwarded.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub async fn new_with(endpoint: impl Into<String>, config: EmitterConfig) -> Result<Self, EmitError> {
        let endpoint: Endpoint = endpoint.into().parse()?;
        Self::open_elsewhere(endpoint, config).await
    }

    /// Opens an emitter for the endpoint that the environment variable [`ENDPOINT_VARIABLE`] names.
    ///
    /// # Errors
    /// If the variable is not set or empty; else as [`new`](Self::new).
    pub async fn from_env() -> Result<Self, EmitError> {
        Self::open_elsewhere(Endpoint::from_env()?, EmitterConfig::default()).await
    }

    /// Opens an emitter for a data directory, with settings of your own. It reads files, so it blocks for some
    /// milliseconds.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn open(path: impl AsRef<Path>, config: EmitterConfig) -> Result<Self, EmitError> {
        let store = Store::open_with(path, config.store.clone())?;
        let queue = Queue::start(Arc::new(store.clone()), &config)?;
        Ok(Self {
            queue: Arc::new(queue),
            store,
            #[cfg(feature = "remote")]
            forwarding: None,
        })
    }

    /// Opens an emitter for a remote store, with a spool and settings of your own. The spool is a data directory
    /// like any other ([`store`](Self::store) reads it); retention removes of it only what was forwarded.
    ///
    /// # Errors
    /// If the spool cannot be opened. A remote store that cannot be reached is no error: events wait in the spool.
    #[cfg(feature = "remote")]
    pub fn open_remote(
        endpoint: RemoteEndpoint,
        spool: impl AsRef<Path>,
        config: EmitterConfig,
        client: ClientOptions,
    ) -> Result<Self, EmitError> {
        let store = Store::open_spool(spool, config.store.clone())?;
        Self::forwarding(store, None, endpoint, &config, client)
    }

    /// Opens an emitter for a remote store, with a spool where the environment says.
    #[cfg(feature = "remote")]
    fn open_spooling(endpoint: RemoteEndpoint) -> Result<Self, EmitError> {
        let directory = spool::directory(&endpoint)?;
        let store = spool::open_free(&directory)?;
        let config = EmitterConfig { store: spool::config(), ..EmitterConfig::default() };
        Self::forwarding(store, Some(directory), endpoint, &config, ClientOptions::from_env())
    }

    #[cfg(feature = "remote")]
    fn forwarding(
        store: Store,
        siblings: Option<std::path::PathBuf>,
        endpoint: RemoteEndpoint,
        config: &EmitterConfig,
        client: ClientOptions,
    ) -> Result<Self, EmitError> {
        let spool = spool::Spool::start(store.clone(), siblings, endpoint, client)?;
        let forwarding = Some(spool.watch());
        let queue = Queue::start(Arc::new(spool), config)?;
        Ok(Self { queue: Arc::new(queue), store, forwarding })
    }

    /// Opens on a thread of its own, so that no executor is blocked.
    async fn open_elsewhere(endpoint: Endpoint, config: EmitterConfig) -> Result<Self, EmitError> {
        let open = move || match endpoint {
            Endpoint::Embedded(path) => Self::open(path, config),
            #[cfg(feature = "remote")]
            Endpoint::Remote(endpoint) => Self::open_spooling(endpoint),
        };
        let (reply, opened) = reply_async();
        thread::Builder::new()
            .name("grid-events-open".into())
            .spawn(move || reply(open()))
            .map_err(|error| EmitError::Thread(Arc::new(error)))?;
        opened.await
    }

    /// Records an event. It returns at once, whatever the storage does (unless a memory ceiling was set whose
    /// policy is to block): a few dozen nanoseconds, one allocation in many calls, no system call in most.
    ///
    /// The events of one thread keep their order.
    #[inline]
    pub fn emit(&self, event: impl Into<Event>) {
        self.queue.emit(event.into());
    }

    /// Records events, in their order. Other threads' events may come in between.
    pub fn emit_batch<E: Into<Event>>(&self, events: Vec<E>) {
        for event in events {
            self.emit(event);
        }
    }

    /// Records an event and waits until it is durable, that is, survives a power cut. Many calls at the same
    /// time share one fsync.
    ///
    /// While the storage fails this waits for it to recover.
    ///
    /// # Errors
    /// If the event cannot be stored, the memory ceiling rejects it, the emitter is closed, or the operating
    /// system cannot make it durable.
    pub async fn emit_durable(&self, event: impl Into<Event>) -> Result<ConceptId, EmitError> {
        let (reply, answer) = reply_async();
        self.queue.emit_durable(event.into(), reply);
        answer.await
    }

    /// [`emit_durable`](Self::emit_durable) for a plain thread; in async code it blocks the executor's thread.
    ///
    /// # Errors
    /// As [`emit_durable`](Self::emit_durable).
    pub fn emit_durable_blocking(&self, event: impl Into<Event>) -> Result<ConceptId, EmitError> {
        let (reply, wait) = reply_blocking();
        self.queue.emit_durable(event.into(), reply);
        wait()
    }

    /// Records an event, and gives the answer of [`emit_durable`](Self::emit_durable) to look for later.
    #[cfg(feature = "grid")]
    pub(crate) fn emit_tracked(&self, event: Event) -> crossbeam_channel::Receiver<Result<ConceptId, EmitError>> {
        let (sender, answer) = crossbeam_channel::bounded(1);
        self.queue.emit_durable(event, Box::new(move |outcome| drop(sender.send(outcome))));
        answer
    }

    /// Waits until everything emitted before is durable: by this thread, and by any other whose `emit` returned
    /// before this call. While the storage fails this waits for it to recover.
    ///
    /// # Errors
    /// If the emitter is closed, or the operating system cannot make the events durable.
    pub async fn flush(&self) -> Result<(), EmitError> {
        let (reply, answer) = reply_async();
        self.queue.flush(reply);
        answer.await
    }

    /// [`flush`](Self::flush) for a plain thread. Not for the callback [`EmitterConfig::on_error`], which the
    /// writer itself calls: it would wait for itself.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn flush_blocking(&self) -> Result<(), EmitError> {
        let (reply, wait) = reply_blocking();
        self.queue.flush(reply);
        wait()
    }

    /// Writes all that was emitted before, makes it durable, and closes the store, for all handles. What is
    /// emitted later is counted and reported, not stored. Closing again gives the same outcome.
    ///
    /// A storage that fails is tried [`CLOSE_RETRIES`](config::CLOSE_RETRIES) more times.
    ///
    /// # Errors
    /// [`EmitError::Unwritten`] with the number of events that could not be written (the callback gets the events
    /// themselves), or what failed in closing the store.
    pub async fn close(&self) -> Result<(), EmitError> {
        let (reply, answer) = reply_async();
        self.queue.close(reply);
        answer.await
    }

    /// [`close`](Self::close) for a plain thread.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn close_blocking(&self) -> Result<(), EmitError> {
        let (reply, wait) = reply_blocking();
        self.queue.close(reply);
        wait()
    }

    /// What the emitter did and how far behind it is.
    #[must_use]
    pub fn stats(&self) -> EmitterStats {
        EmitterStats {
            #[cfg(feature = "remote")]
            spool: self.forwarding.as_ref().map(SpoolStats::from),
            ..self.queue.stats()
        }
    }

    /// The store, to be queried while events are being recorded. Of a remote endpoint: the spool.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Opens an emitter for an endpoint; the same as [`EventEmitter::new`].
///
/// # Errors
/// As [`EventEmitter::new`].
pub async fn init_events(endpoint: impl Into<String>) -> Result<EventEmitter, EmitError> {
    EventEmitter::new(endpoint).await
}

#[cfg(test)]
mod tests;
