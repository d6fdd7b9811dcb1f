//! What verify found, in data: findings for a person, what is lost, and where the chain stands.

use std::fmt;
use std::path::PathBuf;

use super::Head;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong with the record.
    Notice,
    /// Something is damaged or cannot be proven. No event is known to be lost.
    Warning,
    /// Events are lost, or the record is not what was written.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, from the data directory on; empty for the store as a whole.
    pub file: PathBuf,
    /// Where in the file; empty for all of it.
    pub place: String,
    /// What is wrong, what it means and what to do.
    pub what: String,
}

impl fmt::Display for Finding {
    /// `severity: file, place: what`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display().to_string();
        let place: Vec<&str> = [&*file, &*self.place].into_iter().filter(|part| !part.is_empty()).collect();
        match place.is_empty() {
            true => write!(f, "{}: {}", self.severity, self.what),
            false => write!(f, "{}: {}: {}", self.severity, place.join(", "), self.what),
        }
    }
}

/// Events that are not there and should be, as far as is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The first sequence number that may be concerned.
    pub first_sequence: Option<u64>,
    /// The last sequence number that may be concerned.
    pub last_sequence: Option<u64>,
    /// The earliest time that may be concerned, in µs since 1970.
    pub first_us: Option<i64>,
    /// The latest time that may be concerned, in µs since 1970.
    pub last_us: Option<i64>,
    /// How many events, if that is known.
    pub events: Option<u64>,
}

/// What was found in a data directory.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Verification {
    /// The number that tells the store from every other.
    pub epoch: u64,
    /// How many segments there are.
    pub segments: u64,
    /// How many logs there are.
    pub logs: u64,
    /// How many events could be read.
    pub events: u64,
    /// How long the JSON of the events in segments is, in bytes.
    pub raw_bytes: u64,
    /// How long the segments and logs are, in bytes.
    pub file_bytes: u64,
    /// The first sequence number that is there.
    pub first_sequence: Option<u64>,
    /// The last sequence number that is there.
    pub last_sequence: Option<u64>,
    /// Where the chain stands after the last segment. Note it elsewhere: it is what later proves that nothing before
    /// it was changed. The events of the tail behind it are in checksums only.
    pub head: Option<Head>,
    /// What is not as it should be, the worst first.
    pub findings: Vec<Finding>,
    /// The events that are lost.
    pub lost: Vec<Lost>,
    /// What is missing and accounted for: removals and known losses.
    pub notes: Vec<String>,
    /// Whether a head that was noted elsewhere was found in the chain. Without one, verify proves that the record
    /// fits together, not that nobody wrote it anew.
    pub head_matches: Option<bool>,
}

impl Verification {
    /// Whether nothing is wrong: notices are no fault.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Notice)
    }

    /// What is wrong, a line each; nothing if [`is_ok`](Self::is_ok).
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let wrong = self.findings.iter().filter(|finding| finding.severity > Severity::Notice);
        wrong.map(ToString::to_string).collect()
    }

    pub(super) fn find(
        &mut self,
        severity: Severity,
        file: impl Into<PathBuf>,
        place: impl Into<String>,
        what: impl Into<String>,
    ) {
        self.findings.push(Finding { severity, file: file.into(), place: place.into(), what: what.into() });
    }
}

/// How far verify is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of segments checked.
    pub bytes: u64,
    /// Bytes of segments in all.
    pub total_bytes: u64,
}
