//! The way to a remote store: events go into a store on this machine, a thread forwards them from there.
//!
//! ```text
//! emit ─► queue ─► writer ─► spool (a store) ─► forwarder (a thread) ─► remote store
//! ```
//!
//! So emitting does not depend on the remote store, and what was not forwarded is there after a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use parking_lot::Mutex;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::endpoint::EndpointError;
use super::problem::EmitError;
use super::sink::{DurableCallback, Sink};
use super::stats::SpoolStats;
use crate::error::StoreError;
use crate::event::Event;
use crate::remote::forward::state_directory;
use crate::remote::{ClientOptions, ForwardOptions, ForwardWatch, Forwarder, RemoteEndpoint};
use crate::store::{Appended, Retention, Store, StoreConfig};

/// The environment variable that names the directory of the spools.
pub const SPOOL_VARIABLE: &str = "EVENT_SPOOL";
/// What a spool keeps of what was forwarded, in bytes, where nothing else is said.
pub const SPOOL_BYTES_MAX: u64 = 256 << 20;
/// Processes of one machine that emit to one endpoint; each has a spool of its own.
pub const SPOOLS_MAX: u32 = 256;
/// How long closing waits for what was not forwarded yet, if the remote store can be reached.
pub const FORWARD_ON_CLOSE: Duration = Duration::from_secs(5);
/// How much longer closing waits for the thread to end, which it does at once.
const END_OF_THREAD: Duration = Duration::from_secs(1);

/// The settings of a spool where nothing else is said.
pub(super) fn config() -> StoreConfig {
    let retention = Retention { bytes_max: Some(SPOOL_BYTES_MAX), age_max: None };
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
                if let Some(siblings) = siblings {
                    forward_leftovers(&siblings, &endpoint, &options).await;
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
async fn forward(mut forwarder: Forwarder, leftovers: impl Future<Output = ()>, stopped: oneshot::Receiver<()>) {
    tokio::select! {
        // It is tried for ever, so this ends only when the store was closed.
        _ = async { tokio::join!(forwarder.follow(), leftovers) } => {}
        _ = stopped => {
            let _ = timeout(FORWARD_ON_CLOSE, forwarder.forward_rest()).await;
        }
    }
}

/// Forwards what is in the spools of processes that are gone.
async fn forward_leftovers(directory: &Path, endpoint: &RemoteEndpoint, options: &ForwardOptions) {
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
    use super::*;

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
