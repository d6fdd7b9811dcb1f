//! An agent of the demo: this program again, as a process of its own that runs nodes as its children.
//!
//! ```text
//! master ──orders──► tasks ─► NodeSupervisor ─► nodes
//!        ◄─reports── heartbeats, events of the supervisor, how orders went
//! ```

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::value::RawValue;
use sutra_grid_events::Event;
use sutra_grid_events::grid::{NodePhase, NodeSpec, NodeSupervisor, Readiness, RestartPolicy, Unresponsive};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use super::super::Outcome;
use super::protocol::{Introduction, NodeTask, Order, Report, Task, receive, send};
use super::{READY_TIMEOUT, node};

/// The hidden command that runs an agent.
pub(super) const COMMAND: &str = "demo-agent";
/// How often an agent says that it lives.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(200);
/// How many nodes an agent can run.
const NODES_MAX: u32 = 4;
/// The pause before a crashed node is restarted.
const RESTART_PAUSE: Duration = Duration::from_millis(300);
/// How long a node may take to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_millis(700);

#[derive(Debug, Args)]
pub(crate) struct AgentArguments {
    /// The name of the agent
    #[arg(long)]
    id: String,
    /// Where the master listens
    #[arg(long, value_name = "ADDRESS")]
    master: SocketAddr,
    /// The process of the master, with which the agent ends
    #[arg(long, value_name = "PID")]
    master_pid: u32,
    /// The directory of the nodes
    #[arg(long, value_name = "DIR")]
    nodes: PathBuf,
}

/// Runs nodes until the master says that it is over, or is gone.
pub(crate) fn run_agent(arguments: &AgentArguments) -> Result<Outcome> {
    end_with_parent()?;
    ensure!(parent_id() == arguments.master_pid, "the master is gone");
    let runtime = super::runtime()?;
    let served = runtime.block_on(serve(arguments));
    runtime.shutdown_background();
    served?;
    Ok(Outcome::Done)
}

/// Has the system end this process when its parent ends, even while it is stopped. Where the system cannot, the end of
/// the connection must do.
fn end_with_parent() -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

async fn serve(arguments: &AgentArguments) -> Result<()> {
    let endpoint = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let stream = TcpStream::connect(arguments.master).await.context("cannot reach the master")?;
    stream.set_nodelay(true)?;
    let (reading, writing) = stream.into_split();
    let (reports, outgoing) = unbounded_channel();
    let sending = tokio::spawn(send_all(writing, outgoing));
    let (incoming, orders) = unbounded_channel();
    tokio::spawn(receive_all(reading, incoming));

    // Nothing here fails once the master is gone: the orders end, and with them the agent.
    let _ = reports.send(Report::Register(Introduction {
        agent_id: arguments.id.clone(),
        hostname: hostname(),
        platform: std::env::consts::OS.to_owned(),
        agent_endpoint: endpoint.local_addr()?.to_string(),
        max_storage_nodes: NODES_MAX,
    }));
    let events = reports.clone();
    let supervisor = NodeSupervisor::new(&arguments.id, move |event: Event| {
        if let Ok(json) = RawValue::from_string(event.to_json().to_string()) {
            let _ = events.send(Report::Event(json));
        }
    });
    let agent = Agent { supervisor: Arc::new(supervisor), program: std::env::current_exe()?, reports };
    agent.live(orders, &arguments.nodes).await;
    let _ = sending.await;
    Ok(())
}

struct Agent {
    supervisor: Arc<NodeSupervisor>,
    program: PathBuf,
    reports: UnboundedSender<Report>,
}

impl Agent {
    /// Beats and obeys until it is to leave or the orders end; then ends its nodes and says so.
    async fn live(&self, mut orders: UnboundedReceiver<Order>, nodes: &Path) {
        let mut heart = interval(HEARTBEAT_INTERVAL);
        heart.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                _ = heart.tick() => self.beat(),
                order = orders.recv() => match order {
                    None | Some(Order { task: Task::Leave, .. }) => break,
                    Some(order) => self.begin(order, nodes, &mut tasks),
                }
            }
        }
        // A node that is just being started is to be ended as well.
        tasks.join_all().await;
        let supervisor = Arc::clone(&self.supervisor);
        let _ = spawn_blocking(move || supervisor.stop_all()).await;
        let _ = self.reports.send(Report::Leaving);
    }

    fn beat(&self) {
        let nodes = self.supervisor.nodes();
        let running = nodes.iter().filter(|node| matches!(node.phase, NodePhase::Running { .. })).count();
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let _ = self.reports.send(Report::Heartbeat { total: number(nodes.len()), running: number(running) });
    }

    /// Lets a task run beside the heartbeats. Its outcome is reported.
    fn begin(&self, order: Order, nodes: &Path, tasks: &mut JoinSet<()>) {
        let (supervisor, reports) = (Arc::clone(&self.supervisor), self.reports.clone());
        let spec = match &order.task {
            Task::Spawn(task) => Some(self.spec(task, nodes)),
            _ => None,
        };
        tasks.spawn_blocking(move || {
            let outcome = match (order.task, spec) {
                (_, Some(spec)) => supervisor.spawn(spec).map(drop),
                (Task::Stop { node_id }, None) => supervisor.stop(&node_id),
                (Task::Kill { node_id }, None) => supervisor.kill(&node_id),
                (Task::StopAll | Task::Leave | Task::Spawn(_), None) => {
                    supervisor.stop_all();
                    Ok(())
                }
            };
            let error = outcome.err().map(|error| error.to_string());
            let _ = reports.send(Report::Done { order: order.number, error });
        });
    }

    /// How a node is run: as this very program, unless another is asked for.
    fn spec(&self, task: &NodeTask, nodes: &Path) -> NodeSpec {
        let storage = nodes.join(&task.node_id);
        let program = task.program.as_ref().map_or_else(|| self.program.clone(), |name| nodes.join(name));
        let mut args = vec![
            node::COMMAND.into(),
            "--port".into(),
            task.port.to_string().into(),
            "--memory-limit-mb".into(),
            task.memory_limit_mb.to_string().into(),
            "--agent-pid".into(),
            std::process::id().to_string().into(),
            "--storage".into(),
            storage.clone().into_os_string(),
        ];
        args.extend(task.deaf.then(|| "--deaf".into()));
        NodeSpec {
            args,
            port: u32::from(task.port),
            storage_path: storage.display().to_string(),
            memory_limit_mb: task.memory_limit_mb,
            readiness: Readiness::FirstLine { timeout: READY_TIMEOUT },
            restart: RestartPolicy { pause_min: RESTART_PAUSE, ..RestartPolicy::default() },
            stop_timeout: STOP_TIMEOUT,
            unresponsive: Unresponsive::Leave,
            ..NodeSpec::new(&task.node_id, program)
        }
    }
}

/// Sends reports until the last, or until the master is gone.
async fn send_all(mut writing: OwnedWriteHalf, mut reports: UnboundedReceiver<Report>) {
    while let Some(report) = reports.recv().await {
        let is_last = matches!(report, Report::Leaving);
        if send(&mut writing, &report).await.is_err() || is_last {
            return;
        }
    }
}

/// Receives orders until the master is gone.
async fn receive_all(reading: OwnedReadHalf, orders: UnboundedSender<Order>) {
    let mut reading = BufReader::new(reading);
    while let Ok(Some(order)) = receive(&mut reading).await {
        if orders.send(order).is_err() {
            return;
        }
    }
}

/// The name of this machine, as far as it is known without asking a network.
fn hostname() -> String {
    let named = fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| fs::read_to_string("/etc/hostname"));
    let name = named.unwrap_or_default().trim().to_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
