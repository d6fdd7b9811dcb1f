//! What can go wrong with emitting: errors that are returned, problems that are reported.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::endpoint::EndpointError;
use crate::error::StoreError;
use crate::event::{Event, EventError};

/// Why an operation of an emitter failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The endpoint is not one that this build can write to.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The store failed.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The event is not one that can be stored.
    #[error("the event was not accepted: {0}")]
    Rejected(#[from] EventError),
    /// The event would go above the memory ceiling.
    #[error("the event was not taken: the events that wait have reached the memory ceiling of {bytes} bytes")]
    Ceiling {
        /// The ceiling.
        bytes: u64,
    },
    /// The emitter was closed before.
    #[error("the emitter is closed")]
    Closed,
    /// The emitter was closed while the storage failed.
    #[error("{events} events were not written, because the storage kept failing: {error}")]
    Unwritten {
        /// How many.
        events: u64,
        /// How the last try failed.
        error: Arc<StoreError>,
    },
    /// The operating system gave no thread.
    #[error("cannot start the thread that writes events: {0}")]
    Thread(Arc<io::Error>),
    /// The thread that writes events ended before its time, which is a defect of this crate.
    #[error("the thread that writes events is gone")]
    WriterGone,
}

impl From<StoreError> for EmitError {
    fn from(error: StoreError) -> Self {
        EmitError::Store(Arc::new(error))
    }
}

/// Something that went wrong where no caller waits for an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EmitterProblem {
    /// An event cannot be stored; here it is back.
    #[error("an event was not accepted: {error}")]
    Rejected {
        /// The event.
        event: Box<Event>,
        /// What is wrong with it.
        error: EventError,
    },
    /// The storage failed. The events are kept and tried again.
    #[error("the storage failed ({attempts} times in a row), trying again in {retry_in:?}: {error}")]
    StorageFailed {
        /// How often in a row.
        attempts: u32,
        /// The pause before the next try.
        retry_in: Duration,
        /// How it failed.
        error: Arc<StoreError>,
    },
    /// Events were given up; here they are back. It happens only while the emitter is being closed, or
    /// when its store was closed by someone else.
    #[error("{count} events were not written: {error}", count = events.len())]
    Unwritten {
        /// The events.
        events: Vec<Event>,
        /// How the last try failed.
        error: Arc<StoreError>,
    },
    /// An event was emitted after the emitter was closed; here it is back.
    #[error("an event was emitted after the emitter was closed")]
    AfterClose {
        /// The event.
        event: Box<Event>,
    },
    /// The last handle was dropped, and closing the store failed.
    #[error("the store was not closed in order: {error}")]
    Close {
        /// How it failed.
        error: EmitError,
    },
    /// The last handle was dropped, and the events that wait take longer to write than a drop may wait.
    /// The writer goes on as long as the process lives.
    #[error("events of {bytes} bytes are still being written after the last handle was dropped")]
    StillWriting {
        /// About how many bytes of memory they take.
        bytes: u64,
    },
}
