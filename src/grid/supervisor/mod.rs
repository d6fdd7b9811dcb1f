//! Runs storage nodes as child processes: starts, watches, restarts and stops them, and records all of it.
//!
//! ```text
//! NodeSupervisor ─► Node (state, and a thread that keeps it running) ─► Process (one child)
//!        └────────────┴─► Emit: spawn_*, stop_*, node_crashed, node_restarted
//! ```
//!
//! A thread for each child waits for its end, so a crash is recorded at once and not at the next look.

mod node;
mod process;
pub mod spec;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::Utc;
use parking_lot::Mutex;

use self::node::Node;
use super::emit::Emit;
use crate::event::GridEvent;
pub use spec::{NodePhase, NodeSpec, NodeStatus, Readiness, RestartPolicy, Unresponsive};

/// Why a node could not be started or stopped. Each is recorded as an event as well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SupervisorError {
    /// The program did not start, or did not get ready.
    #[error("{node_id} was not started: {reason}")]
    Spawn {
        /// The node.
        node_id: String,
        /// Why, as recorded in `spawn_failed`.
        reason: String,
    },
    /// A node of this name runs already.
    #[error("{node_id} runs already")]
    Running {
        /// The node.
        node_id: String,
    },
    /// No node of this name runs.
    #[error("no node {node_id} is running")]
    Unknown {
        /// The node.
        node_id: String,
    },
    /// The node was asked to stop, did not end in time, and goes on.
    #[error("{node_id} did not end within {waited:?} after it was asked to")]
    Unresponsive {
        /// The node.
        node_id: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The operating system gave no thread to watch the node with.
    #[error("{node_id} cannot be watched: {source}")]
    Thread {
        /// The node.
        node_id: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Runs the storage nodes of an agent. Dropping it stops them all.
///
/// A process that ends without being asked to has crashed, whatever its exit code. `exit_code` in
/// `node_crashed` is the true exit code, or the signal as a negative number (−9 for SIGKILL).
///
/// ```
/// use std::sync::Mutex;
/// use std::sync::Arc;
/// use sutra_grid_events::Event;
/// use sutra_grid_events::grid::{NodeSpec, NodeSupervisor};
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let recorded = Arc::clone(&seen);
/// let supervisor = NodeSupervisor::new("agent-001", move |event: Event| {
///     recorded.lock().unwrap().push(event.event_type().to_owned());
/// });
/// let mut spec = NodeSpec::new("node-abc", "/bin/sleep");
/// spec.args = vec!["60".into()];
/// supervisor.spawn(spec)?;
/// supervisor.stop("node-abc")?;
/// assert_eq!(*seen.lock().unwrap(), ["spawn_requested", "spawn_succeeded", "stop_requested", "stop_succeeded"]);
/// # Ok::<(), sutra_grid_events::grid::SupervisorError>(())
/// ```
pub struct NodeSupervisor {
    agent_id: String,
    emit: Arc<dyn Emit>,
    nodes: Mutex<Nodes>,
}

#[derive(Default)]
struct Nodes {
    kept: BTreeMap<String, Kept>,
    /// Names of nodes that are being started just now.
    starting: BTreeSet<String>,
}

struct Kept {
    node: Arc<Node>,
    keeper: JoinHandle<()>,
}

impl fmt::Debug for NodeSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeSupervisor").field("agent_id", &self.agent_id).field("nodes", &self.nodes()).finish()
    }
}

impl NodeSupervisor {
    /// A supervisor that runs nothing yet. Its events go to an [`EventEmitter`](crate::EventEmitter), or
    /// anything else that takes them.
    pub fn new(agent_id: impl Into<String>, emit: impl Emit + 'static) -> Self {
        Self { agent_id: agent_id.into(), emit: Arc::new(emit), nodes: Mutex::default() }
    }

    /// Starts a node, waits until it is ready, and keeps it running. Returns the process id.
    ///
    /// # Errors
    /// If the program does not start or does not get ready (which is recorded as `spawn_failed`), or a node of
    /// this name runs already.
    pub fn spawn(&self, spec: NodeSpec) -> Result<u32, SupervisorError> {
        let node_id = spec.node_id.clone();
        {
            let mut nodes = self.nodes.lock();
            let alive = nodes.kept.get(&node_id).is_some_and(|kept| kept.node.is_alive());
            if alive || !nodes.starting.insert(node_id.clone()) {
                return Err(SupervisorError::Running { node_id });
            }
        }
        // Not under the lock: a node may take long to be ready.
        let started = self.start(spec);
        let mut nodes = self.nodes.lock();
        nodes.starting.remove(&node_id);
        let kept = started?;
        let pid = kept.node.pid();
        nodes.kept.insert(node_id, kept);
        Ok(pid)
    }

