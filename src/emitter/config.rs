//! The settings of an emitter. Every limit is a named constant.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::problem::EmitterProblem;
use crate::store::StoreConfig;

/// The most events that are committed at once.
pub const BATCH_EVENTS: usize = 1_024;
/// A batch takes no further event once it holds this many bytes of memory.
pub const BATCH_BYTES: usize = 4 << 20;
/// How often the writer looks for events while it is active; also the longest that it gathers a batch.
pub const POLL_INTERVAL: Duration = Duration::from_millis(1);
/// How long the writer stays active after the last event, before it sleeps until it is woken.
pub const POLL_FOR: Duration = Duration::from_millis(250);
/// The pause after the first failure of the storage; it doubles with each further one.
pub const RETRY_PAUSE_MIN: Duration = Duration::from_millis(10);
/// The longest pause between two tries.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often a failing batch is tried again while the emitter is being closed, before it is given up.
pub const CLOSE_RETRIES: u32 = 5;
/// The longest that dropping the last handle waits for the writer.
pub const DROP_WAIT_MAX: Duration = Duration::from_secs(10);

/// What is called when something goes wrong; see [`EmitterConfig::on_error`].
pub type ProblemCallback = Arc<dyn Fn(&EmitterProblem) + Send + Sync>;

/// The settings of an emitter.
#[derive(Clone, Default)]
pub struct EmitterConfig {
    /// The settings of the store that the emitter opens.
    pub store: StoreConfig,
    /// How much memory the events that wait may take; without it, as much as there is.
    pub memory_ceiling: Option<MemoryCeiling>,
    /// Called when something goes wrong, mostly on the writer's thread: it delays commits, so it should be short.
    ///
    /// A callback that holds a handle of its own emitter keeps the emitter from ever being dropped.
    pub on_error: Option<ProblemCallback>,
}

impl fmt::Debug for EmitterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmitterConfig")
            .field("store", &self.store)
            .field("memory_ceiling", &self.memory_ceiling)
            .field("on_error", &self.on_error.as_ref().map(|_| "a callback"))
            .finish()
    }
}

/// How much memory the events that wait to be written may take, and what happens above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryCeiling {
    /// The ceiling in bytes. An event that is larger by itself passes when nothing else waits.
    pub bytes: u64,
    /// What happens to an event that would go above it.
    pub policy: CeilingPolicy,
}

/// What happens to an event that would go above the memory ceiling. Either is counted in the stats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeilingPolicy {
    /// `emit` blocks its thread until there is room (in async code: the thread of the executor).
    Block,
    /// The event is not taken.
    RejectNewest,
}
