//! The way to a remote store: events go into a store on this machine, a thread forwards them from there.
//!
//! ```text
//! emit ─► queue ─► writer ─► spool (a store) ─► forwarder (a thread) ─► remote store
//! ```
//!
//! So emitting does not depend on the remote store, and what was not forwarded is there after a restart.

use std::convert::Infallible;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use parking_lot::Mutex;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::endpoint::EndpointError;
use super::problem::EmitError;
use super::sink::{DurableCallback, Sink};
use super::stats::SpoolStats;
use crate::error::StoreError;
use crate::event::Event;
use crate::remote::forward::state_directory;
use crate::remote::{ClientOptions, ForwardOptions, ForwardWatch, Forwarder, RemoteEndpoint};
use crate::store::{Appended, Loss, Retention, Store, StoreConfig};

/// The environment variable that names the directory of the spools.
pub const SPOOL_VARIABLE: &str = "EVENT_SPOOL";
/// What a spool keeps of what was forwarded, in bytes, where nothing else is said.
pub const SPOOL_BYTES_MAX: u64 = 256 << 20;
/// Processes of one machine that emit to one endpoint; each has a spool of its own.
pub const SPOOLS_MAX: u32 = 256;
/// How long closing waits for what was not forwarded yet, if the remote store can be reached.
pub const FORWARD_ON_CLOSE: Duration = Duration::from_secs(5);
/// How often in a row sending a leftover may fail before the next one has its turn.
const LEFTOVER_ATTEMPTS_MAX: u32 = 5;
/// How long after the last of them the leftovers are looked for again.
const LEFTOVER_PAUSE: Duration = Duration::from_secs(5 * 60);
/// How much longer closing waits for the thread to end, which it does at once.
const END_OF_THREAD: Duration = Duration::from_secs(1);

/// The settings of a spool where nothing else is said.
pub(super) fn config() -> StoreConfig {
    let retention = Retention { bytes_max: Some(SPOOL_BYTES_MAX), ..Retention::default() };
    StoreConfig { retention, ..StoreConfig::default() }
}

