//! The events of a grid, made up: the same for the same seed.
//!
//! 100 agents run 2,000 storage nodes. 85 % of the events are heartbeats. The rest are the lives of the
//! nodes (requested, spawned or failed, crashed, restarted, stopped) and of the agents, in which every
//! outcome has its request. A crash comes back under the same node, after seconds. Times rise by 32 ms an
//! event on average; one event in 50 comes up to 50 ms late, as it does when many threads emit.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};
use sutra_grid_events::{Event, GridEvent};

const AGENTS: usize = 100;
const NODES: usize = 2_000;
/// The time of the first event: 2026-09-21, in µs.
const START_US: i64 = 1_790_000_000_000_000;
const GAP_US_MAX: u64 = 64_000;
const LATE_US_MAX: u64 = 50_000;
const SECOND_US: u64 = 1_000_000;

/// An endless stream of events.
pub(crate) struct Mix {
    random: Random,
    now_us: i64,
    agents: Vec<Agent>,
    nodes: Vec<Node>,
    /// What follows from earlier events, the next first.
    due: BinaryHeap<Reverse<(i64, Subject)>>,
    /// The agent whose heartbeat is next.
    beating: usize,
    registered: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Agent(usize),
    Node(usize),
}

struct Agent {
    id: String,
    running: u32,
    state: AgentState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AgentState {
    Healthy,
    Degraded,
    Offline { since_us: i64 },
}

struct Node {
    id: String,
    agent: usize,
    restarts: u32,
    state: NodeState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeState {
    Idle,
    Requested,
    Running,
    Crashed,
    Stopping,
}

impl Mix {
    /// The stream of a seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        let agent = |index| Agent { id: format!("agent-{index:03}"), running: 0, state: AgentState::Healthy };
        let node = |index: usize| Node {
            // The factor has no divisor in common with 2^24, so no two nodes share a name.
            id: format!("node-{:06x}", (index * 7_919_003 + 13) & 0xff_ffff),
            agent: index % AGENTS,
            restarts: 0,
            state: NodeState::Idle,
        };
        Self {
            random: Random(seed),
            now_us: START_US,
            agents: (0..AGENTS).map(agent).collect(),
            nodes: (0..NODES).map(node).collect(),
            due: BinaryHeap::new(),
            beating: 0,
            registered: 0,
        }
    }

    /// The next events.
    pub(crate) fn batch(&mut self, count: usize) -> Vec<Event> {
        self.take(count).collect()
    }

    /// The name of a node that has a history.
    pub(crate) fn node_id(&self) -> &str {
        &self.nodes[77].id
    }

    fn heartbeat(&mut self, timestamp: DateTime<Utc>) -> GridEvent {
        self.beating = (self.beating + 1) % AGENTS;
        let agent = &self.agents[self.beating];
        GridEvent::AgentHeartbeat { agent_id: agent.id.clone(), storage_node_count: agent.running, timestamp }
    }

    fn registration(&mut self, timestamp: DateTime<Utc>) -> GridEvent {
        let index = self.registered;
        self.registered += 1;
        GridEvent::AgentRegistered {
            agent_id: self.agents[index].id.clone(),
            hostname: format!("host-{index:03}.grid.example"),
            platform: if index.is_multiple_of(3) { "kubernetes" } else { "bare-metal" }.to_owned(),
            agent_endpoint: format!("10.0.{}.{}:50051", index / 250, index % 250 + 1),
            max_storage_nodes: 24,
            timestamp,
        }
    }

    /// What follows from an earlier event, if that is due; else something new.
    fn life(&mut self, timestamp: DateTime<Utc>) -> GridEvent {
        let subject = match self.due.peek() {
            Some(&Reverse((due_us, subject))) if due_us <= self.now_us => {
                self.due.pop();
                subject
            }
            _ if self.random.below(1_000) < 25 => {
                let start = self.random.index(AGENTS);
                let healthy = |&index: &usize| self.agents[index].state == AgentState::Healthy;
                let found = (start..AGENTS).chain(0..start).find(healthy);
                found.map_or(Subject::Node(start), Subject::Agent)
            }
            _ => {
                let start = self.random.index(NODES);
                let settled = |&index: &usize| matches!(self.nodes[index].state, NodeState::Idle | NodeState::Running);
                Subject::Node((start..NODES).chain(0..start).find(settled).unwrap_or(start))
            }
        };
        match subject {
            Subject::Agent(index) => self.agent_step(index, timestamp),
            Subject::Node(index) => self.node_step(index, timestamp),
        }
    }

