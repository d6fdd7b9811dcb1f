//! What a salvage reports.

use std::fmt;

use serde::Serialize;

use crate::store::Loss;

/// How a salvage went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SalvageReport {
    /// The epoch of the store, in hex.
    pub epoch: String,
    /// Events in the new store.
    pub events: u64,
    /// Foreign concepts and associations in the new store.
    pub foreign_records: u64,
    /// The last sequence number that may have been given; the new store goes on above it.
    pub last_sequence: u64,
    /// What became of each file that was found.
    pub pieces: Vec<SalvagedPiece>,
    /// What is lost. The new store knows it too.
    pub losses: Vec<Loss>,
    /// What else was damaged; no event is lost with it.
    pub notes: Vec<String>,
    /// What is wrong with the new store, as [`verify`](super::verify) says it: nothing, unless the disk below it is
    /// bad, or the chain cannot be shown to go on across what is lost.
    pub problems: Vec<String>,
}

impl SalvageReport {
    /// Whether everything was there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.losses.is_empty() && self.problems.is_empty()
    }

    /// How many events are lost, as far as is known.
    #[must_use]
    pub fn events_lost(&self) -> u64 {
        self.losses.iter().filter_map(|loss| loss.events).sum()
    }
}

impl fmt::Display for SalvageReport {
    /// `nothing was lost` or `N events in K places`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.losses.is_empty() {
            return f.write_str("nothing was lost");
        }
        let at_least = if self.losses.iter().any(|loss| loss.events.is_none()) { "at least " } else { "" };
        let (events, places) = (self.events_lost(), self.losses.len());
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        write!(f, "{at_least}{events} event{} in {places} place{} lost", plural(events), plural(places as u64))
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SalvagedPiece {
    /// Its path below the directory.
    pub path: String,
    /// What became of it.
    pub outcome: PieceOutcome,
    /// Events that the new store has of it.
    pub events: u64,
    /// What is damaged in it.
    pub damage: Vec<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PieceOutcome {
    /// It was whole, and was copied.
    Copied,
    /// What could be read of it was written anew.
    Rebuilt,
    /// Another file holds all that it holds.
    Held,
    /// It was not read: it is of another store, of a newer version, or cannot be opened.
    Skipped,
    /// Nothing of it could be read.
    Lost,
}

impl fmt::Display for PieceOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PieceOutcome::Copied => "copied",
            PieceOutcome::Rebuilt => "rebuilt",
            PieceOutcome::Held => "held elsewhere",
            PieceOutcome::Skipped => "skipped",
            PieceOutcome::Lost => "lost",
        })
    }
}