/// The directory of the spools of an endpoint: below `$EVENT_SPOOL`, else `$XDG_STATE_HOME/grid-events/spool`, else
/// `~/.local/state/grid-events/spool`.
pub(super) fn directory(endpoint: &RemoteEndpoint) -> Result<PathBuf, EndpointError> {
    directory_with(endpoint, |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
}

fn directory_with(
    endpoint: &RemoteEndpoint,
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> Result<PathBuf, EndpointError> {
    let spools = variable(SPOOL_VARIABLE).or_else(|| Some(state_directory(&variable)?.join("spool")));
    Ok(spools.ok_or(EndpointError::NoSpool)?.join(endpoint.file_name()))
}

/// Opens the first spool of a directory that no other process has.
pub(super) fn open_free(directory: &Path) -> Result<Store, StoreError> {
    let mut number = 0;
    loop {
        match Store::open_spool(directory.join(number.to_string()), config()) {
            Err(StoreError::Locked { .. }) if number + 1 < SPOOLS_MAX => number += 1,
            opened => return opened,
        }
    }
}

/// A store whose events a thread forwards, as the place where the writer puts them.
pub(super) struct Spool {
    store: Store,
    watch: ForwardWatch,
    /// Ends the thread when it is sent to or dropped.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    /// Disconnected when the thread ends.
    ended: Receiver<()>,
}

impl Spool {
    /// Starts forwarding. What other processes left in the spools of `siblings` is forwarded as well.
    pub(super) fn start(
        store: Store,
        siblings: Option<PathBuf>,
        endpoint: RemoteEndpoint,
        client: ClientOptions,
    ) -> Result<Self, EmitError> {
        let options = ForwardOptions { client, attempts_max: None };
        let forwarder = Forwarder::new(store.clone(), endpoint.clone(), options.clone())?;
        let watch = forwarder.watch();
        let cannot_start = |error: std::io::Error| EmitError::Thread(Arc::new(error));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
        let (stop, stopped) = oneshot::channel();
        let (ending, ended) = bounded::<()>(0);
        let work = move || {
            let _ending = ending;
            let leftovers = async {
                match siblings {
                    Some(siblings) => forward_leftovers(&siblings, &endpoint, options.client, LEFTOVER_PAUSE).await,
                    None => pending().await,
                }
            };
            runtime.block_on(forward(forwarder, leftovers, stopped));
            // A name that is being looked up must not hold up the end.
            runtime.shutdown_background();
        };
        thread::Builder::new().name("grid-events-forward".into()).spawn(work).map_err(cannot_start)?;
        Ok(Self { store, watch, stop: Mutex::new(Some(stop)), ended })
    }

    pub(super) fn watch(&self) -> ForwardWatch {
        self.watch.clone()
    }
}

/// Forwards until the sign to stop, and what is left then if that is quick.
async fn forward(
    mut forwarder: Forwarder,
    leftovers: impl Future<Output = Infallible>,
    stopped: oneshot::Receiver<()>,
) {
    tokio::select! {
        // It is tried for ever, so this ends only when the store was closed.
        _ = forwarder.follow() => {}
        never = leftovers => match never {},
        _ = stopped => {
            let _ = timeout(FORWARD_ON_CLOSE, forwarder.forward_rest()).await;
        }
    }
}

/// Forwards what is in the spools of processes that are gone, and looks for more again and again. One that the remote
/// store refuses for good does not hold up the others.
async fn forward_leftovers(
    directory: &Path,
    endpoint: &RemoteEndpoint,
    client: ClientOptions,
    pause: Duration,
) -> Infallible {
    let options = ForwardOptions { client, attempts_max: Some(LEFTOVER_ATTEMPTS_MAX) };
    loop {
        for number in 0..SPOOLS_MAX {
            let path = directory.join(number.to_string());
            if !path.is_dir() {
                continue;
            }
            // A spool that is locked has its own process; one that cannot be opened stays for somebody who looks at it.
            let Ok(store) = Store::open_spool(path, config()) else { continue };
            if let Ok(mut forwarder) = Forwarder::new(store, endpoint.clone(), options.clone()) {
                let _ = forwarder.forward_all().await;
            }
        }
        sleep(pause).await;
    }
}

impl Sink for Spool {
    fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        self.store.append(events)
    }

    fn sequence(&self) -> u64 {
        self.store.sequence()
    }

    fn durable_sequence(&self) -> u64 {
        self.store.durable_sequence()
    }

    fn when_durable(&self, sequence: u64, callback: DurableCallback) {
        self.store.when_durable(sequence, callback);
    }

    fn note_loss(&self, loss: &Loss) -> Result<(), StoreError> {
        self.store.note_loss(loss)
    }

    fn close(&self) -> Result<(), StoreError> {
        // Only what is durable is forwarded. A failure here shows when the store is closed.
        let _ = self.store.flush();
        drop(self.stop.lock().take());
        let _ = self.ended.recv_timeout(FORWARD_ON_CLOSE + END_OF_THREAD);
        self.store.clone().close()
    }
}

impl From<&ForwardWatch> for SpoolStats {
    fn from(watch: &ForwardWatch) -> Self {
        let stats = watch.stats();
        Self {
            depth: stats.depth,
            lag: stats.lag,
            forwarded: stats.forwarded,
            connected: stats.connected,
            reconnects: stats.reconnects,
            last_error: stats.last_error,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::remote::message::{Request, Response};
    use crate::remote::{Dialect, decode_request, encode_response, read_frame, write_frame};

    /// A server that refuses some events. It shows the events that it is told of.
    async fn serve_one(stream: &mut TcpStream, refused: &str, learned: &mut Vec<String>) {
        let mut payload = Vec::new();
        while let Ok(true) = read_frame(stream, Dialect::B.frame_bytes_max(), &mut payload).await {
            let answer = match decode_request(Dialect::B, &payload).unwrap() {
                Request::LearnConcept { concept_id, .. } => {
                    let is_refused = concept_id.starts_with(refused);
                    learned.push(concept_id);
                    if is_refused {
                        Response::Error { message: "never".into() }
                    } else {
                        Response::LearnConceptOk { sequence: 1 }
                    }
                }
                Request::LearnAssociation { .. } => Response::LearnAssociationOk { sequence: 1 },
                Request::Flush => Response::FlushOk,
                Request::QueryConcept { concept_id } => Response::QueryConceptOk {
                    found: false,
                    concept_id,
                    content: String::new(),
                    strength: 0.0,
                    confidence: 0.0,
                    metadata: None,
                },
                other => panic!("{other:?}"),
            };
            if write_frame(stream, &encode_response(Dialect::B, &answer).unwrap()).await.is_err() {
                return;
            }
        }
    }

    #[tokio::test]
    async fn a_leftover_that_is_refused_for_good_does_not_hold_up_the_others() {
        let directory = tempfile::tempdir().unwrap();
        for (spool, name) in ["refused", "fine"].into_iter().enumerate() {
            let store = Store::open_spool(directory.path().join(spool.to_string()), config()).unwrap();
            let event =
                Event::from_json(&format!("{{\"event_type\":\"{name}\",\"timestamp\":\"2026-11-18T08:00:00Z\"}}"))
                    .unwrap();
            store.append(&[event]).unwrap();
            store.close().unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint: RemoteEndpoint = listener.local_addr().unwrap().to_string().parse().unwrap();
        let instant = Duration::from_millis(1);
        let client = ClientOptions { pause_min: instant, pause_max: instant, ..ClientOptions::default() };
        let server = async {
            let mut learned = Vec::new();
            let count = |learned: &[String], id: &str| learned.iter().filter(|known| known.starts_with(id)).count();
            // Until it was the turn of the other one, and the first one's again.
            while count(&learned, "event-fine") == 0
                || count(&learned, "event-refused") <= LEFTOVER_ATTEMPTS_MAX as usize
            {
                let (mut stream, _) = listener.accept().await.unwrap();
                serve_one(&mut stream, "event-refused", &mut learned).await;
            }
            learned
        };
        let learned = tokio::select! {
            learned = timeout(Duration::from_secs(60), server) => learned.unwrap(),
            never = forward_leftovers(directory.path(), &endpoint, client, instant) => match never {},
        };
        let events: Vec<&str> = learned.iter().filter_map(|id| id.strip_prefix("event-")?.split('-').next()).collect();
        let first_round = LEFTOVER_ATTEMPTS_MAX as usize;
        assert_eq!(events[..first_round], vec!["refused"; first_round]);
        assert_eq!(events[first_round..first_round + 2], ["fine", "refused"], "and it is not sent again");
        let fine = Store::open_spool(directory.path().join("1"), config()).unwrap();
        assert_eq!(Forwarder::new(fine, endpoint, ForwardOptions::default()).unwrap().watch().stats().depth, 0);
    }

    #[test]
    fn the_directory_is_named_by_the_first_variable_that_is_there() {
        let endpoint: RemoteEndpoint = "tls://[::1]:7".parse().unwrap();
        let with = |variables: &[(&str, &str)]| {
            let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, path)| path.into());
            directory_with(&endpoint, value)
        };
        let all = [("HOME", "/h"), ("XDG_STATE_HOME", "/s"), (SPOOL_VARIABLE, "/e")];
        assert_eq!(with(&all), Ok("/e/__1_7".into()));
        assert_eq!(with(&all[..2]), Ok("/s/grid-events/spool/__1_7".into()));
        assert_eq!(with(&all[..1]), Ok("/h/.local/state/grid-events/spool/__1_7".into()));
        assert_eq!(with(&[("XDG_STATE_HOME", "relative")]), Err(EndpointError::NoSpool));
    }

    #[test]
    fn each_process_has_a_spool_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let first = open_free(directory.path()).unwrap();
        let second = open_free(directory.path()).unwrap();
        assert!(first.path().ends_with("0") && second.path().ends_with("1"));
        first.close().unwrap();
        assert!(open_free(directory.path()).unwrap().path().ends_with("0"));
    }
}
