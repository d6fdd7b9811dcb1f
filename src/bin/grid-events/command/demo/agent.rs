//! An agent of the demo: registered, alive by its heartbeats, running nodes.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use parking_lot::Mutex;
use sutra_grid_events::GridEvent;
use sutra_grid_events::grid::{Emit, NodePhase, NodeSupervisor};

use super::recorder::Recorder;
use super::ticker::Ticker;

/// How often an agent says that it lives.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(200);
/// How many nodes an agent can run.
const NODES_MAX: u32 = 4;

pub(super) struct Agent {
    body: Arc<Body>,
    /// Where it is reached. No node can serve on this port.
    endpoint: TcpListener,
    /// Sends the heartbeats.
    heart: Mutex<Option<Ticker>>,
}

/// What an agent shares with its heart.
struct Body {
    id: String,
    recorder: Recorder,
    supervisor: NodeSupervisor,
    frozen: AtomicBool,
    last_beat: Mutex<Instant>,
}

impl Agent {
    /// Registers an agent and lets its heart beat.
    pub(super) fn start(id: &str, recorder: Recorder) -> io::Result<Self> {
        let endpoint = TcpListener::bind(("127.0.0.1", 0))?;
        recorder.emit(
            GridEvent::AgentRegistered {
                agent_id: id.to_owned(),
                hostname: hostname(),
                platform: std::env::consts::OS.to_owned(),
                agent_endpoint: endpoint.local_addr()?.to_string(),
                max_storage_nodes: NODES_MAX,
                timestamp: Utc::now(),
            }
            .into(),
        );
        let body = Arc::new(Body {
            id: id.to_owned(),
            supervisor: NodeSupervisor::new(id, recorder.clone()),
            recorder,
            frozen: AtomicBool::new(false),
            last_beat: Mutex::new(Instant::now()),
        });
        let beating = Arc::clone(&body);
        let heart = Ticker::start(&format!("heart-{id}"), HEARTBEAT_INTERVAL, move || beating.beat())?;
        Ok(Self { body, endpoint, heart: Mutex::new(Some(heart)) })
    }

    pub(super) fn id(&self) -> &str {
        &self.body.id
    }

    pub(super) fn supervisor(&self) -> &NodeSupervisor {
        &self.body.supervisor
    }

    /// The port of the agent itself.
    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.endpoint.local_addr()?.port())
    }

    /// Lets the agent hang, or go on.
    pub(super) fn freeze(&self, frozen: bool) {
        self.body.frozen.store(frozen, Ordering::Relaxed);
    }

    /// How long ago its last heartbeat was.
    pub(super) fn silence(&self) -> Duration {
        self.body.last_beat.lock().elapsed()
    }

    /// How many of its nodes run, and how many it has.
    pub(super) fn nodes(&self) -> (u32, u32) {
        self.body.nodes()
    }

    /// Stops all nodes and leaves the grid in order.
    pub(super) fn unregister(&self) {
        self.heart.lock().take();
        let Body { id, recorder, supervisor, .. } = &*self.body;
        supervisor.stop_all();
        recorder.emit(GridEvent::AgentUnregistered { agent_id: id.clone(), timestamp: Utc::now() }.into());
    }
}

impl Body {
    fn beat(&self) {
        if self.frozen.load(Ordering::Relaxed) {
            return;
        }
        *self.last_beat.lock() = Instant::now();
        let (storage_node_count, _) = self.nodes();
        let beat = GridEvent::AgentHeartbeat { agent_id: self.id.clone(), storage_node_count, timestamp: Utc::now() };
        self.recorder.emit(beat.into());
    }

    fn nodes(&self) -> (u32, u32) {
        let nodes = self.supervisor.nodes();
        let running = nodes.iter().filter(|node| matches!(node.phase, NodePhase::Running { .. })).count();
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        (number(running), number(nodes.len()))
    }
}

/// The name of this machine, as far as it is known without asking a network.
fn hostname() -> String {
    let named = fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| fs::read_to_string("/etc/hostname"));
    let name = named.unwrap_or_default().trim().to_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
