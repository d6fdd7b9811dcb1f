//! What a storage node is to be run as, and what has become of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How long a node may take to be ready, unless said.
pub const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a node may take to end after it was asked to, before it is killed.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a node is restarted, unless said.
pub const RESTARTS_MAX: u32 = 5;
/// The pause before the first restart, unless said.
pub const RESTART_PAUSE_MIN: Duration = Duration::from_millis(200);
/// The longest pause before a restart, unless said.
pub const RESTART_PAUSE_MAX: Duration = Duration::from_secs(30);
/// A node that lived this long counts as sound again, unless said.
pub const STABLE_AFTER: Duration = Duration::from_secs(60);

/// A storage node: a program, and what its events say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name.
    pub node_id: String,
    /// The program that it runs.
    pub program: PathBuf,
    /// The arguments of the program.
    pub args: Vec<OsString>,
    /// The port that it serves on. It is told to the program by `args`; here it is for the events.
    pub port: u32,
    /// Where it keeps its data. It is told to the program by `args`; here it is for the events.
    pub storage_path: String,
    /// The memory that it may use, in MB. It is told to the program by `args`; here it is for the events.
    pub memory_limit_mb: u64,
    /// When it counts as started.
    pub readiness: Readiness,
    /// Whether and how it is restarted after a crash.
    pub restart: RestartPolicy,
    /// How long it may take to end after SIGTERM.
    pub stop_timeout: Duration,
    /// What becomes of it if it takes longer.
    pub unresponsive: Unresponsive,
}

impl NodeSpec {
    /// A node that counts as started when its program runs, and is restarted by the default policy.
    #[must_use]
    pub fn new(node_id: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            node_id: node_id.into(),
            program: program.into(),
            args: Vec::new(),
            port: 0,
            storage_path: String::new(),
            memory_limit_mb: 0,
            readiness: Readiness::Started,
            restart: RestartPolicy::default(),
            stop_timeout: STOP_TIMEOUT,
            unresponsive: Unresponsive::Kill,
        }
    }
}

/// What becomes of a node that was asked to stop and does not end in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unresponsive {
    /// It gets SIGKILL, and has stopped.
    #[default]
    Kill,
    /// It goes on and stays supervised; the stop has failed. For nodes whose data a SIGKILL could harm. When the
    /// supervisor itself stops all of its nodes, it is killed all the same.
    Leave,
}

/// When a node counts as started. One that ends before has failed to spawn, which is no crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// When its program runs.
    Started,
    /// When it prints its first line on standard output.
    FirstLine {
        /// One that takes longer is killed and has failed to spawn.
        timeout: Duration,
    },
}

/// Whether and how a node is restarted after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// How often it is tried in a row; 0 for never.
    pub restarts_max: u32,
    /// The pause before the first try; it doubles with each further one.
    pub pause_min: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// Once a node has lived this long, counting tries and pauses begins anew.
    pub stable_after: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            restarts_max: RESTARTS_MAX,
            pause_min: RESTART_PAUSE_MIN,
            pause_max: RESTART_PAUSE_MAX,
            stable_after: STABLE_AFTER,
        }
    }
}

impl RestartPolicy {
    /// No restarts.
    #[must_use]
    pub fn never() -> Self {
        Self { restarts_max: 0, ..Self::default() }
    }

    /// The pause before a try, counted from 1.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.pause_min.saturating_mul(1 << doublings).min(self.pause_max)
    }
}

/// What a node is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodePhase {
    /// Its process runs.
    Running {
        /// The process.
        pid: u32,
    },
    /// It crashed and will be restarted.
    Restarting,
    /// It was asked to stop and has not ended yet.
    Stopping,
    /// It was stopped.
    Stopped,
    /// It crashed and is not restarted any more.
    Abandoned,
}

/// A node and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its name.
    pub node_id: String,
    /// What it is doing.
    pub phase: NodePhase,
    /// How often it was restarted, in all.
    pub restart_count: u32,
    /// How its last process ended: an exit code, or a signal as a negative number.
    pub last_exit: Option<i32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RestartPolicy {
            pause_min: Duration::from_millis(100),
            pause_max: Duration::from_millis(500),
            ..RestartPolicy::default()
        };
        let pauses: Vec<_> = (1..=5).map(|attempt| policy.pause(attempt).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 500, 500]);
        assert_eq!(policy.pause(u32::MAX).as_millis(), 500);
    }
}
