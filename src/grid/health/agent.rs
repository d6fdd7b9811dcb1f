//! What a tracker knows of one agent.

use super::config::{HealthConfig, Moment};
use crate::grid::emit::Ticket;

/// How an agent introduces itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// Its name.
    pub agent_id: String,
    /// The host it runs on.
    pub hostname: String,
    /// What it runs nodes on, such as `kubernetes` or `bare-metal`.
    pub platform: String,
    /// Where the master reaches it.
    pub agent_endpoint: String,
    /// How many storage nodes it can run at once.
    pub max_storage_nodes: u32,
}

/// The storage nodes of an agent, as its last heartbeat told. A plain number means that all of them run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeCounts {
    /// How many it has.
    pub total: u32,
    /// How many of them run.
    pub running: u32,
}

impl From<u32> for NodeCounts {
    fn from(running: u32) -> Self {
        Self { total: running, running }
    }
}

/// How an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentHealth {
    /// Its heartbeats come in time.
    Healthy,
    /// Its heartbeats are late.
    Degraded,
    /// It is considered gone.
    Offline,
}

/// An agent and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentStatus {
    /// How it introduced itself.
    pub registration: Registration,
    /// How it is.
    pub health: AgentHealth,
    /// When it was last heard of.
    pub last_seen: Moment,
    /// Its storage nodes.
    pub nodes: NodeCounts,
}

/// An agent that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) status: AgentStatus,
    /// The claim on the id of the event that said that it is degraded.
    pub(super) degraded: Option<Ticket>,
}

impl Watched {
    pub(super) fn new(registration: Registration, now: Moment) -> Self {
        let nodes = NodeCounts::default();
        let status = AgentStatus { registration, health: AgentHealth::Healthy, last_seen: now, nodes };
        Self { status, degraded: None }
    }

    /// How it is after its silence until now. Only a sign of life makes it better.
    pub(super) fn health_at(&self, now: Moment, config: &HealthConfig) -> AgentHealth {
        let silence = now.since(self.status.last_seen);
        let by_silence = if silence >= config.offline_after {
            AgentHealth::Offline
        } else if silence >= config.degraded_after {
            AgentHealth::Degraded
        } else {
            AgentHealth::Healthy
        };
        by_silence.max(self.status.health)
    }

    /// When it gets worse if it stays silent; never if it is offline already.
    pub(super) fn worse_at(&self, config: &HealthConfig) -> Option<Moment> {
        let after = match self.status.health {
            AgentHealth::Healthy => config.degraded_after.min(config.offline_after),
            AgentHealth::Degraded => config.offline_after,
            AgentHealth::Offline => return None,
        };
        Some(self.status.last_seen + after)
    }

    /// Notes a sign of life. How long it was away, if it was.
    pub(super) fn heard(&mut self, now: Moment) -> Option<std::time::Duration> {
        let away = (self.status.health != AgentHealth::Healthy).then(|| now.since(self.status.last_seen));
        self.status.health = AgentHealth::Healthy;
        self.degraded = None;
        // Threads can bring their moments in another order than they took them.
        if now.steady >= self.status.last_seen.steady {
            self.status.last_seen = now;
        }
        away
    }
}
