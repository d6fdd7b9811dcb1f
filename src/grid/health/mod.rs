//! Heartbeats in, events out: how the agents of a grid are, and how the cluster is.
//!
//! ```text
//!             15 s silent            30 s silent
//!  healthy ───────────────► degraded ───────────► offline        cluster: critical  most agents offline
//!     ▲                         │                    │                    degraded  some agent not healthy
//!     └──── a sign of life ─────┴────────────────────┘                    healthy   else
//! ```
//!
//! There is no thread and no clock in here: whoever owns the tracker says what time it is, so that every
//! transition can be tested to the instant.

mod agent;
mod cluster;
pub mod config;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::agent::Watched;
use self::cluster::{Tally, describe};
use super::emit::Emit;
use crate::event::{Event, GridEvent};
pub use agent::{AgentHealth, AgentStatus, NodeCounts, Registration};
pub use cluster::ClusterHealth;
pub use config::{HealthConfig, Moment};

/// Watches over the agents of a grid by their heartbeats, and records what becomes of them.
///
/// Every method first lets time pass until its `now`, so no silence goes unnoticed even if nobody calls
/// [`check`](Self::check) meanwhile; calling it when [`next_check`](Self::next_check) says makes it noticed at once.
/// An agent whose silence is noticed only after the limit of offline is recorded as offline, not as degraded before.
///
/// Methods take microseconds and can be called from any thread. Events are handed over in the order of what
/// happened, under a lock: what takes them must not call the tracker.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
/// use sutra_grid_events::Event;
/// use sutra_grid_events::grid::health::{HealthConfig, HealthTracker, Moment, Registration};
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let recorded = Arc::clone(&seen);
/// let tracker = HealthTracker::new(HealthConfig::default(), move |event: Event| {
///     recorded.lock().unwrap().push(event.event_type().to_owned());
/// });
/// let start = Moment::now();
/// tracker.registered(Registration { agent_id: "agent-001".into(), ..Registration::default() }, start);
/// tracker.check(start + Duration::from_secs(16));
/// tracker.heartbeat("agent-001", 2, start + Duration::from_secs(20));
/// assert_eq!(
///     *seen.lock().unwrap(),
///     [
///         "agent_registered", "cluster_healthy", "agent_degraded", "cluster_degraded",
///         "agent_heartbeat", "agent_recovered", "cluster_healthy",
///     ]
/// );
/// ```
pub struct HealthTracker {
    config: HealthConfig,
    emit: Box<dyn Emit>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    agents: BTreeMap<String, Watched>,
    tally: Tally,
    /// What was said last of the cluster; nothing before the first agent.
    cluster: Option<ClusterHealth>,
    /// No agent gets worse before this instant; nothing if none can.
    quiet_until: Option<Instant>,
}

impl fmt::Debug for HealthTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("HealthTracker")
            .field("config", &self.config)
            .field("agents", &state.agents)
            .field("cluster", &state.cluster)
            .finish_non_exhaustive()
    }
}

impl HealthTracker {
    /// A tracker that knows no agent yet. Its events go to an [`EventEmitter`](crate::EventEmitter), or anything
    /// else that takes them.
    pub fn new(config: HealthConfig, emit: impl Emit + 'static) -> Self {
        Self { config, emit: Box::new(emit), state: Mutex::default() }
    }

