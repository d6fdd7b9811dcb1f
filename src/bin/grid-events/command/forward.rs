//! `forward`: sends the events of a store to a remote one, once or for ever.
//!
//! The store is read only, so that its own process goes on writing. Where the command stopped, the next one goes on.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::ProgressBar;
use sutra_grid_events::remote::forward::cursor_file;
use sutra_grid_events::remote::{ClientOptions, ForwardOptions, ForwardStats, ForwardWatch, Forwarder, RemoteEndpoint};

use super::Outcome;
use crate::args::Global;
use crate::output::{JsonObject, Output, ReportFormat, note, progress};

/// How often the bar is brought up to date.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// How often in a row sending may fail without `--follow`, which takes some seconds.
const ATTEMPTS_MAX: u32 = 6;

#[derive(Debug, Args)]
pub(crate) struct ForwardArguments {
    /// The remote store: HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT
    #[arg(long, value_name = "ENDPOINT")]
    to: RemoteEndpoint,
    /// Go on with the events that come, and try for ever while the remote store is away
    #[arg(long)]
    follow: bool,
    /// File that holds the token of the remote store [default: $EVENT_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// File of certificates (PEM) to trust with tls:// [default: $EVENT_CA_FILE, else those of the system]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// File to keep the place in [default: one for this store and endpoint, below the directory for state]
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Form of the summary
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(global: &Global, arguments: &ForwardArguments) -> Result<Outcome> {
    let store = global.open_to_read()?;
    let place = arguments.cursor_file.clone().or_else(|| cursor_file(&store, &arguments.to));
    let place = place.context("there is no directory for the place; give --cursor-file")?;
    let options = ForwardOptions {
        client: arguments.client()?,
        attempts_max: if arguments.follow { None } else { Some(ATTEMPTS_MAX) },
    };
    let mut forwarder = Forwarder::beside_writer(store, place, arguments.to.clone(), options)?;
    let watch = forwarder.watch();
    let bar = progress::over_events(watch.stats().depth);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let work = async { if arguments.follow { forwarder.follow().await } else { forwarder.forward_all().await } };
        tokio::select! {
            outcome = work => outcome,
            never = show(&bar, &watch, arguments.follow) => match never {},
        }
    });
    bar.finish_and_clear();
    let stats = watch.stats();
    outcome.with_context(|| format!("{} events were forwarded, {} were not", stats.forwarded, stats.depth))?;
    let mut out = Output::stdout();
    writeln!(out, "{}", summary(&stats, arguments.format))?;
    out.flush()?;
    Ok(if stats.refused + stats.missed > 0 { Outcome::Partial } else { Outcome::Done })
}

impl ForwardArguments {
    fn client(&self) -> Result<ClientOptions> {
        let mut client = ClientOptions::from_env();
        if let Some(file) = &self.token_file {
            let token = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            client.token = Some(token.trim().to_owned());
        }
        if let Some(file) = &self.ca_file {
            client.tls.ca_file = Some(file.clone());
        }
        Ok(client)
    }
}

/// Keeps the bar up to date, and says on stderr what fails while it is tried again.
async fn show(bar: &ProgressBar, watch: &ForwardWatch, says_errors: bool) -> std::convert::Infallible {
    let mut said = None;
    loop {
        tokio::time::sleep(PROGRESS_INTERVAL).await;
        let stats = watch.stats();
        bar.set_length(stats.forwarded + stats.depth);
        bar.set_position(stats.forwarded);
        if stats.connected {
            said = None;
        } else if says_errors && stats.last_error.is_some() && stats.last_error != said {
            bar.suspend(|| note(&format!("{}; trying again", stats.last_error.as_deref().unwrap_or_default())));
            said = stats.last_error;
        }
    }
}

fn summary(stats: &ForwardStats, format: ReportFormat) -> String {
    let ForwardStats { forwarded, refused, missed, .. } = stats;
    match format {
        ReportFormat::Json => JsonObject::default()
            .field("forwarded", *forwarded)
            .field("refused", *refused)
            .field("missed", *missed)
            .finish(),
        ReportFormat::Table => {
            format!("{forwarded} events forwarded, {refused} refused, {missed} missed")
        }
    }
}
