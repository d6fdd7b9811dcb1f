//! The chain behind "why", for an answer: the chosen line of the causal tree.

use std::sync::LazyLock;

use super::answer::Link;
use super::question::Direction;
use crate::error::StoreError;
use crate::graph::causes::{Grade, Rules, causes, effects};
use crate::store::{Snapshot, StoredEvent};

/// The rules that are built in; reading them takes a while.
static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

/// The chain from the root to the event, or from the event to what came of it.
pub(super) fn chain(snapshot: &Snapshot, event: &StoredEvent, direction: Direction) -> Result<Vec<Link>, StoreError> {
    let tree = match direction {
        Direction::Causes => causes(snapshot, event, &RULES)?,
        Direction::Effects => effects(snapshot, event, &RULES)?,
    };
    let links = tree.chain().into_iter().map(|step| Link {
        id: step.id.to_string(),
        role: step.role,
        // The event that was asked about is there: no link makes it more or less sure.
        grade: step.grade.map_or("asked", Grade::as_str).to_owned(),
        text: step.text,
    });
    Ok(links.collect())
}
