//! The commands, one file each. A command takes its arguments, does its work and says how it went.

mod ask;
mod completions;
mod count;
mod demo;
mod effects;
mod emit;
mod export;
mod forward;
mod get;
mod history;
mod import;
mod man;
mod prompt;
mod query;
mod salvage;
mod serve_storage;
mod stats;
mod why;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::args::Arguments;

/// How a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Something was found, or all was done.
    Done,
    /// Nothing was found, or some of the input was rejected.
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
    /// Show what the store holds and what it costs
    Stats(stats::StatsArguments),
    /// Bring all that can be read of a damaged data directory into a new store
    Salvage(salvage::SalvageArguments),
    /// Be the storage of grid events for programs that speak the Sutra protocol
    ServeStorage(serve_storage::ServeStorageArguments),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArguments),
    /// Print the manual page
    Man(man::ManArguments),
}

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> Result<Outcome> {
    let global = &arguments.global;
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
        Command::Stats(arguments) => stats::run(global, arguments),
        Command::Salvage(arguments) => salvage::run(arguments),
        Command::ServeStorage(arguments) => serve_storage::run(global, arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(arguments),
    }
}
