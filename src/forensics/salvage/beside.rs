//! What stands beside the events: the keyed part as it was published, and foreign concepts.

use std::path::PathBuf;

use super::find::relative;
use super::piece::Salvage;
use super::report::{PieceOutcome, SalvagedPiece};
use crate::error::StoreError;
use crate::storage::files::{self, KEYED_DIRECTORY};
use crate::storage::foreign;
use crate::storage::keyed::{PUBLISHED_FILE, read_damaged};

impl Salvage<'_> {
    /// Takes over what was published of the keyed part: all of it if its checksum fits, else each line that is one.
    pub(super) fn take_keyed(&mut self) {
        let path = self.from.join(PUBLISHED_FILE);
        if std::fs::symlink_metadata(&path).is_err() {
            if std::fs::symlink_metadata(self.from.join(KEYED_DIRECTORY)).is_ok() {
                let note =
                    format!("{PUBLISHED_FILE}: it is missing; cursors and the history of retention are not taken");
                self.report.notes.push(note);
            }
            return;
        }
        match read_damaged(&path) {
            Ok((entries, lost, fits)) => {
                if !fits {
                    let note = format!("{PUBLISHED_FILE}: its checksum does not fit; {lost} lines of it are lost");
                    self.report.notes.push(note);
                }
                self.entries = entries;
            }
            Err(error) => self.report.notes.push(format!("{PUBLISHED_FILE}: {error}")),
        }
    }

    /// Copies the whole records of the log of foreign concepts.
    pub(super) fn take_foreign(&mut self, paths: &[PathBuf]) -> Result<(), StoreError> {
        let proper = self.from.join(files::FOREIGN_FILE);
        let mut ordered: Vec<&PathBuf> = paths.iter().collect();
        ordered.sort_by_key(|path| **path != proper);
        let mut is_taken = false;
        for path in ordered {
            let (outcome, records, damage) = if is_taken {
                (PieceOutcome::Held, 0, Vec::new())
            } else {
                match foreign::salvage(path, self.target_root(), self.epoch()) {
                    Ok((records, 0)) => (PieceOutcome::Copied, records, Vec::new()),
                    Ok((records, bytes)) => {
                        let damage = format!("{bytes} bytes of it");
                        self.report.notes.push(format!("{}: {damage} are lost", relative(self.from, path)));
                        (PieceOutcome::Rebuilt, records, vec![damage])
                    }
                    Err(error @ (StoreError::Damaged { .. } | StoreError::NewerFormat { .. })) => {
                        (PieceOutcome::Skipped, 0, vec![error.to_string()])
                    }
                    Err(StoreError::Io { path: at, source, .. }) if at == *path => {
                        (PieceOutcome::Skipped, 0, vec![source.to_string()])
                    }
                    Err(other) => return Err(other),
                }
            };
            is_taken |= matches!(outcome, PieceOutcome::Copied | PieceOutcome::Rebuilt);
            self.report.foreign_records += records;
            let path = relative(self.from, path);
            self.report.pieces.push(SalvagedPiece { path, outcome, events: 0, damage });
        }
        Ok(())
    }
}
