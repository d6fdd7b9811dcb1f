//! The storage node of the demo: this program again, serving on a port of its own until it is ended.

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::process::parent_id;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::super::Outcome;

/// The hidden command that runs a node.
pub(super) const COMMAND: &str = "demo-node";
/// How often a node looks whether the demo still lives: one that was killed leaves no node behind.
const PARENT_CHECK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct NodeArguments {
    /// The port to serve on
    #[arg(long)]
    port: u16,
    /// Where to keep data
    #[arg(long, value_name = "DIR")]
    storage: PathBuf,
}

/// Serves until the process is ended or its parent is gone.
pub(crate) fn run_node(arguments: &NodeArguments) -> Result<Outcome> {
    let parent = parent_id();
    let address = ("127.0.0.1", arguments.port);
    let listener = TcpListener::bind(address).with_context(|| format!("cannot serve on port {}", arguments.port))?;
    fs::create_dir_all(&arguments.storage).with_context(|| format!("cannot create {}", arguments.storage.display()))?;
    fs::write(arguments.storage.join("pid"), std::process::id().to_string())?;
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.write_all(b"ok\n");
        }
    });
    let mut out = io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    while parent_id() == parent {
        thread::sleep(PARENT_CHECK);
    }
    Ok(Outcome::Done)
}
