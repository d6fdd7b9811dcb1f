//! The tracker against a model that keeps no state machine: how everything is follows from when each agent was last
//! heard of, and events are the differences between one look and the next.

use std::sync::Arc;
use std::sync::mpsc::channel;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::event::ConceptId;

const AGENTS: u8 = 4;

/// What is done, after a pause in ms.
#[derive(Debug, Clone, Copy)]
enum Step {
    Register(u8),
    Beat(u8, u32, u32),
    Unregister(u8),
    Check,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        2 => (0..AGENTS).prop_map(Step::Register),
        5 => (0..AGENTS, 0..4_u32, 0..4_u32)
            .prop_map(|(agent, running, others)| Step::Beat(agent, running + others, running)),
        1 => (0..AGENTS).prop_map(Step::Unregister),
        4 => Just(Step::Check),
    ];
    // Pauses about the limits, and exactly at them.
    let pause = prop_oneof![Just(0), Just(1), Just(15_000), Just(30_000), 0..8_000_u64, 0..60_000_u64];
    proptest::collection::vec((pause, step), 1..80)
}

fn name(agent: u8) -> String {
    format!("agent-{agent:03}")
}

fn registration(agent: u8) -> Registration {
    Registration {
        agent_id: name(agent),
        hostname: format!("host-{agent}"),
        platform: "bare-metal".into(),
        agent_endpoint: format!("10.0.0.{agent}:50051"),
        max_storage_nodes: u32::from(agent) + 1,
    }
}

/// An agent of the model: when it was last heard of, in ms, and its nodes (all, running).
type Heard = (u64, (u32, u32));

struct Model {
    epoch: DateTime<Utc>,
    limits_ms: (u64, u64),
    agents: BTreeMap<String, Heard>,
    /// How things were at the last look: 0 for healthy, 1 for degraded, 2 for offline.
    looks: BTreeMap<String, u8>,
    said: Option<u8>,
    events: Vec<Event>,
}

impl Model {
    fn at(&self, ms: u64) -> DateTime<Utc> {
        self.epoch + Duration::from_millis(ms)
    }

    fn push(&mut self, event: GridEvent) {
        self.events.push(event.into());
    }

    fn look(&self, ms: u64) -> BTreeMap<String, u8> {
        let of = |heard: u64| match ms - heard {
            silent if silent >= self.limits_ms.1 => 2,
            silent if silent >= self.limits_ms.0 => 1,
            _ => 0,
        };
        self.agents.iter().map(|(agent_id, (heard, _))| (agent_id.clone(), of(*heard))).collect()
    }

    /// Says what is worse than at the last look, and how the cluster is.
    fn silence(&mut self, ms: u64) {
        let looks = self.look(ms);
        for (agent_id, look) in &looks {
            let (agent_id, timestamp) = (agent_id.clone(), self.at(ms));
            let heard = self.agents[&agent_id].0;
            if self.looks.get(&agent_id).is_some_and(|before| before < look) {
                let last_seen = self.at(heard);
                self.push(match look {
                    1 => {
                        GridEvent::AgentDegraded { agent_id, seconds_since_heartbeat: (ms - heard) / 1_000, timestamp }
                    }
                    _ => GridEvent::AgentOffline { agent_id, last_seen, timestamp },
                });
            }
        }
        self.looks = looks;
        if self.said.is_some() {
            self.cluster(ms);
        }
    }

    fn alive(&mut self, agent_id: &str, ms: u64) {
        let heard = self.agents[agent_id].0;
        self.agents.get_mut(agent_id).unwrap().0 = ms;
        if self.looks.insert(agent_id.to_owned(), 0).is_some_and(|before| before > 0) {
            let downtime_seconds = (ms - heard) / 1_000;
            let (agent_id, timestamp) = (agent_id.to_owned(), self.at(ms));
            self.push(GridEvent::AgentRecovered { agent_id, downtime_seconds, timestamp });
        }
    }

