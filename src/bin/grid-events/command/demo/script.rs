//! What happens in the demo. Every step waits for what it causes, so that a busy machine plays it as well.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use sutra_grid_events::grid::health::{AgentHealth, ClusterHealth};
use tokio::time::sleep;

use super::master::Master;
use super::node::FILL;
use super::process::AgentProcess;
use super::protocol::{NodeTask, Task};
use super::teller::Teller;
use super::{CRASHING_NODE, FILLED_NODE};

const AGENT_1: &str = "agent-001";
const AGENT_2: &str = "agent-002";
const AGENT_3: &str = "agent-003";
/// The agents, with the nodes that each runs from the start.
const AGENTS: [(&str, &[&str]); 3] =
    [(AGENT_1, &[CRASHING_NODE, DEAF_NODE]), (AGENT_2, &[FILLED_NODE, "node-bce"]), (AGENT_3, &[LAST_NODE])];
/// The node that ignores SIGTERM.
const DEAF_NODE: &str = "node-abd";
/// The node that dies with its agent and is started again.
const LAST_NODE: &str = "node-cde";
/// The memory that a node may use.
const MEMORY_LIMIT_MB: u64 = 64;
/// How long anything may take to happen.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an agent may take to leave.
const LEAVE_PATIENCE: Duration = Duration::from_secs(4);
/// How often is looked whether it happened.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// How often an agent is stopped at most until it is seen to be degraded before it is offline.
const STOPS_MAX: usize = 3;

/// What the script acts on. Dropping it ends all processes.
pub(super) struct Grid<'a> {
    master: Master,
    agents: BTreeMap<&'static str, AgentProcess>,
    ports: BTreeMap<String, u16>,
    program: PathBuf,
    nodes: &'a Path,
    teller: Teller<'a>,
}

