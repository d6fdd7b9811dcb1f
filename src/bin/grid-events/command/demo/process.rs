//! The process of an agent, as the demo treats it: started, stopped and continued, killed, and always cleaned up.

use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::agent;

/// An agent and the nodes below it. Dropping it ends them all.
pub(super) struct AgentProcess {
    child: Child,
}

impl AgentProcess {
    /// Starts an agent as the head of a process group of its own, which its nodes belong to: Ctrl-C at a terminal then
    /// reaches the demo alone, which ends the others in order.
    pub(super) fn start(agent_id: &str, program: &Path, master: SocketAddr, nodes: &Path) -> Result<Self> {
        let child = Command::new(program)
            .arg(agent::COMMAND)
            .args(["--id", agent_id, "--master", &master.to_string()])
            .args(["--master-pid", &std::process::id().to_string(), "--nodes"])
            .arg(nodes)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {agent_id}"))?;
        Ok(Self { child })
    }

    /// Stops the agent (SIGSTOP): it does nothing any more, and its nodes go on.
    pub(super) fn suspend(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a stopped agent go on.
    pub(super) fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Kills the agent (SIGKILL). Its nodes notice and end by themselves.
    pub(super) fn kill(&self) -> io::Result<()> {
        self.signal(Signal::KILL)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        // The process is not reaped before it is dropped, so its number is no other's.
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        // An error means that all of the group are gone.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
