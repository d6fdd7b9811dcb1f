//! A master with its five points of integration. `docs/integration.md` quotes this file.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use sutra_grid_events::GridEvent;
use sutra_grid_events::grid::{BestEffortEmitter, EventsConfig, HealthConfig, HealthTracker, Moment, Registration};

pub(crate) struct Master {
    pub(crate) events: BestEffortEmitter,
    health: Arc<HealthTracker>,
}

impl Master {
    /// Opens the event store that the configuration or EVENT_STORAGE names; without one the master runs all the same.
    pub(crate) async fn start(configuration: &str) -> Self {
        let config = EventsConfig::from_toml(configuration);
        let events = BestEffortEmitter::open(config, |warning| eprintln!("warning: {warning}")).await;
        let health = HealthTracker::new(HealthConfig::default(), events.clone());
        Self { events, health: Arc::new(health) }
    }

    /// Point 1: an agent registers, and leaves.
    pub(crate) fn register(&self, agent: Registration) {
        self.health.registered(agent, Moment::now());
    }

    pub(crate) fn unregister(&self, agent_id: &str) -> bool {
        self.health.unregistered(agent_id, Moment::now())
    }

    /// Point 2: a heartbeat arrives. False tells the agent to register (anew).
    pub(crate) fn heartbeat(&self, agent_id: &str, storage_node_count: u32) -> bool {
        self.health.heartbeat(agent_id, storage_node_count, Moment::now())
    }

    /// Point 3: silence is noticed. Agents become degraded and offline, and the cluster with them.
    pub(crate) fn watch(&self) -> tokio::task::JoinHandle<()> {
        let health = Arc::clone(&self.health);
        tokio::spawn(async move {
            loop {
                let due = health.next_check(Moment::now()).unwrap_or(Duration::from_secs(1));
                tokio::time::sleep(due.clamp(Duration::from_millis(10), Duration::from_secs(1))).await;
                health.check(Moment::now());
            }
        })
    }

    /// Point 4: a node is to be started. `answer` is the call to the agent, which gives the process id.
    pub(crate) async fn spawn_node(
        &self,
        node: &Node,
        answer: impl Future<Output = Result<u32, String>>,
    ) -> Result<u32, String> {
        let Node { node_id, agent_id, port, storage_path, memory_limit_mb } = node.clone();
        self.events.emit(GridEvent::SpawnRequested {
            node_id: node_id.clone(),
            agent_id: agent_id.clone(),
            port,
            storage_path,
            memory_limit_mb,
            timestamp: Utc::now(),
        });
        let answer = answer.await;
        self.events.emit(match answer.clone() {
            Ok(pid) => GridEvent::SpawnSucceeded { node_id, agent_id, pid, port, timestamp: Utc::now() },
            Err(error) => GridEvent::SpawnFailed { node_id, agent_id, error, timestamp: Utc::now() },
        });
        answer
    }

    /// Point 5: a node is to be stopped.
    pub(crate) async fn stop_node(
        &self,
        node: &Node,
        answer: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        let Node { node_id, agent_id, .. } = node.clone();
        self.events.emit(GridEvent::StopRequested {
            node_id: node_id.clone(),
            agent_id: agent_id.clone(),
            timestamp: Utc::now(),
        });
        let answer = answer.await;
        self.events.emit(match answer.clone() {
            Ok(()) => GridEvent::StopSucceeded { node_id, agent_id, timestamp: Utc::now() },
            Err(error) => GridEvent::StopFailed { node_id, agent_id, error, timestamp: Utc::now() },
        });
        answer
    }
}

/// A node as the master knows it.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) node_id: String,
    pub(crate) agent_id: String,
    pub(crate) port: u32,
    pub(crate) storage_path: String,
    pub(crate) memory_limit_mb: u64,
}
