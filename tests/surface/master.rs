//! A master and an agent as they are written for the original emitter.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use sutra_grid_events::emitter::{EventEmitter, init_events};
use sutra_grid_events::events::GridEvent;
use tokio::sync::RwLock;

/// A master that runs with events or without.
#[derive(Clone)]
struct GridMaster {
    agents: Arc<RwLock<HashMap<String, u32>>>,
    events: Option<EventEmitter>,
}

impl GridMaster {
    fn new() -> Self {
        Self { agents: Arc::new(RwLock::new(HashMap::new())), events: None }
    }

    fn new_with_events(events: EventEmitter) -> Self {
        Self { events: Some(events), ..Self::new() }
    }

    async fn register_agent(&self, agent_id: String, max_storage_nodes: u32) -> Result<(), String> {
        self.agents.write().await.insert(agent_id.clone(), max_storage_nodes);
        if let Some(events) = &self.events {
            events.emit(GridEvent::AgentRegistered {
                agent_id,
                hostname: "host".to_string(),
                platform: "desktop".to_string(),
                agent_endpoint: "localhost:8001".to_string(),
                max_storage_nodes,
                timestamp: Utc::now(),
            });
        }
        Ok(())
    }

    async fn check_health(&self) {
        let agents = self.agents.read().await;
        let offline = agents.keys().map(|agent_id| GridEvent::AgentOffline {
            agent_id: agent_id.clone(),
            last_seen: Utc::now(),
            timestamp: Utc::now(),
        });
        if let Some(ref events) = self.events {
            events.emit_batch(offline.collect());
        }
    }
}

/// What an agent does with its emitter: it moves clones into tasks.
async fn monitor_nodes(events: Option<EventEmitter>) {
    let task = tokio::spawn(async move {
        if let Some(events) = events.as_ref() {
            events.emit(GridEvent::NodeCrashed {
                node_id: format!("node-{}", 1),
                agent_id: "agent-001".to_string(),
                exit_code: None,
                timestamp: Utc::now(),
            });
        }
    });
    task.await.unwrap();
}

/// How a master starts: the endpoint comes from the environment or a configuration, and a failure is a warning.
async fn start(endpoint: Option<String>) -> (GridMaster, Option<EventEmitter>) {
    let events = match endpoint {
        Some(endpoint) => match init_events(endpoint.clone()).await {
            Ok(emitter) => Some(emitter),
            Err(e) => {
                eprintln!("Event emission disabled: {} ({:?})", e, e);
                None
            }
        },
        None => None,
    };
    match events.clone() {
        Some(emitter) => (GridMaster::new_with_events(emitter), events),
        None => (GridMaster::new(), None),
    }
}

#[tokio::test]
async fn a_caller_of_the_original_emitter_works_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let endpoint = directory.path().join("events").display().to_string();
    let (master, events) = start(Some(endpoint)).await;
    master.register_agent("agent-001".to_string(), 5).await.unwrap();
    master.check_health().await;
    monitor_nodes(events.clone()).await;
    let events = events.unwrap();
    events.flush().await.unwrap();
    assert_eq!(events.stats().committed, 3);
}

#[tokio::test]
async fn a_caller_without_a_store_works_as_well() {
    let (master, events) = start(Some(String::new())).await;
    master.register_agent("agent-001".to_string(), 5).await.unwrap();
    master.check_health().await;
    monitor_nodes(events.clone()).await;
    assert!(events.is_none());
    assert!(start(None).await.1.is_none());
    let emitter: Result<EventEmitter, _> = EventEmitter::new(format!("redis://{}", "host")).await;
    assert!(emitter.is_err());
}
