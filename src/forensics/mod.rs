//! Forensics: what can be learnt from a data directory when all else failed, without changing a byte of it.
//!
//! ```text
//! directory ─► verify ─► findings            directory ─► salvage ─► a healthy store
//! store ─► backup ─► restore                 stores ─► merge ─► a store      two stores ─► diff
//! ```

mod backup;
mod diff;
mod events;
mod foreign;
mod merge;
mod salvage;
mod verify;

pub use backup::{RestoreOptions, RestoreReport, backup, restore};
pub use diff::{Comparison, DiffCounts, DiffEvent, DiffKind, DiffRange, DiffReport, DiffSide, diff};
pub use merge::{MergeError, MergeReport, MergedSource, merge};
pub use salvage::{PieceOutcome, SalvageError, SalvageOptions, SalvageProgress, SalvageReport, SalvagedPiece, salvage};
pub use verify::{Finding, Head, HeadError, Lost, Progress, Severity, Verification, VerifyOptions, verify};
