//! `grid-events`: record, import, query and export the events of a grid, from a shell.
//!
//! ```text
//! args (what was asked, with time) ─► command (one file each) ─► Store
//!                                             │
//!                                             └► output (table, json, jsonl, csv, ids) ─► stdout
//! ```
//!
//! Exit codes: 0 found or done, 1 nothing found or some input rejected, 2 error.

mod args;
mod command;
mod lines;
mod output;
mod rejected;
mod time;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    match command::run(arguments) {
        Ok(outcome) => outcome.into(),
        // Whoever reads has seen enough, as in `grid-events query | head`.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::report(&error);
            command::Outcome::Failed.into()
        }
    }
}
