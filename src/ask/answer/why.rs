//! Why, for an answer: the chosen line through the tree of causes, and what is said beside it.

use super::Link;
use crate::ask::question::Direction;
use crate::error::StoreError;
use crate::graph::causes::{CausalTree, Grade, Rules, causes, effects};
use crate::store::{Snapshot, StoredEvent};

/// Links beside the chosen one that are told of an event.
const BESIDE_TOLD: usize = 3;

/// The chain of an event from root to effect, and notes for a person: rivals, and what is missing.
pub(super) fn chain(
    snapshot: &Snapshot,
    event: &StoredEvent,
    direction: Direction,
    rules: &Rules,
) -> Result<(Vec<Link>, Vec<String>), StoreError> {
    let tree = match direction {
        Direction::Causes => causes(snapshot, event, rules)?,
        Direction::Effects => effects(snapshot, event, rules)?,
    };
    let mut on_line = vec![&tree];
    while let Some(link) = on_line.last().and_then(|tree| tree.chosen()).filter(|link| link.grade > Grade::Coincident) {
        on_line.push(&link.tree);
    }
    let notes = on_line.iter().flat_map(|tree| notes_of(tree, direction)).collect();
    if direction == Direction::Causes {
        on_line.reverse();
    }
    let steps = tree.chain().into_iter().filter(|step| step.grade.is_none_or(|grade| grade > Grade::Coincident));
    let links = steps.zip(on_line).map(|(step, tree)| Link {
        id: step.id.to_string(),
        role: step.role,
        // The event that was asked about is there: no link makes it more or less sure.
        grade: step.grade.map_or("asked", Grade::as_str).to_owned(),
        text: match &tree.hint {
            Some(hint) => format!("{} ({hint})", step.text),
            None => step.text,
        },
    });
    Ok((links.collect(), notes))
}

fn notes_of(tree: &CausalTree, direction: Direction) -> Vec<String> {
    let mut notes = tree.notes.clone();
    let graded = || tree.links.iter().filter(|link| link.grade > Grade::Coincident);
    if direction == Direction::Effects {
        let further = graded().filter(|link| !link.rival).skip(1).take(BESIDE_TOLD);
        notes.extend(further.map(|link| format!("it also led to ({}): {}", link.grade.as_str(), link.tree.text)));
    }
    let rivals = graded().filter(|link| link.rival).take(BESIDE_TOLD);
    notes.extend(rivals.map(|link| format!("also possible ({}): {}", link.grade.as_str(), link.tree.text)));
    notes
}
