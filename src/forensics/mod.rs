//! Forensics: what can be learnt from a data directory when all else failed, without changing a byte of it.
//!
//! ```text
//! directory ─► verify ─► findings            directory ─► salvage ─► a healthy store
//! store ─► backup ─► restore                 stores ─► merge ─► a store      two stores ─► diff
//! ```

mod salvage;

pub use salvage::{PieceOutcome, SalvageError, SalvageOptions, SalvageProgress, SalvageReport, SalvagedPiece, salvage};