impl<'a> Grid<'a> {
    /// A grid without agents.
    pub(super) fn new(master: Master, nodes: &'a Path, teller: Teller<'a>) -> Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self { master, agents: BTreeMap::new(), ports: BTreeMap::new(), program, nodes, teller })
    }

    /// Lets everything happen that can happen in a grid.
    pub(super) async fn play(&mut self) -> Result<()> {
        self.assemble().await?;
        self.fail_to_spawn().await?;
        self.kill_a_node().await?;
        self.fill_a_node().await?;
        self.fail_to_stop().await?;
        self.lose_agents().await?;
        self.regain_agents().await?;
        self.succeed("stop", AGENT_3, Task::Stop { node_id: LAST_NODE.to_owned() }).await
    }

    /// Three agents join, and start their nodes.
    async fn assemble(&mut self) -> Result<()> {
        for (agent_id, _) in AGENTS {
            self.start_agent(agent_id)?;
        }
        for (agent_id, nodes) in AGENTS {
            self.until("an agent to register", |grid| grid.master.is_connected(agent_id)).await?;
            for node_id in nodes {
                self.spawn_node(agent_id, node_id).await?;
            }
        }
        Ok(())
    }

    /// A program that is missing, and a port that is taken.
    async fn fail_to_spawn(&mut self) -> Result<()> {
        let missing = NodeTask { program: Some("storage-node-2.0".to_owned()), ..node("node-cdf", free_port()?) };
        self.fail("start a missing program", AGENT_3, Task::Spawn(missing)).await?;
        let taken = self.master.endpoint(AGENT_1)?.port();
        self.fail("start on a taken port", AGENT_1, Task::Spawn(node("node-abe", taken))).await
    }

    /// SIGKILL for a node, twice.
    async fn kill_a_node(&mut self) -> Result<()> {
        for _ in 0..2 {
            self.teller.say(&format!("SIGKILL for {CRASHING_NODE}"))?;
            let mark = self.teller.mark();
            self.succeed("kill", AGENT_1, Task::Kill { node_id: CRASHING_NODE.to_owned() }).await?;
            self.until_told(mark, "node_restarted", CRASHING_NODE).await?;
        }
        Ok(())
    }

    /// A node fills its memory up to the limit.
    async fn fill_a_node(&mut self) -> Result<()> {
        self.teller.say(&format!("{FILLED_NODE} is given more data than its memory limit allows"))?;
        let mark = self.teller.mark();
        let port = self.ports.get(FILLED_NODE).copied().unwrap_or_default();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))?.write_all(FILL)?;
        self.until_told(mark, "node_crashed", FILLED_NODE).await?;
        self.until_told(mark, "node_restarted", FILLED_NODE).await
    }

    /// A node ignores that it is to stop.
    async fn fail_to_stop(&mut self) -> Result<()> {
        self.fail("stop a node that ignores SIGTERM", AGENT_1, Task::Stop { node_id: DEAF_NODE.to_owned() }).await
    }

    /// One agent hangs, another is killed: most of the cluster is gone.
    async fn lose_agents(&mut self) -> Result<()> {
        for _ in 0..STOPS_MAX {
            self.teller.say(&format!("SIGSTOP for the process of {AGENT_2}"))?;
            self.agent(AGENT_2)?.suspend()?;
            self.until_health(AGENT_2, AgentHealth::Offline).await?;
            if self.teller.has_told(0, "agent_degraded", AGENT_2) {
                break;
            }
            // The machine was so busy that the master looked too late to see the step in between.
            self.agent(AGENT_2)?.resume()?;
            self.until_health(AGENT_2, AgentHealth::Healthy).await?;
        }
        self.teller.say(&format!("SIGKILL for the process of {AGENT_3}"))?;
        self.agent(AGENT_3)?.kill()?;
        self.until_health(AGENT_3, AgentHealth::Offline).await?;
        self.until("the cluster to be critical", |grid| grid.master.cluster() == Some(ClusterHealth::Critical)).await
    }

    /// The one goes on, the other is started anew.
    async fn regain_agents(&mut self) -> Result<()> {
        self.teller.say(&format!("SIGCONT for the process of {AGENT_2}"))?;
        self.agent(AGENT_2)?.resume()?;
        self.until_health(AGENT_2, AgentHealth::Healthy).await?;
        self.teller.say(&format!("{AGENT_3} is started anew"))?;
        self.start_agent(AGENT_3)?;
        self.until_health(AGENT_3, AgentHealth::Healthy).await?;
        self.spawn_node(AGENT_3, LAST_NODE).await?;
        self.until("the cluster to be healthy", |grid| grid.master.cluster() == Some(ClusterHealth::Healthy)).await
    }

    /// All agents stop their nodes and leave in order, whatever was played before; what does not is killed. Only what
    /// cannot be printed is an error.
    pub(super) async fn leave(&mut self) -> Result<()> {
        for (agent_id, process) in std::mem::take(&mut self.agents) {
            // It may be stopped, if the play ended early.
            let _ = process.resume();
            let _ = self.master.order(agent_id, Task::StopAll).await;
            self.master.dismiss(agent_id);
            let until = Instant::now() + LEAVE_PATIENCE;
            while self.master.is_connected(agent_id) && Instant::now() < until {
                sleep(LOOK_INTERVAL).await;
            }
            drop(process);
        }
        self.teller.tell()
    }

    fn start_agent(&mut self, agent_id: &'static str) -> Result<()> {
        // First, as the process before may have left nodes whose ports are wanted again.
        self.agents.remove(agent_id);
        let process = AgentProcess::start(agent_id, &self.program, self.master.address(), self.nodes)?;
        self.agents.insert(agent_id, process);
        Ok(())
    }

    fn agent(&self, agent_id: &str) -> Result<&AgentProcess> {
        match self.agents.get(agent_id) {
            Some(process) => Ok(process),
            None => bail!("{agent_id} was not started"),
        }
    }

    async fn spawn_node(&mut self, agent_id: &str, node_id: &str) -> Result<()> {
        let port = free_port()?;
        self.ports.insert(node_id.to_owned(), port);
        let deaf = node_id == DEAF_NODE;
        self.succeed("start", agent_id, Task::Spawn(NodeTask { deaf, ..node(node_id, port) })).await
    }

    /// Has an agent do what must succeed.
    async fn succeed(&mut self, what: &str, agent_id: &str, task: Task) -> Result<()> {
        match self.order(agent_id, task).await? {
            Some(error) => bail!("{agent_id} could not {what} a node: {error}"),
            None => Ok(()),
        }
    }

    /// Has an agent do what must fail.
    async fn fail(&mut self, what: &str, agent_id: &str, task: Task) -> Result<()> {
        self.teller.say(&format!("{agent_id} is told to {what}"))?;
        ensure!(self.order(agent_id, task).await?.is_some(), "{agent_id} could {what}");
        Ok(())
    }

    /// Gives an order and prints what happens until it is done.
    async fn order(&mut self, agent_id: &str, task: Task) -> Result<Option<String>> {
        let mut outcome = pin!(self.master.order(agent_id, task));
        loop {
            tokio::select! {
                outcome = &mut outcome => {
                    self.teller.tell()?;
                    return outcome;
                }
                () = sleep(LOOK_INTERVAL) => self.teller.tell()?,
            }
        }
    }

    async fn until_health(&mut self, agent_id: &str, health: AgentHealth) -> Result<()> {
        let what = format!("{agent_id} to be {health:?}");
        self.until(&what, |grid| grid.master.health(agent_id) == Some(health)).await
    }

    async fn until_told(&mut self, mark: usize, event_type: &str, entity: &str) -> Result<()> {
        let what = format!("{event_type} of {entity}");
        self.until(&what, |grid| grid.teller.has_told(mark, event_type, entity)).await
    }

    /// Waits until something is so, printing what happens meanwhile.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let so = is_so(self);
            self.teller.tell()?;
            if so {
                return Ok(());
            }
            ensure!(Instant::now() < until, "the demo waited {PATIENCE:?} for {what}");
            sleep(LOOK_INTERVAL).await;
        }
    }
}

fn node(node_id: &str, port: u16) -> NodeTask {
    NodeTask { node_id: node_id.to_owned(), port, memory_limit_mb: MEMORY_LIMIT_MB, ..NodeTask::default() }
}

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