    fn start(&self, spec: NodeSpec) -> Result<Kept, SupervisorError> {
        let node_id = spec.node_id.clone();
        let node = Node::start(spec, &self.agent_id, &self.emit)
            .map_err(|reason| SupervisorError::Spawn { node_id: node_id.clone(), reason })?;
        let watched = Arc::clone(&node);
        match thread::Builder::new().name(format!("keep-{node_id}")).spawn(move || watched.keep()) {
            Ok(keeper) => Ok(Kept { node, keeper }),
            Err(source) => {
                node.end_unwatched(&source);
                Err(SupervisorError::Thread { node_id, source })
            }
        }
    }

    /// Stops a node: SIGTERM, then SIGKILL if it does not end in time (unless [`NodeSpec::unresponsive`] says
    /// otherwise). Returns when it is gone. If it is just being restarted, that takes until it is ready (or fails
    /// to be).
    ///
    /// # Errors
    /// If no node of this name runs, or it does not end and is not to be killed. Both are recorded as `stop_failed`.
    pub fn stop(&self, node_id: &str) -> Result<(), SupervisorError> {
        self.stop_with(node_id, None)
    }

    fn stop_with(&self, node_id: &str, unresponsive: Option<Unresponsive>) -> Result<(), SupervisorError> {
        let (agent_id, node_id) = (self.agent_id.clone(), node_id.to_owned());
        self.emit.emit(
            GridEvent::StopRequested { node_id: node_id.clone(), agent_id: agent_id.clone(), timestamp: Utc::now() }
                .into(),
        );
        let alive =
            self.nodes.lock().kept.get(&node_id).map(|kept| Arc::clone(&kept.node)).filter(|node| node.is_alive());
        let outcome = match alive {
            None => Err(SupervisorError::Unknown { node_id: node_id.clone() }),
            Some(node) if node.stop(unresponsive.unwrap_or(node.spec.unresponsive)) => Ok(()),
            Some(node) => {
                Err(SupervisorError::Unresponsive { node_id: node_id.clone(), waited: node.spec.stop_timeout })
            }
        };
        if let Err(error) = outcome {
            let failed = GridEvent::StopFailed { node_id, agent_id, error: error.to_string(), timestamp: Utc::now() };
            self.emit.emit(failed.into());
            return Err(error);
        }
        // The name is free again only now that the process is gone.
        let stopped = self.nodes.lock().kept.remove(&node_id);
        if let Some(kept) = stopped {
            // The keeper ends with its node; a panic in what takes the events is not ours to spread.
            let _ = kept.keeper.join();
        }
        self.emit.emit(GridEvent::StopSucceeded { node_id, agent_id, timestamp: Utc::now() }.into());
        Ok(())
    }

    /// Kills the process of a node (SIGKILL) as if it had crashed: it is recorded and restarted as after any
    /// crash. For drills.
    ///
    /// # Errors
    /// If no process of this node runs.
    pub fn kill(&self, node_id: &str) -> Result<(), SupervisorError> {
        let killed = self.nodes.lock().kept.get(node_id).is_some_and(|kept| kept.node.kill());
        if killed { Ok(()) } else { Err(SupervisorError::Unknown { node_id: node_id.to_owned() }) }
    }

    /// What has become of a node; nothing if it was never started, or was stopped.
    #[must_use]
    pub fn node(&self, node_id: &str) -> Option<NodeStatus> {
        self.nodes.lock().kept.get(node_id).map(|kept| kept.node.status())
    }

    /// All nodes that were started and not stopped, by name.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeStatus> {
        self.nodes.lock().kept.values().map(|kept| kept.node.status()).collect()
    }

    /// Stops all nodes, recording it. One that does not end in time is killed, whatever its spec says.
    pub fn stop_all(&self) {
        let alive: Vec<String> = {
            let nodes = self.nodes.lock();
            nodes.kept.iter().filter(|(_, kept)| kept.node.is_alive()).map(|(node_id, _)| node_id.clone()).collect()
        };
        for node_id in alive {
            // One that crashes for good meanwhile is gone as well.
            let _ = self.stop_with(&node_id, Some(Unresponsive::Kill));
        }
    }
}

impl Drop for NodeSupervisor {
    fn drop(&mut self) {
        self.stop_all();
    }
}

#[cfg(test)]
mod tests;