    fn cluster(&mut self, ms: u64) {
        let names = |wanted: u8| -> Vec<&str> {
            self.looks.iter().filter(|(_, look)| **look == wanted).map(|(agent_id, _)| agent_id.as_str()).collect()
        };
        let (healthy, degraded, offline) = (names(0), names(1), names(2));
        let level = match (offline.len() + degraded.len(), offline.len() > self.looks.len() - offline.len()) {
            (_, true) => 2,
            (0, _) => 0,
            _ => 1,
        };
        if self.said == Some(level) {
            return;
        }
        let sentence = |names: &[&str], what: &str| match names.split_last() {
            None => String::new(),
            Some((one, [])) => format!("{one} {what}"),
            Some((last, others)) => format!("{} and {last} {what}", others.join(", ")),
        };
        let parts = [sentence(&offline, "offline"), sentence(&degraded, "degraded")];
        let reason = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let (total_agents, healthy_agents) = (self.looks.len() as u32, healthy.len() as u32);
        let timestamp = self.at(ms);
        let event = match level {
            0 => GridEvent::ClusterHealthy {
                total_agents,
                healthy_agents,
                total_nodes: self.agents.values().map(|(_, nodes)| nodes.0).sum(),
                running_nodes: self.agents.values().map(|(_, nodes)| nodes.1).sum(),
                timestamp,
            },
            1 => GridEvent::ClusterDegraded { total_agents, healthy_agents, reason, timestamp },
            _ => GridEvent::ClusterCritical { total_agents, healthy_agents, reason, timestamp },
        };
        self.said = Some(level);
        self.push(event);
    }

    fn step(&mut self, ms: u64, step: Step) {
        self.silence(ms);
        let timestamp = self.at(ms);
        match step {
            Step::Check => return,
            Step::Register(agent) => {
                let Registration { agent_id, hostname, platform, agent_endpoint, max_storage_nodes } =
                    registration(agent);
                self.agents.entry(agent_id.clone()).or_insert((ms, (0, 0))).1 = (0, 0);
                self.push(GridEvent::AgentRegistered {
                    agent_id: agent_id.clone(),
                    hostname,
                    platform,
                    agent_endpoint,
                    max_storage_nodes,
                    timestamp,
                });
                self.alive(&agent_id, ms);
            }
            Step::Beat(agent, total, running) => {
                let agent_id = name(agent);
                let Some(heard) = self.agents.get_mut(&agent_id) else { return };
                heard.1 = (total, running);
                self.push(GridEvent::AgentHeartbeat {
                    agent_id: agent_id.clone(),
                    storage_node_count: running,
                    timestamp,
                });
                self.alive(&agent_id, ms);
            }
            Step::Unregister(agent) => {
                let agent_id = name(agent);
                if self.agents.remove(&agent_id).is_none() {
                    return;
                }
                self.looks.remove(&agent_id);
                self.push(GridEvent::AgentUnregistered { agent_id, timestamp });
            }
        }
        self.cluster(ms);
    }
}

/// Runs steps on both, and compares after each.
fn compare(steps: &[(u64, Step)], limits_ms: (u64, u64)) -> Result<(), TestCaseError> {
    let (sender, events) = channel();
    let (degraded, offline) = limits_ms;
    let config =
        HealthConfig { degraded_after: Duration::from_millis(degraded), offline_after: Duration::from_millis(offline) };
    let tracker = HealthTracker::new(config, move |event| drop(sender.send(event)));
    let start = Moment::now();
    let (agents, looks) = (BTreeMap::new(), BTreeMap::new());
    let mut model = Model { epoch: start.utc, limits_ms, agents, looks, said: None, events: Vec::new() };
    let (mut ms, mut seen) = (0, 0);
    for (pause, step) in steps {
        ms += pause;
        let now = start + Duration::from_millis(ms);
        match *step {
            Step::Register(agent) => tracker.registered(registration(agent), now),
            Step::Beat(agent, total, running) => {
                let known = tracker.heartbeat(&name(agent), NodeCounts { total, running }, now);
                prop_assert_eq!(known, model.agents.contains_key(&name(agent)));
            }
            Step::Unregister(agent) => {
                let known = tracker.unregistered(&name(agent), now);
                prop_assert_eq!(known, model.agents.contains_key(&name(agent)));
            }
            Step::Check => tracker.check(now),
        }
        model.step(ms, *step);
        let told: Vec<Event> = events.try_iter().collect();
        prop_assert_eq!(&told[..], &model.events[seen..], "at {} ms, {:?}", ms, step);
        seen = model.events.len();
        let health = |status: &AgentStatus| (status.registration.agent_id.clone(), status.health as u8);
        prop_assert_eq!(tracker.agents().iter().map(health).collect::<BTreeMap<_, _>>(), model.looks.clone());
        prop_assert_eq!(tracker.cluster().map(|cluster| cluster as u8), model.said);
        check_next(&tracker, &model, now, ms)?;
    }
    Ok(())
}

