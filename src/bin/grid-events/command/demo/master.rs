//! The master of the demo: watches the heartbeats, and says how the agents and the cluster are.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use sutra_grid_events::{ConceptId, Event, GridEvent};

use super::agent::Agent;
use super::recorder::Recorder;
use super::ticker::Ticker;

/// How often the master looks.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Without a heartbeat for this long an agent is degraded.
const DEGRADED_AFTER: Duration = Duration::from_millis(1_000);
/// Without a heartbeat for this long an agent is offline.
const OFFLINE_AFTER: Duration = Duration::from_millis(2_000);

/// Watches until the ticker is dropped.
pub(super) fn start(agents: Vec<Arc<Agent>>, recorder: Recorder) -> io::Result<Ticker> {
    let agents = agents.into_iter().map(|agent| Watched { agent, health: Health::Good }).collect();
    let mut master = Master { agents, recorder, cluster: None };
    Ticker::start("master", CHECK_INTERVAL, move || master.check())
}

struct Master {
    agents: Vec<Watched>,
    recorder: Recorder,
    /// What was said last of the cluster.
    cluster: Option<Cluster>,
}

struct Watched {
    agent: Arc<Agent>,
    health: Health,
}

enum Health {
    Good,
    /// Not heard of since a moment; recorded as the event of this id.
    Degraded(Instant, Option<ConceptId>),
    Offline(Instant),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cluster {
    Healthy,
    Degraded,
    Critical,
}

impl Master {
    fn check(&mut self) {
        let mut cause = None;
        for watched in &mut self.agents {
            cause = watched.check(&self.recorder).or(cause);
        }
        let healthy = self.agents.iter().filter(|watched| matches!(watched.health, Health::Good)).count();
        let cluster = match healthy {
            all if all == self.agents.len() => Cluster::Healthy,
            most if most * 2 >= self.agents.len() => Cluster::Degraded,
            _ => Cluster::Critical,
        };
        if self.cluster.replace(cluster) != Some(cluster) {
            let event = self.describe(cluster, u32::try_from(healthy).unwrap_or(u32::MAX));
            self.recorder.emit_for_id(declare(event.into(), cause.as_ref()));
        }
    }

    fn describe(&self, cluster: Cluster, healthy_agents: u32) -> GridEvent {
        let total_agents = u32::try_from(self.agents.len()).unwrap_or(u32::MAX);
        let silent = self.agents.iter().filter(|watched| !matches!(watched.health, Health::Good));
        let names: Vec<_> = silent.map(|watched| watched.agent.id()).collect();
        let reason = format!("no heartbeats from {}", names.join(" and "));
        let timestamp = Utc::now();
        match cluster {
            Cluster::Healthy => {
                let nodes = self.agents.iter().map(|watched| watched.agent.nodes());
                let (running_nodes, total_nodes) = nodes.fold((0, 0), |sum, nodes| (sum.0 + nodes.0, sum.1 + nodes.1));
                GridEvent::ClusterHealthy { total_agents, healthy_agents, total_nodes, running_nodes, timestamp }
            }
            Cluster::Degraded => GridEvent::ClusterDegraded { total_agents, healthy_agents, reason, timestamp },
            Cluster::Critical => GridEvent::ClusterCritical { total_agents, healthy_agents, reason, timestamp },
        }
    }
}

impl Watched {
    /// Says what changed. The id of the event if it is a change for the worse.
    fn check(&mut self, recorder: &Recorder) -> Option<ConceptId> {
        let silence = self.agent.silence();
        let (agent_id, timestamp) = (self.agent.id().to_owned(), Utc::now());
        match &self.health {
            Health::Good if silence >= DEGRADED_AFTER => {
                let last_seen = Instant::now() - silence;
                let seconds_since_heartbeat = silence.as_secs();
                let event = GridEvent::AgentDegraded { agent_id, seconds_since_heartbeat, timestamp };
                let id = recorder.emit_for_id(event.into());
                self.health = Health::Degraded(last_seen, id.clone());
                id
            }
            Health::Degraded(since, degraded) if silence >= OFFLINE_AFTER => {
                let last_seen = timestamp - TimeDelta::from_std(silence).unwrap_or_default();
                let event = GridEvent::AgentOffline { agent_id, last_seen, timestamp };
                let id = recorder.emit_for_id(declare(event.into(), degraded.as_ref()));
                self.health = Health::Offline(*since);
                id
            }
            Health::Degraded(since, _) | Health::Offline(since) if silence < DEGRADED_AFTER => {
                let downtime_seconds = since.elapsed().as_secs();
                recorder.emit_for_id(GridEvent::AgentRecovered { agent_id, downtime_seconds, timestamp }.into());
                self.health = Health::Good;
                None
            }
            _ => None,
        }
    }
}

/// The event, with its cause declared if it is known.
fn declare(event: Event, cause: Option<&ConceptId>) -> Event {
    match cause {
        Some(id) => event.caused_by(id),
        None => event,
    }
}