    /// Notes that an agent joined. One that is known already has started anew: that is a sign of life as well.
    pub fn registered(&self, registration: Registration, now: Moment) {
        let mut state = self.state.lock();
        self.pass(&mut state, now);
        let agent_id = registration.agent_id.clone();
        let Registration { hostname, platform, agent_endpoint, max_storage_nodes, .. } = registration.clone();
        let event = GridEvent::AgentRegistered {
            agent_id: agent_id.clone(),
            hostname,
            platform,
            agent_endpoint,
            max_storage_nodes,
            timestamp: now.utc,
        };
        self.emit.emit(event.into());
        match state.agents.entry(agent_id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Watched::new(registration, now));
                state.tally.add(AgentHealth::Healthy);
            }
            Entry::Occupied(mut entry) => {
                entry.get_mut().status.registration = registration;
                entry.get_mut().status.nodes = NodeCounts::default();
                self.note_life(&mut state, &agent_id, now);
            }
        }
        self.watch_from(&mut state, &agent_id);
        self.tell_cluster(&mut state, now);
    }

    /// Notes a heartbeat and what it says of the agent's nodes. False if no such agent is registered: then nothing
    /// is recorded, and the agent should be told to register.
    pub fn heartbeat(&self, agent_id: &str, nodes: impl Into<NodeCounts>, now: Moment) -> bool {
        let nodes = nodes.into();
        let mut state = self.state.lock();
        self.pass(&mut state, now);
        let Some(watched) = state.agents.get_mut(agent_id) else { return false };
        watched.status.nodes = nodes;
        let beat = GridEvent::AgentHeartbeat {
            agent_id: agent_id.to_owned(),
            storage_node_count: nodes.running,
            timestamp: now.utc,
        };
        self.emit.emit(beat.into());
        if self.note_life(&mut state, agent_id, now) {
            self.watch_from(&mut state, agent_id);
            self.tell_cluster(&mut state, now);
        }
        true
    }

    /// Notes that an agent left in order. False if no such agent is registered: then nothing is recorded.
    pub fn unregistered(&self, agent_id: &str, now: Moment) -> bool {
        let mut state = self.state.lock();
        self.pass(&mut state, now);
        let Some(watched) = state.agents.remove(agent_id) else { return false };
        state.tally.remove(watched.status.health);
        self.emit.emit(GridEvent::AgentUnregistered { agent_id: agent_id.to_owned(), timestamp: now.utc }.into());
        self.tell_cluster(&mut state, now);
        true
    }

    /// Lets time pass: records which agents have been silent for too long by now.
    pub fn check(&self, now: Moment) {
        self.pass(&mut self.state.lock(), now);
    }

    /// How long nothing can happen by silence alone; nothing if no agent can get worse. It may be too short, as
    /// heartbeats put things off, but never too long.
    #[must_use]
    pub fn next_check(&self, now: Moment) -> Option<Duration> {
        self.state.lock().quiet_until.map(|until| until.saturating_duration_since(now.steady))
    }

    /// How an agent is, as of the last call that let time pass; nothing if it is not registered.
    #[must_use]
    pub fn agent(&self, agent_id: &str) -> Option<AgentStatus> {
        self.state.lock().agents.get(agent_id).map(|watched| watched.status.clone())
    }

    /// All registered agents, by name.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentStatus> {
        self.state.lock().agents.values().map(|watched| watched.status.clone()).collect()
    }

    /// How the cluster is; nothing before the first agent registered.
    #[must_use]
    pub fn cluster(&self) -> Option<ClusterHealth> {
        self.state.lock().cluster
    }

    /// Records what silence until now has come to.
    fn pass(&self, state: &mut State, now: Moment) {
        // Most calls come from heartbeats, for which looking at every agent would be too much.
        if state.quiet_until.is_none_or(|until| now.steady < until) {
            return;
        }
        let mut changed = false;
        let State { agents, tally, .. } = &mut *state;
        for (agent_id, watched) in agents {
            let health = watched.health_at(now, &self.config);
            if health != watched.status.health {
                tally.remove(watched.status.health);
                tally.add(health);
                watched.status.health = health;
                self.tell_worse(agent_id, watched, now);
                changed = true;
            }
        }
        let due = state.agents.values().filter_map(|watched| watched.worse_at(&self.config));
        state.quiet_until = due.map(|moment| moment.steady).min();
        if changed {
            self.tell_cluster(state, now);
        }
    }

    /// Records that an agent got worse.
    fn tell_worse(&self, agent_id: &str, watched: &mut Watched, now: Moment) {
        let (agent_id, timestamp) = (agent_id.to_owned(), now.utc);
        if watched.status.health == AgentHealth::Degraded {
            let seconds_since_heartbeat = now.since(watched.status.last_seen).as_secs();
            let event = GridEvent::AgentDegraded { agent_id, seconds_since_heartbeat, timestamp };
            watched.degraded = Some(self.emit.emit_tracked(event.into()));
        } else {
            let last_seen = watched.status.last_seen.utc;
            let event = Event::from(GridEvent::AgentOffline { agent_id, last_seen, timestamp });
            // Where the store has not said by now which id the cause got, it stays undeclared.
            let cause = watched.degraded.take().and_then(|ticket| ticket.take_id());
            self.emit.emit(match cause {
                Some(id) => event.caused_by(&id),
                None => event,
            });
        }
    }

    /// Notes a sign of life of a registered agent. Whether it was away before, which is recorded.
    fn note_life(&self, state: &mut State, agent_id: &str, now: Moment) -> bool {
        let Some(watched) = state.agents.get_mut(agent_id) else { return false };
        let before = watched.status.health;
        let Some(away) = watched.heard(now) else { return false };
        state.tally.remove(before);
        state.tally.add(AgentHealth::Healthy);
        let (agent_id, downtime_seconds) = (agent_id.to_owned(), away.as_secs());
        self.emit.emit(GridEvent::AgentRecovered { agent_id, downtime_seconds, timestamp: now.utc }.into());
        true
    }

    /// Sees to it that the silence of an agent which is healthy anew is noticed in time.
    fn watch_from(&self, state: &mut State, agent_id: &str) {
        let due = state.agents.get(agent_id).and_then(|watched| watched.worse_at(&self.config));
        if let Some(due) = due {
            state.quiet_until = Some(state.quiet_until.map_or(due.steady, |until| until.min(due.steady)));
        }
    }

    /// Records how the cluster is, if that changed.
    fn tell_cluster(&self, state: &mut State, now: Moment) {
        let health = state.tally.health();
        if state.cluster.replace(health) != Some(health) {
            self.emit.emit(describe(state.tally, &state.agents, now.utc).into());
        }
    }
}

#[cfg(test)]
mod tests;