/// Until the next check that is announced, nothing gets worse.
fn check_next(tracker: &HealthTracker, model: &Model, now: Moment, ms: u64) -> Result<(), TestCaseError> {
    match tracker.next_check(now) {
        None => prop_assert!(model.looks.values().all(|look| *look == 2)),
        Some(wait) => {
            let wait = wait.as_millis() as u64;
            let just_before = ms + wait.saturating_sub(1);
            prop_assert_eq!(model.look(just_before), model.look(ms), "a wait of {} ms is too long", wait);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_tracker_says_what_the_model_says(steps in steps()) {
        compare(&steps, (15_000, 30_000))?;
    }

    #[test]
    fn any_limits_hold(steps in steps(), degraded in 0..20_000_u64, offline in 0..40_000_u64) {
        compare(&steps, (degraded, offline))?;
    }
}

#[test]
fn the_limits_are_those_of_the_family() {
    let config = HealthConfig::default();
    assert_eq!((config.degraded_after.as_secs(), config.offline_after.as_secs()), (15, 30));
}

#[test]
fn a_wall_clock_that_is_set_makes_nobody_silent() {
    let (sender, events) = channel();
    let tracker = HealthTracker::new(HealthConfig::default(), move |event: Event| drop(sender.send(event)));
    let start = Moment::now();
    tracker.registered(registration(1), start);
    let later = start + Duration::from_secs(1);
    tracker.check(Moment { utc: later.utc + Duration::from_secs(86_400), ..later });
    assert_eq!(tracker.agent("agent-001").unwrap().health, AgentHealth::Healthy);
    // Moments of threads can come in another order than they were taken.
    tracker.heartbeat("agent-001", 1, start + Duration::from_secs(10));
    tracker.heartbeat("agent-001", 2, start + Duration::from_secs(9));
    assert_eq!(tracker.agent("agent-001").unwrap().last_seen, start + Duration::from_secs(10));
    tracker.check(start + Duration::from_secs(24));
    assert!(events.try_iter().all(|event| event.event_type() != "agent_degraded"));
}

#[test]
fn offline_names_what_came_before_as_its_cause() {
    struct Identified(std::sync::mpsc::Sender<Event>);
    impl Emit for Identified {
        fn emit(&self, event: Event) {
            drop(self.0.send(event));
        }

        fn emit_tracked(&self, event: Event) -> crate::grid::Ticket {
            let id = ConceptId::new(event.event_type(), event.timestamp_us(), 0).unwrap();
            self.emit(event);
            crate::grid::Ticket::known(id)
        }
    }
    let (sender, events) = channel();
    let tracker = HealthTracker::new(HealthConfig::default(), Identified(sender));
    let start = Moment::now();
    tracker.registered(registration(1), start);
    tracker.check(start + Duration::from_secs(15));
    tracker.check(start + Duration::from_secs(30));
    let events: Vec<Event> = events.try_iter().collect();
    let of = |event_type: &str| events.iter().find(|event| event.event_type() == event_type).unwrap();
    let degraded = of("agent_degraded");
    assert_eq!(of("agent_offline").causes(), [ConceptId::new("agent_degraded", degraded.timestamp_us(), 0).unwrap()]);
}

#[test]
fn threads_share_a_tracker() {
    let (sender, events) = channel();
    let tracker = Arc::new(HealthTracker::new(HealthConfig::default(), move |event: Event| drop(sender.send(event))));
    let start = Moment::now();
    let threads: Vec<_> = (0..AGENTS)
        .map(|agent| {
            let tracker = Arc::clone(&tracker);
            std::thread::spawn(move || {
                tracker.registered(registration(agent), start);
                (0..100).for_each(|_| assert!(tracker.heartbeat(&name(agent), 1, start)));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(events.try_iter().filter(|event| event.event_type() == "agent_heartbeat").count(), 400);
    assert_eq!(tracker.cluster(), Some(ClusterHealth::Healthy));
}
