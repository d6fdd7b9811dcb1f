//! `ask`: answers questions in plain words, one from the command line or one a line from standard input.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Result;
use clap::{Args, ValueEnum};
use sutra_grid_events::ask::{Answer, AskOptions, Zone, ask};

use super::Outcome;
use crate::args::Global;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct AskArguments {
    /// The question, such as "which nodes crashed today?"; without one they are read from standard input
    #[arg(value_name = "QUESTION")]
    question: Option<String>,
    /// The time zone of days and clock times: UTC, an offset such as +02:00, or a name such as Europe/Zurich
    #[arg(long, value_name = "ZONE", default_value = "UTC", allow_hyphen_values = true)]
    tz: Zone,
    /// How many events are listed at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    /// Show what the question was compiled to
    #[arg(long)]
    explain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AnswerFormat {
    /// For a person
    Text,
    /// For a program: one object
    Json,
}

pub(crate) fn run(global: &Global, arguments: &AskArguments) -> Result<Outcome> {
    let store = global.open_to_read()?;
    let mut out = Output::stdout();
    let mut answer_one = |question: &str| -> Result<Outcome> {
        let options =
            AskOptions { now_us: global.now_us(), zone: arguments.tz, limit: arguments.limit, ..AskOptions::default() };
        let answer = ask(&store, question, &options)?;
        match arguments.format {
            AnswerFormat::Json => {
                out.write_exact(&serde_json::to_string(&answer)?)?;
                writeln!(out)?;
            }
            AnswerFormat::Text => {
                if let (true, Answer::Given(given)) = (arguments.explain, &answer) {
                    writeln!(out, "intent     {}", given.intent)?;
                    writeln!(out, "query      {}", given.question.filter)?;
                    writeln!(out, "matched    {}", given.matched)?;
                }
                writeln!(out, "{}", answer.text())?;
            }
        }
        out.flush()?;
        Ok(outcome_of(&answer))
    };
    if let Some(question) = &arguments.question {
        return answer_one(question);
    }
    let stdin = std::io::stdin();
    let is_terminal = stdin.is_terminal();
    let mut outcome = Outcome::Done;
    let mut line = String::new();
    loop {
        if is_terminal {
            eprint!("ask> ");
        }
        line.clear();
        if stdin.lock().read_line(&mut line)? == 0 || is_terminal && matches!(line.trim(), "exit" | "quit") {
            return Ok(outcome);
        }
        if !line.trim().is_empty() {
            store.refresh()?;
            outcome = answer_one(line.trim())?;
        }
    }
}

/// Found is 0, nothing found is 1, not understood is 2. A yes or no is an answer either way.
fn outcome_of(answer: &Answer) -> Outcome {
    match answer {
        Answer::Refused(_) => Outcome::Failed,
        Answer::Given(given) => {
            let something = given.matched > 0
                || !given.entities.is_empty()
                || given.yes.is_some() && given.question.unknown.is_empty();
            if something { Outcome::Done } else { Outcome::Partial }
        }
    }
}
