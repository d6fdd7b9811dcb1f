//! `ask`: answers questions in plain words: one, those of standard input line by line, or those of a prompt.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use sutra_grid_events::Store;
use sutra_grid_events::ask::{
    Answer, AskOptions, Question, Understanding, WordUse, Zone, answer_with_rules, understand_traced,
};
use sutra_grid_events::graph::causes::Rules;
use sutra_grid_events::query::Query;

use super::Outcome;
use super::prompt::Prompt;
use crate::args::Global;
use crate::output::{Output, printable};

#[derive(Debug, Args)]
pub(crate) struct AskArguments {
    /// The question, such as "which nodes crashed today?"; without one, questions are read one a line
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
    /// Show how the question was read and run, on stderr
    #[arg(long)]
    explain: bool,
    /// Rules of causes of your own, in TOML, beside those built in
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AnswerFormat {
    /// For a person
    Text,
    /// For a program: one object
    Json,
}

pub(crate) fn run(global: &Global, arguments: &AskArguments) -> Result<Outcome> {
    let rules = match &arguments.rules {
        None => Rules::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Rules::from_toml(&text).with_context(|| format!("{} holds no rules", path.display()))?
        }
    };
    let mut session = Session { store: global.open_to_read()?, global, arguments, rules, previous: None };
    if let Some(question) = &arguments.question {
        return session.answer(question);
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() { session.prompt() } else { session.answer_lines(&mut stdin.lock()) }
}

/// Questions that follow on each other.
struct Session<'a> {
    store: Store,
    global: &'a Global,
    arguments: &'a AskArguments,
    rules: Rules,
    previous: Option<Question>,
}

impl Session<'_> {
    /// Answers questions, one a line. The outcome is the worst of all.
    fn answer_lines(&mut self, lines: &mut dyn BufRead) -> Result<Outcome> {
        let (mut outcome, mut line) = (Outcome::Done, String::new());
        loop {
            line.clear();
            if lines.read_line(&mut line).context("cannot read the questions")? == 0 {
                return Ok(outcome);
            }
            if !line.trim().is_empty() {
                self.store.refresh()?;
                outcome = worse(outcome, self.answer(line.trim())?);
            }
        }
    }

    /// Answers what is asked at a prompt, until it is left.
    fn prompt(&mut self) -> Result<Outcome> {
        let mut prompt = Prompt::new(&self.store)?;
        while let Some(line) = prompt.line()? {
            self.store.refresh()?;
            self.answer(&line)?;
        }
        Ok(Outcome::Done)
    }

    fn answer(&mut self, text: &str) -> Result<Outcome> {
        let options = AskOptions {
            now_us: self.global.now_us(),
            zone: self.arguments.tz,
            limit: self.arguments.limit,
            previous: self.previous.take(),
        };
        let started = Instant::now();
        let (understanding, words) = understand_traced(&self.store.snapshot(), text, &options)?;
        let read_in = started.elapsed();
        let (answer, asked) = match understanding {
            Understanding::Refusal(refusal) => (Answer::Refused(refusal), options.previous),
            Understanding::Question(question) => {
                (answer_with_rules(&self.store, &question, &options, &self.rules)?, Some(*question))
            }
        };
        let mut out = Output::stdout();
        if self.arguments.explain {
            tell_words(&words)?;
        }
        if let (true, Answer::Given(given)) = (self.arguments.explain, &answer) {
            self.explain(given.intent, &given.question, read_in, started.elapsed().saturating_sub(read_in))?;
        }
        match self.arguments.format {
            AnswerFormat::Json => {
                out.write_exact(&serde_json::to_string(&answer)?)?;
                writeln!(out)?;
            }
            AnswerFormat::Text => {
                for line in answer.text().lines() {
                    writeln!(out, "{}", printable(line))?;
                }
            }
        }
        out.flush()?;
        self.previous = asked;
        Ok(outcome_of(&answer))
    }

    /// Tells what came of it: how the question was read, the typed query, and what that took.
    fn explain(&self, intent: &str, question: &Question, read_in: Duration, answered_in: Duration) -> Result<()> {
        let mut err = anstream::stderr().lock();
        let mut tell = |name: &str, text: &str| writeln!(err, "{name:<10} {}", printable(text));
        tell("reading", &question.reading)?;
        tell("intent", &format!("{intent}: {:?}", question.intent))?;
        for (name, close) in &question.unknown {
            tell("unknown", &format!("{name}, close to: {}", close.join(", ")))?;
        }
        for other in &question.alternatives {
            tell("or else", other)?;
        }
        let limit = self.arguments.limit.unwrap_or(sutra_grid_events::ask::EVENTS_IN_ANSWER);
        for line in self.store.explain(&Query::new(question.filter.clone()).limit(limit))?.to_string().lines() {
            let (name, text) = line.split_once(' ').unwrap_or((line, ""));
            tell(name, text.trim_start())?;
        }
        tell("time", &format!("read in {} µs, answered in {} µs", read_in.as_micros(), answered_in.as_micros()))?;
        Ok(())
    }
}

/// Of two outcomes the one that tells of more trouble.
fn worse(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
        (Outcome::Partial, _) | (_, Outcome::Partial) => Outcome::Partial,
        _ => Outcome::Done,
    }
}

/// Found is 0, nothing found is 1, not understood is 2. A yes or no is an answer either way.
fn outcome_of(answer: &Answer) -> Outcome {
    match answer {
        Answer::Refused(_) => Outcome::Failed,
        Answer::Given(given) => {
            let something = given.matched > 0
                || !given.entities.is_empty() && given.status.is_empty()
                || given.yes.is_some() && given.question.unknown.is_empty();
            if something { Outcome::Done } else { Outcome::Partial }
        }
    }
}

/// Tells what each stage took of the question, and what none did.
fn tell_words(words: &[WordUse]) -> Result<()> {
    let mut err = anstream::stderr().lock();
    for stage in ["time", "entity", "subject", "kind", "field", "condition", "intent", "-"] {
        let said: Vec<&str> =
            words.iter().filter(|word| word.stage.unwrap_or("-") == stage).map(|word| word.word.as_str()).collect();
        if !said.is_empty() {
            writeln!(err, "{stage:<10} {}", printable(&said.join(" ")))?;
        }
    }
    Ok(())
}
