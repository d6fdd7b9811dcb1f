//! The commands, one file each. A command takes its arguments, does its work and says how it went.

mod ask;
mod backup;
mod completions;
mod count;
mod demo;
mod diff;
mod effects;
mod emit;
mod export;
mod forward;
mod get;
mod history;
mod import;
mod man;
mod merge;
mod prompt;
mod query;
mod restore;
mod retain;
mod salvage;
mod serve_storage;
mod stats;
mod verify;
mod why;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use sutra_grid_events::store::Snapshot;

use crate::args::Arguments;

/// How a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Something was found, or all was done.
    Done,
    /// Nothing was found, some of the input was rejected, or a part of the store cannot be read.
    Partial,
    /// Something went wrong, and was reported.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::Partial => 1,
            Outcome::Failed => 2,
        })
    }
}

impl Outcome {
    /// The outcome of a search with this many hits.
    fn of_hits(hits: u64) -> Self {
        if hits > 0 { Outcome::Done } else { Outcome::Partial }
    }

    /// The outcome of a search of what can be read; where a part of what was searched is damaged, not all was done.
    fn unless_damaged(self, snapshot: &Snapshot) -> Self {
        if self == Outcome::Done && !snapshot.damage_met().is_empty() { Outcome::Partial } else { self }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a real grid of processes with all that goes wrong in one, and show what was recorded of it
    Demo,
    /// Be an agent of the demo
    #[command(hide = true)]
    DemoAgent(demo::AgentArguments),
    /// Be a storage node of the demo
    #[command(hide = true)]
    DemoNode(demo::NodeArguments),
    /// Record events, and print their ids once they are durable
    Emit(emit::EmitArguments),
    /// Import events from files of JSON lines
    Import(import::ImportArguments),
    /// List events
    Query(query::QueryArguments),
    /// Count events, in all or by a key
    Count(count::CountArguments),
    /// List everything that happened to an agent, a node or another entity
    History(history::HistoryArguments),
    /// Print events by their concept ids
    Get(get::GetArguments),
    /// Answer a question in plain words
    Ask(ask::AskArguments),
    /// Show what led to an event, or to the last failure of an entity
    Why(why::WhyArguments),
    /// Show what an event, or the last failure of an entity, led to
    Effects(why::WhyArguments),
    /// Print all events as JSON lines, in order of arrival
    Export(export::ExportArguments),
    /// Send all events to a remote store, in order of arrival
    Forward(forward::ForwardArguments),
    /// Copy the store while it is written to, and only what is new where an earlier copy is
    Backup(backup::BackupArguments),
    /// Make a store of a backup, after all of it was checked
    Restore(restore::RestoreArguments),
    /// Make one store of the stores of several masters
    Merge(merge::MergeArguments),
    /// Show what tells two stores apart; exits with 0 if nothing does, with 1 if something does
    Diff(diff::DiffArguments),
    /// Remove or thin what is too old or too much, or say what would go
    Retain(retain::RetainArguments),
    /// Show what the store holds and what it costs
    Stats(stats::StatsArguments),
    /// Check every byte of a store, without changing any
    Verify(verify::VerifyArguments),
    /// Bring all that can be read of a damaged data directory into a new store
    Salvage(salvage::SalvageArguments),
    /// Be the storage of grid events for programs that speak the Sutra protocol
    ServeStorage(serve_storage::ServeStorageArguments),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArguments),
    /// Print the manual page
    Man(man::ManArguments),
}

impl Command {
    /// The name of a command that writes to a store, or to what stands beside it; nothing if it only reads. A new
    /// command must be told of here, so that `--read-only` holds for it.
    fn writes(&self) -> Option<&'static str> {
        Some(match self {
            Command::Demo => "demo",
            Command::Emit(_) => "emit",
            Command::Import(_) => "import",
            Command::Forward(_) => "forward",
            Command::Restore(_) => "restore",
            Command::Retain(arguments) if !arguments.is_dry_run() => "retain",
            Command::ServeStorage(_) => "serve-storage",
            // These write to a directory of their own, never to a store that they read.
            Command::Backup(_)
            | Command::Retain(_)
            | Command::Merge(_)
            | Command::Salvage(_)
            | Command::DemoAgent(_)
            | Command::DemoNode(_)
            | Command::Query(_)
            | Command::Count(_)
            | Command::History(_)
            | Command::Get(_)
            | Command::Ask(_)
            | Command::Why(_)
            | Command::Effects(_)
            | Command::Export(_)
            | Command::Diff(_)
            | Command::Stats(_)
            | Command::Verify(_)
            | Command::Completions(_)
            | Command::Man(_) => return None,
        })
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> Result<Outcome> {
    let global = &arguments.global;
    if let Some(name) = arguments.command.writes() {
        global.check_may_write(name)?;
    }
    match &arguments.command {
        Command::Demo => demo::run(global),
        Command::DemoAgent(arguments) => demo::run_agent(arguments),
        Command::DemoNode(arguments) => demo::run_node(arguments),
        Command::Emit(arguments) => emit::run(global, arguments),
        Command::Import(arguments) => import::run(global, arguments),
        Command::Query(arguments) => query::run(global, arguments),
        Command::Count(arguments) => count::run(global, arguments),
        Command::History(arguments) => history::run(global, arguments),
        Command::Get(arguments) => get::run(global, arguments),
        Command::Ask(arguments) => ask::run(global, arguments),
        Command::Why(arguments) => why::run(global, arguments),
        Command::Effects(arguments) => effects::run(global, arguments),
        Command::Export(arguments) => export::run(global, arguments),
        Command::Forward(arguments) => forward::run(global, arguments),
        Command::Backup(arguments) => backup::run(global, arguments),
        Command::Restore(arguments) => restore::run(global, arguments),
        Command::Merge(arguments) => merge::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Retain(arguments) => retain::run(global, arguments),
        Command::Stats(arguments) => stats::run(global, arguments),
        Command::Verify(arguments) => verify::run(global, arguments),
        Command::Salvage(arguments) => salvage::run(arguments),
        Command::ServeStorage(arguments) => serve_storage::run(global, arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(arguments),
    }
}
