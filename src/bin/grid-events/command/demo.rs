//! `demo`: a whole grid on this machine, with everything that goes wrong in one.
//!
//! ```text
//!                     script (what happens) ── signals ──► processes
//!                       │ orders                              │
//!                       ▼            JSON lines over TCP      ▼
//!  Recorder ◄────────── master ◄───────────────────────────► three agents ─► nodes
//!  (EventEmitter,       (HealthTracker)                      (this program   (this program
//!   and the terminal)                                         again)          again)
//!
//!  summary: what queries and questions find of it afterwards
//! ```
//!
//! Nothing is made up: processes are started, stopped, killed and restarted, ports are taken, memory runs out. All of
//! them are gone at the end, however it comes: agents are told to leave, then their process groups are killed; an
//! agent ends with its master, and a node with its agent.

mod agent;
mod interruption;
mod master;
mod node;
mod process;
mod protocol;
mod recorder;
mod script;
mod summary;
mod teller;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use sutra_grid_events::{EmitterConfig, EventEmitter};
use tokio::runtime::{Builder, Runtime};

pub(crate) use self::agent::{AgentArguments, run_agent};
use self::interruption::Interruption;
use self::master::Master;
pub(crate) use self::node::{NodeArguments, run_node};
use self::recorder::Recorder;
use self::script::Grid;
use self::teller::Teller;
use super::Outcome;
use crate::args::Global;
use crate::output::Output;

/// The node that is killed, and whose timeline is shown.
const CRASHING_NODE: &str = "node-abc";
/// The node that runs out of memory.
const FILLED_NODE: &str = "node-bcd";
/// How long a node may take to be ready.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn run(global: &Global) -> Result<Outcome> {
    let workspace = Workspace::create()?;
    let directory = global.explicit_directory()?.unwrap_or_else(|| workspace.root.join("events"));
    let emitter = EventEmitter::open(&directory, EmitterConfig::default())?;
    let mut out = Output::stdout();
    writeln!(out, "A grid of a master and three agents starts on this machine.")?;
    writeln!(out, "It is recorded in {}.\n", directory.display())?;
    let since_us = chrono::Utc::now().timestamp_micros();
    let runtime = runtime()?;
    let performed = runtime.block_on(perform(&emitter, &workspace, &mut out));
    // Also where it did not go as it should: what was recorded until then is kept.
    let closed = emitter.close_blocking();
    performed?;
    closed?;
    let written = emitter.stats().committed;
    writeln!(out, "\nThe grid is shut down; {written} events are on disk. What they say, read from there:")?;
    summary::print(&directory, since_us, &mut out)?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// A runtime of one thread. That must be the main thread in the demo itself: the system ends an agent when the thread
/// that started it ends.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Lets the grid live and die, telling of it as it goes.
async fn perform(emitter: &EventEmitter, workspace: &Workspace, out: &mut Output) -> Result<()> {
    let mut interruption = Interruption::listen()?;
    let (recorder, events) = Recorder::new(emitter.clone());
    let master = Master::start(recorder).await?;
    // Its processes are killed when it is dropped, on every way out of here.
    let mut grid = Grid::new(master, &workspace.nodes, Teller::new(events, out))?;
    let played = tokio::select! {
        played = grid.play() => played,
        interrupted = interruption.next() => interrupted,
    };
    let left = tokio::select! {
        left = grid.leave() => left,
        interrupted = interruption.next() => interrupted,
    };
    played.and(left)
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
