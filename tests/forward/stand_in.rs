//! A server in memory that behaves as the existing one does where a client must cope with it, and fails on demand.
//!
//! What was not flushed is lost when it is killed. Ids come back as hashes. Learning a concept again drops its
//! associations, and an association is kept only between concepts that are there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sutra_grid_events::remote::client::hashed_id;
use sutra_grid_events::remote::message::{Request, Response, Stats};
use sutra_grid_events::remote::{Dialect, decode_request, encode_response, read_frame, write_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What the server holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    /// Contents by hashed id.
    concepts: HashMap<String, String>,
    /// Neighbours by hashed id.
    neighbors: HashMap<String, Vec<String>>,
    /// Ids as they came, in the order in which they were first learned.
    pub(crate) learned: Vec<String>,
}

/// How it fails.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// Each connection is closed after so many requests.
    pub(crate) close_after: Option<usize>,
    /// Before each answer.
    pub(crate) delay: Option<Duration>,
    /// At a Flush the connection is closed, and nothing becomes durable.
    pub(crate) no_flush: bool,
    /// At a Flush it answers with an error.
    pub(crate) refuse_flush: bool,
    /// It reads this many requests before it answers the first.
    pub(crate) gather: usize,
    /// The token that connections must show.
    pub(crate) token: Option<String>,
    /// It never answers.
    pub(crate) silent: bool,
}

#[derive(Debug, Default)]
struct State {
    memory: Contents,
    durable: Contents,
    faults: Faults,
    connections: usize,
    /// Counts the kills: a connection of before may still be at work on another thread.
    life: usize,
    /// How often an event was learned, repetitions included.
    events_learned: usize,
}

/// The server. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct StandIn {
    port: u16,
    state: Arc<Mutex<State>>,
    serving: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Starts on a port of its own.
    pub(crate) async fn start() -> Self {
        let mut server = Self { port: 0, state: Arc::default(), serving: None };
        server.restart().await;
        server
    }

    /// Ends as kill -9 does: what was not flushed is gone.
    pub(crate) async fn kill(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
        let mut state = self.state.lock();
        state.life += 1;
        state.memory = state.durable.clone();
    }

    /// Loses everything, as a server that is replaced by a new one does.
    pub(crate) fn wipe(&self) {
        let mut state = self.state.lock();
        (state.memory, state.durable) = Default::default();
    }

    /// Listens again on the same port.
    pub(crate) async fn restart(&mut self) {
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", self.port)).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        self.port = listener.local_addr().unwrap().port();
        let state = Arc::clone(&self.state);
        self.serving = Some(tokio::spawn(async move {
            // Dropped with the task, and the connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&state)));
            }
        }));
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    pub(crate) fn durable(&self) -> Contents {
        self.state.lock().durable.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().connections
    }

    pub(crate) fn events_learned(&self) -> usize {
        self.state.lock().events_learned
    }
}

impl Contents {
    /// The ids of the events, in the order in which they were first learned.
    pub(crate) fn events(&self) -> Vec<&str> {
        self.learned.iter().map(String::as_str).filter(|id| id.starts_with("event-")).collect()
    }

    pub(crate) fn content(&self, id: &str) -> Option<&str> {
        self.concepts.get(&hashed_id(id)).map(String::as_str)
    }

    fn learn(&mut self, id: &str, content: String) {
        let key = hashed_id(id);
        if self.concepts.insert(key.clone(), content).is_none() {
            self.learned.push(id.to_owned());
        }
        for neighbor in self.neighbors.remove(&key).unwrap_or_default() {
            if let Some(back) = self.neighbors.get_mut(&neighbor) {
                back.retain(|other| *other != key);
            }
        }
    }

    fn associate(&mut self, source: &str, target: &str) {
        let (source, target) = (hashed_id(source), hashed_id(target));
        if self.concepts.contains_key(&source) && self.concepts.contains_key(&target) {
            for (from, to) in [(&source, &target), (&target, &source)] {
                let neighbors = self.neighbors.entry(from.clone()).or_default();
                if !neighbors.contains(to) {
                    neighbors.push(to.clone());
                }
            }
        }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    stream.set_nodelay(true).unwrap();
    let (life, token) = {
        let mut state = state.lock();
        state.connections += 1;
        (state.life, state.faults.token.clone())
    };
    if let Some(token) = token {
        let length = stream.read_u32().await.unwrap_or_default();
        let mut shown = vec![0; length.min(4096) as usize];
        if stream.read_exact(&mut shown).await.is_err() || shown != token.as_bytes() {
            return;
        }
        let _ = stream.write_u8(1).await;
    }
    let (mut payload, mut served, mut gathered) = (Vec::new(), 0, Vec::new());
    while let Ok(true) = read_frame(&mut stream, Dialect::B.frame_bytes_max(), &mut payload).await {
        let faults = state.lock().faults.clone();
        if faults.close_after.is_some_and(|most| served >= most) {
            return;
        }
        served += 1;
        let Ok(request) = decode_request(Dialect::B, &payload) else { return };
        gathered.push(request);
        if gathered.len() < faults.gather || faults.silent {
            continue;
        }
        for request in gathered.drain(..) {
            if let Some(delay) = faults.delay {
                tokio::time::sleep(delay).await;
            }
            let answer = {
                let mut state = state.lock();
                if state.life != life {
                    return;
                }
                answer(&mut state, request)
            };
            let Some(answer) = answer else { return };
            let answer = encode_response(Dialect::B, &answer).unwrap();
            if write_frame(&mut stream, &answer).await.is_err() {
                return;
            }
        }
    }
}

/// The answer; nothing where the connection is closed instead.
fn answer(state: &mut State, request: Request) -> Option<Response> {
    let sequence = state.memory.learned.len() as u64;
    Some(match request {
        Request::LearnConcept { concept_id, content, .. } => {
            state.events_learned += usize::from(concept_id.starts_with("event-"));
            state.memory.learn(&concept_id, content);
            Response::LearnConceptOk { sequence }
        }
        Request::LearnAssociation { source_id, target_id, .. } => {
            state.memory.associate(&source_id, &target_id);
            Response::LearnAssociationOk { sequence }
        }
        Request::QueryConcept { concept_id } => {
            let content = state.memory.content(&concept_id);
            Response::QueryConceptOk {
                found: content.is_some(),
                concept_id: hashed_id(&concept_id),
                content: content.unwrap_or_default().to_owned(),
                strength: 1.0,
                confidence: 1.0,
                metadata: None,
            }
        }
        Request::GetNeighbors { concept_id } => {
            let neighbor_ids = state.memory.neighbors.get(&hashed_id(&concept_id)).cloned().unwrap_or_default();
            Response::GetNeighborsOk { neighbor_ids }
        }
        Request::GetStats => Response::StatsOk(Stats { concepts: sequence, ..Stats::default() }),
        Request::Flush if state.faults.no_flush => return None,
        Request::Flush if state.faults.refuse_flush => Response::Error { message: "permission denied".to_owned() },
        Request::Flush => {
            state.durable = state.memory.clone();
            Response::FlushOk
        }
        Request::HealthCheck => {
            Response::HealthCheckOk { healthy: true, status: "healthy".to_owned(), uptime_seconds: 1 }
        }
        // The existing server cannot decode these and closes the connection.
        _ => return None,
    })
}