    fn agent_step(&mut self, index: usize, timestamp: DateTime<Utc>) -> GridEvent {
        let now_us = timestamp.timestamp_micros();
        let gone = self.random.below(100) < 15;
        let agent = &mut self.agents[index];
        let agent_id = agent.id.clone();
        let (state, event) = match agent.state {
            AgentState::Healthy => {
                let seconds_since_heartbeat = 15 + self.random.below(10);
                (AgentState::Degraded, GridEvent::AgentDegraded { agent_id, seconds_since_heartbeat, timestamp })
            }
            AgentState::Degraded if gone => {
                let last_seen = at(now_us - 60_000_000 + (self.random.below(SECOND_US) as i64));
                (AgentState::Offline { since_us: now_us }, GridEvent::AgentOffline { agent_id, last_seen, timestamp })
            }
            AgentState::Degraded => {
                let downtime_seconds = 20 + self.random.below(20);
                (AgentState::Healthy, GridEvent::AgentRecovered { agent_id, downtime_seconds, timestamp })
            }
            AgentState::Offline { since_us } => {
                let downtime_seconds = u64::try_from(now_us - since_us).unwrap_or_default() / SECOND_US;
                (AgentState::Healthy, GridEvent::AgentRecovered { agent_id, downtime_seconds, timestamp })
            }
        };
        agent.state = state;
        if state != AgentState::Healthy {
            self.follow_up(Subject::Agent(index), 20 * SECOND_US, 40 * SECOND_US);
        }
        event
    }

    fn node_step(&mut self, index: usize, timestamp: DateTime<Utc>) -> GridEvent {
        let chance = self.random.below(100);
        let pid = 1_000 + self.random.below(64_000) as u32;
        let port = 50_000 + index as u32;
        let node = &mut self.nodes[index];
        let agent = &mut self.agents[node.agent];
        let (node_id, agent_id) = (node.id.clone(), agent.id.clone());
        let (state, event) = match node.state {
            NodeState::Crashed if chance < 85 => {
                node.restarts += 1;
                let restart_count = node.restarts;
                let event = GridEvent::NodeRestarted { node_id, agent_id, restart_count, new_pid: pid, timestamp };
                (NodeState::Running, event)
            }
            NodeState::Idle | NodeState::Crashed => {
                node.restarts = 0;
                let storage_path = format!("/var/lib/sutra/{}", node.id);
                let memory_limit_mb = 512 << self.random.below(3);
                let event =
                    GridEvent::SpawnRequested { node_id, agent_id, port, storage_path, memory_limit_mb, timestamp };
                (NodeState::Requested, event)
            }
            NodeState::Requested if chance < 71 => {
                (NodeState::Running, GridEvent::SpawnSucceeded { node_id, agent_id, pid, port, timestamp })
            }
            NodeState::Requested => {
                let error = match self.random.below(4) {
                    0 | 1 => format!("port {port} is already in use"),
                    2 => "no answer within 30 s".to_owned(),
                    _ => "storage-server: not found".to_owned(),
                };
                (NodeState::Idle, GridEvent::SpawnFailed { node_id, agent_id, error, timestamp })
            }
            NodeState::Running if chance < 50 => {
                let exit_code = [Some(137), Some(139), Some(1), Some(-9), None][self.random.index(5)];
                (NodeState::Crashed, GridEvent::NodeCrashed { node_id, agent_id, exit_code, timestamp })
            }
            NodeState::Running => (NodeState::Stopping, GridEvent::StopRequested { node_id, agent_id, timestamp }),
            NodeState::Stopping if chance < 3 => {
                let error = "the node did not stop within 10 s".to_owned();
                (NodeState::Running, GridEvent::StopFailed { node_id, agent_id, error, timestamp })
            }
            NodeState::Stopping => (NodeState::Idle, GridEvent::StopSucceeded { node_id, agent_id, timestamp }),
        };
        let runs = |state| matches!(state, NodeState::Running | NodeState::Stopping);
        agent.running += u32::from(runs(state));
        agent.running -= u32::from(runs(node.state));
        node.state = state;
        if !matches!(state, NodeState::Idle | NodeState::Running) {
            self.follow_up(Subject::Node(index), SECOND_US / 10, 5 * SECOND_US);
        }
        event
    }

    fn follow_up(&mut self, subject: Subject, after_us: u64, within_us: u64) {
        let delay = after_us + self.random.below(within_us - after_us);
        self.due.push(Reverse((self.now_us + delay as i64, subject)));
    }
}

impl Iterator for Mix {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.now_us += 1 + self.random.below(GAP_US_MAX) as i64;
        let late_us = if self.random.below(50) == 0 { self.random.below(LATE_US_MAX) } else { 0 };
        let timestamp = at(self.now_us - late_us as i64);
        let event = if self.registered < AGENTS {
            self.registration(timestamp)
        } else if self.random.below(1_000) < 850 {
            self.heartbeat(timestamp)
        } else {
            self.life(timestamp)
        };
        Some(event.into())
    }
}

fn at(timestamp_us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(timestamp_us).unwrap_or_default()
}

/// A small generator of random numbers (SplitMix64), so that the events are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn index(&mut self, limit: usize) -> usize {
        self.below(limit as u64) as usize
    }
}
