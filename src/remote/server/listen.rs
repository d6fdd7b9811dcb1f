//! The server itself: it listens, starts a task for each connection, and ends them in order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::auth::Access;
use super::config::ServerConfig;
use super::connection::Connection;
use super::desk::Desk;
use super::error::ServerError;
use super::handshake;
use super::memory::Memory;
use super::tls;
use crate::graph::ConceptStore;

/// The pause after the system could not accept a connection, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Refusals for want of room are told of this often at most.
const REFUSALS_EVERY: Duration = Duration::from_secs(10);

/// A server in front of a store of concepts. It listens once it is bound, and answers while it is served.
///
/// ```no_run
/// use sutra_grid_events::Store;
/// use sutra_grid_events::graph::EmbeddedConcepts;
/// use sutra_grid_events::remote::server::{Server, ServerConfig};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::open("grid-events")?;
/// let server = Server::bind(ServerConfig::default(), EmbeddedConcepts::new(store)).await?;
/// println!("listening on {}", server.local_address());
/// server.serve(async { tokio::time::sleep(std::time::Duration::from_secs(60)).await }).await?;
/// # Ok(())
/// # }
/// ```
pub struct Server<S> {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    room: Arc<Semaphore>,
    shared: Arc<Shared<S>>,
}

/// What the tasks of connections share.
struct Shared<S> {
    desk: Desk<S>,
    config: ServerConfig,
    memory: Memory,
    log: Box<dyn Fn(&str) + Send + Sync>,
}

impl<S> std::fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<S: ConceptStore + 'static> Server<S> {
    /// Starts to listen.
    ///
    /// # Errors
    /// If the address can be reached from other machines and there is no secret for tokens, unless
    /// [`ServerConfig::insecure`] says that this is meant; if it cannot be listened on; if the files for TLS cannot
    /// be used.
    pub async fn bind(config: ServerConfig, store: S) -> Result<Self, ServerError> {
        let address = format!("{}:{}", config.host, config.port);
        let failed = |error: io::Error| ServerError::Listen { address: address.clone(), error };
        let addresses: Vec<SocketAddr> =
            lookup_host((config.host.as_str(), config.port)).await.map_err(failed)?.collect();
        let protected = config.token_secret.is_some() || config.insecure;
        if !protected && let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback()) {
            return Err(ServerError::Unprotected { address: open.to_string() });
        }
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let listener = TcpListener::bind(&addresses[..]).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let memory = Memory::new(config.memory_bytes_max, config.memory_timeout);
        let room = Arc::new(Semaphore::new(config.connections_max.min(Semaphore::MAX_PERMITS)));
        let shared = Arc::new(Shared { desk: Desk::new(store), config, memory, log: Box::new(|_| {}) });
        Ok(Self { listener, address, tls, room, shared })
    }

    /// Where it listens, with the port that the system chose if that was left to it.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Has a line told of every client that was turned away or sent what is no request.
    #[must_use]
    pub fn with_log(mut self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        // Nothing else has a part in it before it is served.
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.log = Box::new(log);
        }
        self
    }

    /// Answers until `ending` is ready. Then nobody new is let in, what was received is answered, and what was learned
    /// is made durable.
    ///
    /// # Errors
    /// If the last could not be done.
    pub async fn serve(self, ending: impl Future<Output = ()>) -> Result<(), ServerError> {
        let Self { listener, tls, room, shared, .. } = self;
        let (end, ended) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut ending = std::pin::pin!(ending);
        let mut refused = Refused::default();
        loop {
            let (socket, peer) = tokio::select! {
                () = &mut ending => break,
                // Tasks that are over are let go of.
                Some(over) = tasks.join_next() => {
                    if let Err(error) = over {
                        (shared.log)(&format!("a connection is closed: {error}"));
                    }
                    continue;
                }
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        (shared.log)(&format!("cannot accept a connection: {error}"));
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                if let Some(line) = refused.one_more(shared.config.connections_max) {
                    (shared.log)(&line);
                }
                continue;
            };
            tasks.spawn(attend(Arc::clone(&shared), tls.clone(), socket, peer, ended.clone(), place));
        }
        drop(listener);
        // It fails if there is no connection, and then there is nobody to tell.
        let _ = end.send(true);
        let drained = timeout(shared.config.drain_timeout, async { while tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            (shared.log)(&format!("{} connections did not end in time", tasks.len()));
            tasks.shutdown().await;
        }
        shared.desk.store().flush().await?;
        Ok(())
    }
}

/// A connection from its first byte to its last.
async fn attend<S: ConceptStore + 'static>(
    shared: Arc<Shared<S>>,
    tls: Option<TlsAcceptor>,
    socket: TcpStream,
    peer: SocketAddr,
    ending: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    // Without it answers are only later, not wrong.
    let _ = socket.set_nodelay(true);
    match tls {
        None => converse(&shared, socket, peer, ending).await,
        Some(tls) => match timeout(shared.config.handshake_timeout, tls.accept(socket)).await {
            Ok(Ok(socket)) => converse(&shared, socket, peer, ending).await,
            Ok(Err(error)) => shared.tell(peer, &format!("no TLS: {error}")),
            Err(_) => shared.tell(peer, "no TLS in time"),
        },
    }
}

/// A connection from its token on.
async fn converse<S: ConceptStore + 'static, T: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared<S>,
    mut socket: T,
    peer: SocketAddr,
    ending: watch::Receiver<bool>,
) {
    let config = &shared.config;
    let access = match &config.token_secret {
        None => Access::ALL,
        Some(secret) => match timeout(config.handshake_timeout, handshake::access(&mut socket, secret)).await {
            Ok(Ok(access)) => access,
            Ok(Err(reason)) => return shared.tell(peer, &reason),
            Err(_) => return shared.tell(peer, "no token in time"),
        },
    };
    let log = |remark: &str| (shared.log)(&format!("{peer}: {remark}"));
    let mut connection = Connection::new(&shared.desk, socket, config, &shared.memory, access, ending, &log);
    let end = connection.run().await;
    if let Some(complaint) = end.complaint() {
        shared.tell(peer, &complaint);
    }
    connection.close(&end).await;
}

impl<S> Shared<S> {
    /// Tells why a connection is closed.
    fn tell(&self, peer: SocketAddr, reason: &str) {
        (self.log)(&format!("{peer}: closed: {reason}"));
    }
}

/// Connections that found no room, and when they were last told of.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    told: Option<Instant>,
}

impl Refused {
    /// Counts one, and says so if that was not done just now.
    fn one_more(&mut self, connections_max: usize) -> Option<String> {
        self.count += 1;
        if self.told.is_some_and(|told| told.elapsed() < REFUSALS_EVERY) {
            return None;
        }
        self.told = Some(Instant::now());
        Some(format!("{} connections refused: there are {connections_max} already", std::mem::take(&mut self.count)))
    }
}
