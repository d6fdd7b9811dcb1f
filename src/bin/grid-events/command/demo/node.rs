//! The storage node of the demo: this program again, serving on a port of its own until it is ended.
//!
//! It has a true limit on its memory, and fills it when it is told to: `fill` on a connection.

use std::fs;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::unix::process::parent_id;
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

use super::super::Outcome;

/// The hidden command that runs a node.
pub(super) const COMMAND: &str = "demo-node";
/// What makes a node fill its memory.
pub(super) const FILL: &[u8; 5] = b"fill\n";
/// The exit code of a process that is ended because of its memory, as shells and container runtimes have it.
pub(super) const OUT_OF_MEMORY: i32 = 137;
/// How often a node looks whether its agent still lives: one that was killed leaves no node behind.
const PARENT_CHECK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct NodeArguments {
    /// The port to serve on
    #[arg(long)]
    port: u16,
    /// Where to keep data
    #[arg(long, value_name = "DIR")]
    storage: PathBuf,
    /// How much memory to use at most
    #[arg(long, value_name = "MB")]
    memory_limit_mb: u64,
    /// The process of the agent, with which the node ends
    #[arg(long, value_name = "PID")]
    agent_pid: u32,
    /// Ignore SIGTERM
    #[arg(long)]
    deaf: bool,
}

/// Serves until the process is ended or its agent is gone.
pub(crate) fn run_node(arguments: &NodeArguments) -> Result<Outcome> {
    super::runtime()?.block_on(serve(arguments))?;
    Ok(Outcome::Done)
}

async fn serve(arguments: &NodeArguments) -> Result<()> {
    // Whoever listens to the signal, even without reading it, is not ended by it any more.
    let _deaf = arguments.deaf.then(|| signal(SignalKind::terminate())).transpose()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))
        .await
        .with_context(|| format!("cannot serve on port {}", arguments.port))?;
    fs::create_dir_all(&arguments.storage).with_context(|| format!("cannot create {}", arguments.storage.display()))?;
    fs::write(arguments.storage.join("pid"), process::id().to_string())?;
    let limit = Some(arguments.memory_limit_mb.saturating_mul(1 << 20));
    setrlimit(Resource::Data, Rlimit { current: limit, maximum: limit }).context("cannot limit the memory")?;
    let mut out = io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    let mut look = tokio::time::interval(PARENT_CHECK);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(answer(stream, arguments.memory_limit_mb));
                }
            }
            _ = look.tick() => {
                if parent_id() != arguments.agent_pid {
                    return Ok(());
                }
            }
        }
    }
}

/// Answers one who connected: whatever is said, unless it is to fill the memory.
async fn answer(mut stream: TcpStream, memory_limit_mb: u64) {
    let mut said = [0; FILL.len()];
    if stream.read_exact(&mut said).await.is_ok() && said == *FILL {
        fill(memory_limit_mb);
        eprintln!("memory limit of {memory_limit_mb} MB reached");
        process::exit(OUT_OF_MEMORY);
    }
    let _ = stream.write_all(b"ok\n").await;
}

/// Takes memory until the system gives no more, at the latest at the limit: not every system keeps to it.
fn fill(memory_limit_mb: u64) {
    let mut held: Vec<Vec<u8>> = Vec::new();
    while (held.len() as u64) < memory_limit_mb {
        let mut block = Vec::new();
        if held.try_reserve(1).is_err() || block.try_reserve_exact(1 << 20).is_err() {
            return;
        }
        block.resize(1 << 20, 1);
        held.push(block);
    }
}
