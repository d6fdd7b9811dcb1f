//! `demo`: a small grid of real processes on this machine, with everything that goes wrong in one.
//!
//! ```text
//! script (what happens, and when) ─► Agent (heartbeats, NodeSupervisor) ─► node (this program again)
//!                                      │       ▲
//!                                      │       └─ Master (watches the heartbeats)
//!                                      └► Recorder ─► EventEmitter, and a copy to the terminal
//! summary: what a query finds of it afterwards
//! ```
//!
//! Nothing is made up: processes are started, killed and restarted, ports are taken, heartbeats are late.

mod agent;
mod master;
mod node;
mod recorder;
mod summary;
mod ticker;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use crossbeam_channel::Receiver;
use sutra_grid_events::grid::{NodePhase, NodeSpec, Readiness, RestartPolicy};
use sutra_grid_events::{EmitterConfig, Event, EventEmitter};

use self::agent::Agent;
pub(crate) use self::node::{NodeArguments, run_node};
use self::recorder::Recorder;
use super::Outcome;
use crate::args::Global;
use crate::output::{Output, printable};

/// The node that is killed, and whose timeline is shown.
const CRASHING_NODE: &str = "node-abc";
/// How long a node may take to be ready.
const READY_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause before a crashed node is restarted.
const RESTART_PAUSE: Duration = Duration::from_millis(300);

/// What happens, and when.
const SCRIPT: &[(Duration, Step)] = &[
    (Duration::from_millis(300), Step::SpawnMissingProgram),
    (Duration::from_millis(500), Step::SpawnOnTakenPort),
    (Duration::from_millis(600), Step::Freeze(AGENT_2)),
    (Duration::from_millis(900), Step::Kill),
    (Duration::from_millis(1_400), Step::Freeze(AGENT_3)),
    (Duration::from_millis(1_900), Step::Kill),
    (Duration::from_millis(2_300), Step::Stop),
    (Duration::from_millis(2_750), Step::Thaw(AGENT_3)),
    (Duration::from_millis(3_100), Step::Thaw(AGENT_2)),
    (Duration::from_millis(3_400), Step::End),
];
const AGENT_1: usize = 0;
const AGENT_2: usize = 1;
const AGENT_3: usize = 2;
/// The agents, by the constants above, with the nodes that each runs from the start.
const AGENTS: [(&str, &[&str]); 3] = [
    ("agent-001", &[CRASHING_NODE, "node-abd"]),
    ("agent-002", &["node-bcd", "node-bce"]),
    ("agent-003", &["node-cde"]),
];

#[derive(Debug, Clone, Copy)]
enum Step {
    SpawnMissingProgram,
    SpawnOnTakenPort,
    /// An agent hangs: its heartbeats stop.
    Freeze(usize),
    Thaw(usize),
    /// The crashing node gets SIGKILL.
    Kill,
    /// A node is stopped in order.
    Stop,
    End,
}

pub(crate) fn run(global: &Global) -> Result<Outcome> {
    let workspace = Workspace::create()?;
    let directory = global.explicit_directory().map_or_else(|| workspace.root.join("events"), Path::to_owned);
    let emitter = EventEmitter::open(&directory, EmitterConfig::default())?;
    let mut out = Output::stdout();
    writeln!(out, "A grid of three agents starts on this machine; it is recorded in {}.\n", directory.display())?;
    let since_us = chrono::Utc::now().timestamp_micros();
    perform(&emitter, &workspace, &mut out)?;
    emitter.close_blocking()?;
    let written = emitter.stats().committed;
    writeln!(out, "\nThe grid is shut down; {written} events are on disk. What they say, read from there:")?;
    summary::print(&directory, since_us, &mut out)?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// Lets the grid live and die, telling of it as it goes.
fn perform(emitter: &EventEmitter, workspace: &Workspace, out: &mut Output) -> Result<()> {
    let start = Instant::now();
    let (recorder, events) = Recorder::new(emitter.clone());
    let teller = Teller { start, events, out };
    let names = AGENTS.iter().map(|(agent_id, _)| agent_id);
    let agents: Vec<Arc<Agent>> =
        names.map(|agent_id| Agent::start(agent_id, recorder.clone()).map(Arc::new)).collect::<io::Result<_>>()?;
    let mut grid = Grid { agents, workspace, program: std::env::current_exe()?, teller };
    grid.spawn_all()?;
    let master = master::start(grid.agents.clone(), recorder)?;
    for (after, step) in SCRIPT {
        grid.teller.tell_until(start + *after)?;
        grid.perform(*step)?;
    }
    // First of all, so that agents which leave in order are not missed.
    drop(master);
    for agent in grid.agents.drain(..) {
        agent.unregister();
        grid.teller.tell_until(Instant::now())?;
    }
    Ok(())
}

/// What the script acts on.
struct Grid<'a> {
    agents: Vec<Arc<Agent>>,
    workspace: &'a Workspace,
    program: PathBuf,
    teller: Teller<'a>,
}

