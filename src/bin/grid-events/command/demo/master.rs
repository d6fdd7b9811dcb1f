//! The master of the demo: listens for agents, gives them orders, watches their heartbeats, and records what it sees
//! and what they report.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use parking_lot::Mutex;
use sutra_grid_events::Event;
use sutra_grid_events::grid::health::{AgentHealth, ClusterHealth};
use sutra_grid_events::grid::{Emit, HealthConfig, HealthTracker, Moment, NodeCounts};
use tokio::io::BufReader;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::protocol::{Introduction, Order, Report, Task, receive, send};
use super::recorder::Recorder;

/// Without a heartbeat for this long an agent is degraded.
const DEGRADED_AFTER: Duration = Duration::from_millis(1_000);
/// Without a heartbeat for this long an agent is offline.
const OFFLINE_AFTER: Duration = Duration::from_millis(2_000);
/// The longest that the master goes without a look at its agents.
const CHECK_INTERVAL_MAX: Duration = Duration::from_millis(100);
/// How long an order may take.
const ORDER_TIMEOUT: Duration = Duration::from_secs(15);

/// Ends when it is dropped.
pub(super) struct Master {
    shared: Arc<Shared>,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

struct Shared {
    tracker: HealthTracker,
    recorder: Recorder,
    links: Mutex<Links>,
}

#[derive(Default)]
struct Links {
    /// The agents that are connected, with the way to each.
    agents: BTreeMap<String, UnboundedSender<Order>>,
    /// Who waits for the outcome of an order.
    waiting: HashMap<u64, oneshot::Sender<Option<String>>>,
    orders: u64,
}

impl Master {
    /// Listens on a free port of this machine.
    pub(super) async fn start(recorder: Recorder) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen for agents")?;
        let address = listener.local_addr()?;
        let config = HealthConfig { degraded_after: DEGRADED_AFTER, offline_after: OFFLINE_AFTER };
        let tracker = HealthTracker::new(config, recorder.clone());
        let shared = Arc::new(Shared { tracker, recorder, links: Mutex::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        tasks.spawn(watch(Arc::clone(&shared)));
        Ok(Self { shared, address, _tasks: tasks })
    }

    /// Where agents reach it.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether an agent is connected.
    pub(super) fn is_connected(&self, agent_id: &str) -> bool {
        self.shared.links.lock().agents.contains_key(agent_id)
    }

    /// How an agent is; nothing if it is not registered.
    pub(super) fn health(&self, agent_id: &str) -> Option<AgentHealth> {
        self.shared.tracker.agent(agent_id).map(|status| status.health)
    }

    /// Where an agent says that it is reached.
    pub(super) fn endpoint(&self, agent_id: &str) -> Result<SocketAddr> {
        let status = self.shared.tracker.agent(agent_id).with_context(|| format!("{agent_id} is not registered"))?;
        Ok(status.registration.agent_endpoint.parse()?)
    }

    /// How the cluster is.
    pub(super) fn cluster(&self) -> Option<ClusterHealth> {
        self.shared.tracker.cluster()
    }

    /// Gives an order and waits for its outcome: what went wrong in the words of the agent, if anything.
    pub(super) async fn order(&self, agent_id: &str, task: Task) -> Result<Option<String>> {
        let (reply, outcome) = oneshot::channel();
        let number = {
            let mut links = self.shared.links.lock();
            links.orders += 1;
            let number = links.orders;
            let link = links.agents.get(agent_id).ok_or_else(|| anyhow!("{agent_id} is not connected"))?;
            // Fails if the connection just ended; then nobody answers, which is noticed below.
            let _ = link.send(Order { number, task });
            links.waiting.insert(number, reply);
            number
        };
        let outcome = timeout(ORDER_TIMEOUT, outcome).await;
        self.shared.links.lock().waiting.remove(&number);
        outcome
            .with_context(|| format!("{agent_id} did not answer within {ORDER_TIMEOUT:?}"))?
            .with_context(|| format!("{agent_id} went away before it answered"))
    }

    /// Tells an agent to leave, without waiting.
    pub(super) fn dismiss(&self, agent_id: &str) {
        if let Some(link) = self.shared.links.lock().agents.get(agent_id) {
            let _ = link.send(Order { number: 0, task: Task::Leave });
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, Arc::clone(&shared)))),
            // Out of file descriptors, for instance: trying at once would keep the processor busy.
            Err(_) => sleep(CHECK_INTERVAL_MAX).await,
        }
    }
}

/// Lets the tracker notice silence when it is due.
async fn watch(shared: Arc<Shared>) {
    loop {
        let due = shared.tracker.next_check(Moment::now()).unwrap_or(CHECK_INTERVAL_MAX);
        sleep(due.clamp(Duration::from_millis(1), CHECK_INTERVAL_MAX)).await;
        shared.tracker.check(Moment::now());
    }
}

/// Serves one agent until its connection ends. What is not of the protocol ends it as well.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let (reading, writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    let Ok(Some(Report::Register(introduction))) = receive(&mut reading).await else { return };
    let agent_id = introduction.agent_id.clone();
    let (link, orders) = unbounded_channel();
    tokio::spawn(send_all(writing, orders));
    shared.register(introduction, link.clone());
    while let Ok(Some(report)) = receive(&mut reading).await {
        shared.take(&agent_id, report);
    }
    let mut links = shared.links.lock();
    // One that came back already has another way to it.
    if links.agents.get(&agent_id).is_some_and(|known| known.same_channel(&link)) {
        links.agents.remove(&agent_id);
    }
}

async fn send_all(mut writing: OwnedWriteHalf, mut orders: UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        if send(&mut writing, &order).await.is_err() {
            return;
        }
    }
}

impl Shared {
    fn register(&self, introduction: Introduction, link: UnboundedSender<Order>) {
        let agent_id = introduction.agent_id.clone();
        self.tracker.registered(introduction.into(), Moment::now());
        self.links.lock().agents.insert(agent_id, link);
    }

    fn take(&self, agent_id: &str, report: Report) {
        match report {
            Report::Register(introduction) => self.tracker.registered(introduction.into(), Moment::now()),
            Report::Heartbeat { total, running } => {
                self.tracker.heartbeat(agent_id, NodeCounts { total, running }, Moment::now());
            }
            Report::Event(json) => {
                // An agent of the same program says nothing else than events.
                if let Ok(event) = Event::from_json(json.get()) {
                    self.recorder.emit(event);
                }
            }
            Report::Done { order, error } => {
                if let Some(waiting) = self.links.lock().waiting.remove(&order) {
                    let _ = waiting.send(error);
                }
            }
            Report::Leaving => {
                self.tracker.unregistered(agent_id, Moment::now());
            }
        }
    }
}
