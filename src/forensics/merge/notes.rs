//! What a merged store knows beside its events: where they came from, and what the stores had lost.

use std::sync::Arc;

use super::MergedSource;
use crate::error::StoreError;
use crate::forensics::events::Unreadable;
use crate::query::{Gap, GapCause, unaccounted};
use crate::store::{Loss, LossCause, Origin, Removal, RemovalCause, Store};

/// Marks a store as one that a merge makes. It is the origin of no event.
pub(super) fn note_beginning(output: &Store) -> Result<(), StoreError> {
    output.note_origin(&Origin {
        epoch: output.epoch(),
        label: "merge".to_owned(),
        first_sequence: 0,
        last_sequence: 0,
        origin_first_sequence: 0,
        origin_last_sequence: 0,
        events: 0,
    })
}

/// Makes what a store lost, what retention removed from it and what is damaged in it losses of the output. Gives how
/// many were not known before.
pub(super) fn take_over_losses(
    source: &Store,
    merged: &mut MergedSource,
    unreadable: &[Unreadable],
    output: &Store,
) -> Result<u64, StoreError> {
    let mut losses = Vec::new();
    let missing = match source.missing() {
        Ok(missing) => missing,
        Err(error) if error.is_unreadable() => {
            merged.problems.push(error.to_string());
            losses
                .push(Loss::new(LossCause::Damaged, format!("what was removed and lost before is not known: {error}")));
            Arc::default()
        }
        Err(error) => return Err(error),
    };
    losses.extend(missing.losses.iter().cloned());
    losses.extend(missing.removals.iter().map(loss_of));
    // A torn end may be what is just being written, which a later merge takes over.
    let unnoted = unaccounted(source, &source.snapshot(), &missing);
    losses.extend(unnoted.into_iter().filter(|gap| gap.cause != GapCause::Torn).map(damaged));
    losses.extend(unreadable.iter().map(|unreadable| Loss {
        events: Some(unreadable.events),
        first_us: Some(unreadable.times.0),
        last_us: Some(unreadable.times.1),
        ..Loss::new(LossCause::Damaged, unreadable.reason.clone())
    }));
    let known = output.losses()?;
    let mut noted = 0;
    for loss in losses {
        let numbers = match (loss.first_sequence, loss.last_sequence) {
            (Some(first), Some(last)) => format!(", numbers {first} to {last} there"),
            _ => String::new(),
        };
        // A path in the detail may be written in another way next time; the epoch tells the store.
        let detail = format!("(store {epoch:016x}{numbers}): {detail}", epoch = source.epoch(), detail = loss.detail);
        let is_same = |other: &Loss| {
            other.detail.ends_with(&detail)
                && (other.cause, other.events, other.first_us, other.last_us)
                    == (loss.cause, loss.events, loss.first_us, loss.last_us)
        };
        if !known.iter().any(is_same) {
            // Numbers of another store say nothing here.
            let detail = format!("{} {detail}", merged.label);
            output.note_loss(&Loss { first_sequence: None, last_sequence: None, detail, ..loss })?;
            noted += 1;
        }
    }
    Ok(noted)
}

/// Something that nobody noted, with the times and numbers around it.
fn damaged(gap: Gap) -> Loss {
    Loss {
        events: gap.events,
        first_sequence: gap.first_sequence,
        last_sequence: gap.last_sequence,
        first_us: gap.since_us,
        last_us: gap.until_us,
        ..Loss::new(LossCause::Damaged, gap.reason)
    }
}

fn loss_of(removal: &Removal) -> Loss {
    let what = removal.event_type.as_deref().map_or_else(|| "events".to_owned(), |name| format!("{name} events"));
    let why = match removal.cause {
        RemovalCause::Expired => "retention removed",
        RemovalCause::Thinned => "retention thinned out",
        RemovalCause::Lost => "salvage did not find",
    };
    Loss {
        events: Some(removal.events),
        first_sequence: Some(removal.first_sequence),
        last_sequence: Some(removal.last_sequence),
        first_us: Some(removal.first_us),
        last_us: Some(removal.last_us),
        event_type: removal.event_type.clone(),
        noted_at_us: removal.removed_at_us,
        ..Loss::new(LossCause::Removed, format!("{why} {} {what}", removal.events))
    }
}
