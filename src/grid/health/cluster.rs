//! How the agents are in all.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::agent::{AgentHealth, Watched};
use crate::event::GridEvent;

/// How many agents a reason names of each sort; the others are counted.
const NAMES_IN_REASON: usize = 8;

/// How a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterHealth {
    /// Every agent is healthy.
    Healthy,
    /// Some agent is not healthy.
    Degraded,
    /// More than half of the agents are offline.
    Critical,
}

/// How many agents there are of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) total: usize,
    pub(super) degraded: usize,
    pub(super) offline: usize,
}

impl Tally {
    pub(super) fn add(&mut self, health: AgentHealth) {
        self.total += 1;
        self.degraded += usize::from(health == AgentHealth::Degraded);
        self.offline += usize::from(health == AgentHealth::Offline);
    }

    /// Takes out one that was added before.
    pub(super) fn remove(&mut self, health: AgentHealth) {
        self.total = self.total.saturating_sub(1);
        self.degraded = self.degraded.saturating_sub(usize::from(health == AgentHealth::Degraded));
        self.offline = self.offline.saturating_sub(usize::from(health == AgentHealth::Offline));
    }

    pub(super) fn health(&self) -> ClusterHealth {
        if self.offline * 2 > self.total {
            ClusterHealth::Critical
        } else if self.offline + self.degraded > 0 {
            ClusterHealth::Degraded
        } else {
            ClusterHealth::Healthy
        }
    }
}

/// The event that says how the cluster is now.
pub(super) fn describe(tally: Tally, agents: &BTreeMap<String, Watched>, timestamp: DateTime<Utc>) -> GridEvent {
    let total_agents = number(tally.total);
    let healthy_agents = number(tally.total.saturating_sub(tally.degraded + tally.offline));
    match tally.health() {
        ClusterHealth::Healthy => {
            let nodes = agents.values().map(|watched| watched.status.nodes);
            let (total_nodes, running_nodes) = nodes.fold((0_u32, 0_u32), |(total, running), nodes| {
                (total.saturating_add(nodes.total), running.saturating_add(nodes.running))
            });
            GridEvent::ClusterHealthy { total_agents, healthy_agents, total_nodes, running_nodes, timestamp }
        }
        ClusterHealth::Degraded => {
            GridEvent::ClusterDegraded { total_agents, healthy_agents, reason: reason(agents), timestamp }
        }
        ClusterHealth::Critical => {
            GridEvent::ClusterCritical { total_agents, healthy_agents, reason: reason(agents), timestamp }
        }
    }
}

/// Which agents are not healthy, such as `agent-001 and agent-002 offline, agent-003 degraded`.
fn reason(agents: &BTreeMap<String, Watched>) -> String {
    let of = |health| {
        let names: Vec<&str> = agents
            .iter()
            .filter(|(_, watched)| watched.status.health == health)
            .map(|(agent_id, _)| agent_id.as_str())
            .collect();
        (!names.is_empty()).then(|| listed(&names))
    };
    let offline = of(AgentHealth::Offline).map(|names| format!("{names} offline"));
    let degraded = of(AgentHealth::Degraded).map(|names| format!("{names} degraded"));
    offline.into_iter().chain(degraded).collect::<Vec<_>>().join(", ")
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] if names.len() <= NAMES_IN_REASON => format!("{} and {last}", all.join(", ")),
        _ => {
            let named: Vec<&str> = names.iter().take(NAMES_IN_REASON).copied().collect();
            format!("{} and {} more", named.join(", "), names.len().saturating_sub(NAMES_IN_REASON))
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_up_to_a_number() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(&["x"; 8]), "x, x, x, x, x, x, x and x");
        assert_eq!(listed(&["x"; 10]), "x, x, x, x, x, x, x, x and 2 more");
    }

    #[test]
    fn a_half_is_no_majority() {
        let health = |total, degraded, offline| Tally { total, degraded, offline }.health();
        assert_eq!(health(0, 0, 0), ClusterHealth::Healthy);
        assert_eq!(health(3, 0, 0), ClusterHealth::Healthy);
        assert_eq!(health(3, 3, 0), ClusterHealth::Degraded);
        assert_eq!(health(4, 0, 2), ClusterHealth::Degraded);
        assert_eq!(health(3, 0, 2), ClusterHealth::Critical);
        assert_eq!(health(1, 0, 1), ClusterHealth::Critical);
    }
}
