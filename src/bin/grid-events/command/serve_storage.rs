//! `serve-storage`: be the storage of grid events for programs that speak the Sutra protocol.
//!
//! One line on stdout says where it listens; what goes wrong with a client is a line on stderr.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use sutra_grid_events::Store;
use sutra_grid_events::graph::EmbeddedConcepts;
use sutra_grid_events::remote::server::{
    CONNECTIONS_MAX, PORT, SECRET_BYTES_MIN, Server, ServerConfig, TlsFiles, TokenSecret,
};
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::args::Global;
use crate::output::{Output, note};

const EXAMPLES: &str = "\
Examples:
  grid-events serve-storage --port 50052 --storage-path ./events
  grid-events serve-storage --listen 0.0.0.0 --token-secret-file secret --tls-cert cert.pem --tls-key key.pem";

/// How long questions that nobody waits for any more may hold up the end.
const LAST_QUESTIONS: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeStorageArguments {
    /// Port to listen on; 0 lets the system choose
    #[arg(long, value_name = "PORT", env = "STORAGE_PORT", default_value_t = PORT)]
    port: u16,
    /// Data directory of the store [default: that of --dir]
    #[arg(long, value_name = "DIR", env = "STORAGE_PATH")]
    storage_path: Option<PathBuf>,
    /// Host or address to listen on
    #[arg(long, value_name = "ADDR", env = "STORAGE_HOST", default_value = "127.0.0.1")]
    listen: String,
    /// File with the secret that tokens are signed with; every client must then show a token
    #[arg(long, value_name = "FILE")]
    token_secret_file: Option<PathBuf>,
    /// PEM file with the certificate of the server and its chain; every client must then speak TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the private key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Connections at one time
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS_MAX)]
    max_connections: usize,
    /// Seconds after which a silent connection is closed
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    idle_timeout: u64,
    /// Listen beyond this machine without a secret: anybody who reaches the port may read and write
    #[arg(long)]
    insecure: bool,
}

pub(crate) fn run(global: &Global, arguments: &ServeStorageArguments) -> Result<Outcome> {
    let config = config(arguments)?;
    let directory = match &arguments.storage_path {
        Some(directory) => directory.clone(),
        None => global.directory()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(config, directory));
    // A question that takes long has nobody left to answer.
    runtime.shutdown_timeout(LAST_QUESTIONS);
    served?;
    Ok(Outcome::Done)
}

async fn serve(config: ServerConfig, directory: PathBuf) -> Result<()> {
    // Before anything is promised, so that a signal at any time ends it in order.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ending = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let store = Store::open(directory)?;
    let in_clear = config.tls.is_none();
    let server = Server::bind(config, EmbeddedConcepts::new(store.clone())).await?.with_log(note);
    if in_clear && !server.local_address().ip().is_loopback() {
        note("without TLS, whoever sees the network can read what is sent, tokens included");
    }
    let mut out = Output::stdout();
    writeln!(out, "listening on {}", server.local_address())?;
    out.flush()?;
    drop(out);
    server.serve(ending).await?;
    store.close()?;
    Ok(())
}

fn config(arguments: &ServeStorageArguments) -> Result<ServerConfig> {
    let token_secret = arguments.token_secret_file.as_ref().map(|path| {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        // Editors end files with a line break, which nobody means as a part of the secret.
        TokenSecret::new(text.trim_ascii())
            .with_context(|| format!("{}: a secret has at least {SECRET_BYTES_MIN} bytes", path.display()))
    });
    let tls = arguments.tls_cert.clone().zip(arguments.tls_key.clone());
    Ok(ServerConfig {
        host: arguments.listen.clone(),
        port: arguments.port,
        token_secret: token_secret.transpose()?,
        tls: tls.map(|(certificates, key)| TlsFiles { certificates, key }),
        insecure: arguments.insecure,
        connections_max: arguments.max_connections,
        idle_timeout: Duration::from_secs(arguments.idle_timeout),
        ..ServerConfig::default()
    })
}
