//! `why`: what led to an event, or to the last failure of an entity. `effects` shares its arguments and forms.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use sutra_grid_events::ConceptId;
use sutra_grid_events::StoredEvent;
use sutra_grid_events::graph::causes::{CausalTree, Grade, Rules, causes, last_failure};
use sutra_grid_events::store::Snapshot;

use super::Outcome;
use crate::args::Global;
use crate::output::{Output, note, printable};

#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    /// A concept id, or an agent, node or other entity, which means its last failure
    #[arg(value_name = "ID|ENTITY")]
    pub(super) target: String,
    /// Rules of your own, in TOML, beside those built in
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Option<PathBuf>,
    /// Form of the tree
    #[arg(long, value_enum, default_value_t = TreeFormat::Text)]
    pub(super) format: TreeFormat,
}

/// The forms of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TreeFormat {
    /// An indented tree for people
    Text,
    /// One JSON object
    Json,
    /// A graph for Graphviz
    Dot,
    /// A flowchart for Mermaid
    Mermaid,
}

/// Follows the links of an event in one direction.
pub(super) type Follow = fn(&Snapshot, &StoredEvent, &Rules) -> Result<CausalTree, sutra_grid_events::StoreError>;

pub(crate) fn run(global: &Global, arguments: &WhyArguments) -> Result<Outcome> {
    run_towards(global, arguments, causes)
}

/// Finds the event, follows its links and prints the tree. The outcome says whether there are links.
pub(super) fn run_towards(global: &Global, arguments: &WhyArguments, follow: Follow) -> Result<Outcome> {
    let rules = match &arguments.rules {
        None => Rules::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Rules::from_toml(&text).with_context(|| format!("{} holds no rules", path.display()))?
        }
    };
    let store = global.open_to_read()?;
    let snapshot = store.snapshot();
    let Some(event) = find(&snapshot, &arguments.target, &rules)? else { return Ok(Outcome::Partial) };
    let tree = follow(&snapshot, &event, &rules)?;
    let mut out = Output::stdout();
    match arguments.format {
        TreeFormat::Text => {
            for line in tree.to_string().lines() {
                writeln!(out, "{}", printable(line))?;
            }
        }
        TreeFormat::Json => {
            out.write_exact(&serde_json::to_string(&tree)?)?;
            writeln!(out)?;
        }
        TreeFormat::Dot => out.write_exact(&tree.to_dot())?,
        TreeFormat::Mermaid => out.write_exact(&tree.to_mermaid())?,
    }
    out.flush()?;
    let links = tree.links.iter().filter(|link| link.grade > Grade::Coincident);
    Ok(Outcome::of_hits(links.count() as u64))
}

/// The event with this id, or the last failure of the entity with this name; nothing, and said so, if there is none.
fn find(snapshot: &Snapshot, target: &str, rules: &Rules) -> Result<Option<StoredEvent>> {
    if target.is_empty() {
        bail!("give a concept id or the name of an entity");
    }
    if let Ok(id) = target.parse::<ConceptId>() {
        let event = snapshot.get(&id)?;
        if event.is_none() {
            note(&format!("there is no event {id}"));
        }
        return Ok(event);
    }
    let event = last_failure(snapshot, target, rules)?;
    if event.is_none() {
        note(&format!("no failure of `{target}` is recorded; give the id of another event of it"));
    }
    Ok(event)
}
