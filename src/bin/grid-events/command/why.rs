//! `why`: what led to an event, or to the last failure of an entity. `effects` shares its arguments and forms.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use sutra_grid_events::graph::causes::{CausalTree, Grade, Rules, causes, last_failure};
use sutra_grid_events::query::{Filter, Gap};
use sutra_grid_events::store::Snapshot;
use sutra_grid_events::{ConceptId, StoredEvent};

use super::Outcome;
use crate::args::Global;
use crate::output::{Output, note, printable, tell_gaps};

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

/// A gap this long before or behind the events of a tree may have taken some of it: an hour, in µs.
const AROUND_US: i64 = 3_600_000_000;

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
    let Some(event) = find(&snapshot, &arguments.target, &rules)? else {
        tell_gaps(&store.gaps_in(&snapshot, &Filter::All)?, 0);
        return Ok(Outcome::Partial);
    };
    let tree = follow(&snapshot, &event, &rules)?;
    let gaps = store.gaps_in(&snapshot, &around(&tree))?;
    let mut out = Output::stdout();
    match arguments.format {
        TreeFormat::Text => {
            for line in tree.to_string().lines() {
                writeln!(out, "{}", printable(line))?;
            }
        }
        TreeFormat::Json => {
            out.write_exact(&serde_json::to_string(&WithGaps { tree: &tree, gaps: &gaps })?)?;
            writeln!(out)?;
        }
        TreeFormat::Dot => out.write_exact(&tree.to_dot())?,
        TreeFormat::Mermaid => out.write_exact(&tree.to_mermaid())?,
    }
    out.flush()?;
    if arguments.format != TreeFormat::Json {
        tell_gaps(&gaps, tree.links.len() as u64);
    }
    let links = tree.links.iter().filter(|link| link.grade > Grade::Coincident);
    Ok(Outcome::of_hits(links.count() as u64).unless_damaged(&snapshot))
}

/// A tree as JSON, and what is missing from the record around it.
#[derive(Serialize)]
struct WithGaps<'a> {
    #[serde(flatten)]
    tree: &'a CausalTree,
    gaps: &'a [Gap],
}

/// The time of a tree, with what is just before and behind it.
fn around(tree: &CausalTree) -> Filter {
    let (first_us, last_us) = bounds(tree);
    Filter::between(first_us.saturating_sub(AROUND_US), last_us.saturating_add(AROUND_US))
}

fn bounds(tree: &CausalTree) -> (i64, i64) {
    let own = tree.event.event.timestamp_us();
    let below = tree.links.iter().map(|link| bounds(&link.tree));
    below.fold((own, own), |all, other| (all.0.min(other.0), all.1.max(other.1)))
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
