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
pub mod verify;

pub use backup::{RestoreReport, backup, restore};
pub use diff::{Comparison, DiffCounts, DiffEvent, DiffKind, DiffRange, DiffReport, DiffSide, diff};
pub use merge::{MergeError, MergeReport, MergedSource, merge};
pub use verify::{Finding, Head, Lost, Progress, Severity, Verification, VerifyOptions, verify};