impl Grid<'_> {
    fn spawn_all(&mut self) -> Result<()> {
        for (agent, (_, nodes)) in self.agents.iter().zip(AGENTS) {
            for node_id in nodes {
                agent.supervisor().spawn(self.node(node_id, free_port()?))?;
                self.teller.tell_until(Instant::now())?;
            }
        }
        Ok(())
    }

    fn perform(&mut self, step: Step) -> Result<()> {
        // The indices are constants of this file, within the array that the agents were made from.
        match step {
            Step::SpawnMissingProgram => {
                let spec = self.node("node-cdf", free_port()?);
                // What fails here is meant to; the supervisor records it.
                let missing = NodeSpec { program: self.workspace.root.join("storage-node-2.0"), ..spec };
                let _ = self.agents[AGENT_3].supervisor().spawn(missing);
            }
            Step::SpawnOnTakenPort => {
                let taken = self.agents[AGENT_1].port()?;
                let _ = self.agents[AGENT_1].supervisor().spawn(self.node("node-abe", taken));
            }
            Step::Freeze(agent) => self.agents[agent].freeze(true),
            Step::Thaw(agent) => self.agents[agent].freeze(false),
            Step::Kill => {
                self.await_running(CRASHING_NODE)?;
                self.agents[AGENT_1].supervisor().kill(CRASHING_NODE)?;
            }
            Step::Stop => self.agents[AGENT_1].supervisor().stop("node-abd")?,
            Step::End => {}
        }
        Ok(())
    }

    /// Waits until a node of the first agent runs: on a busy machine a restart takes its time.
    fn await_running(&mut self, node_id: &str) -> Result<()> {
        let until = Instant::now() + READY_TIMEOUT;
        while Instant::now() < until {
            let node = self.agents[AGENT_1].supervisor().node(node_id);
            if node.is_some_and(|node| matches!(node.phase, NodePhase::Running { .. })) {
                break;
            }
            self.teller.tell_until(Instant::now() + RESTART_PAUSE / 10)?;
        }
        Ok(())
    }

    /// A node that runs this very program.
    fn node(&self, node_id: &str, port: u16) -> NodeSpec {
        let storage = self.workspace.nodes.join(node_id);
        let args: Vec<OsString> = vec![
            node::COMMAND.into(),
            "--port".into(),
            port.to_string().into(),
            "--storage".into(),
            storage.clone().into_os_string(),
        ];
        NodeSpec {
            args,
            port: u32::from(port),
            storage_path: storage.display().to_string(),
            memory_limit_mb: 512,
            readiness: Readiness::FirstLine { timeout: READY_TIMEOUT },
            restart: RestartPolicy { pause_min: RESTART_PAUSE, ..RestartPolicy::default() },
            ..NodeSpec::new(node_id, &self.program)
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Prints events as they are recorded.
struct Teller<'a> {
    start: Instant,
    events: Receiver<Event>,
    out: &'a mut Output,
}

impl Teller<'_> {
    /// Prints what is recorded until then; at least what was recorded before.
    fn tell_until(&mut self, until: Instant) -> Result<()> {
        while let Ok(event) = self.events.recv_deadline(until) {
            let seconds = self.start.elapsed().as_secs_f32();
            let sentence = event.to_description();
            writeln!(self.out, "{seconds:5.1} s  {:<18} {}", event.event_type(), printable(&sentence))?;
            self.out.flush()?;
        }
        Ok(())
    }
}

/// A directory of the demo's own. The folder of the nodes is removed at the end, the recorded events stay.
struct Workspace {
    root: PathBuf,
    nodes: PathBuf,
}

impl Workspace {
    fn create() -> Result<Self> {
        let base = std::env::temp_dir();
        let pid = std::process::id();
        for number in 1.. {
            let root = base.join(format!("grid-events-demo-{pid}-{number}"));
            match fs::create_dir(&root) {
                Ok(()) => return Ok(Self { nodes: root.join("nodes"), root }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("cannot create {}", root.display())),
            }
        }
        anyhow::bail!("no free name for a directory in {}", base.display())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.nodes);
        // Fails, as it should, where the events were recorded in it.
        let _ = fs::remove_dir(&self.root);
    }
}
