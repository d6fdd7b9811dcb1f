//! What answering a query took.

use std::fmt::{Display, Formatter, Result};

use super::filter::Query;

/// What answering a query took. Its `Display` form is a plan for people, of several lines.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Explanation {
    /// What was asked.
    pub query: Query,
    /// Sources: sealed segments, and the tail.
    pub sources: u64,
    /// Sources of these in which no row could match, as their indices say.
    pub sources_pruned: u64,
    /// Sources that were not asked, since the limit was reached before, or since they lie before the page.
    pub sources_skipped: u64,
    /// Rows that match for certain, as the indices say.
    pub rows_certain: u64,
    /// Rows that may match, as the indices say; those that match for certain are among them.
    pub rows_possible: u64,
    /// Blocks read.
    pub blocks_decoded: u64,
    /// Rows on which the filter was evaluated.
    pub rows_evaluated: u64,
    /// Events given back.
    pub rows_returned: u64,
    /// Time taken, in µs.
    pub micros: u64,
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let searched = self.sources.saturating_sub(self.sources_pruned + self.sources_skipped);
        writeln!(f, "query      {}", self.query)?;
        writeln!(
            f,
            "sources    {} in all: {searched} searched, {} without a candidate, {} not needed",
            self.sources, self.sources_pruned, self.sources_skipped
        )?;
        writeln!(
            f,
            "candidates {} rows: {} certain from the indices, {} to be evaluated",
            self.rows_possible,
            self.rows_certain,
            self.rows_possible.saturating_sub(self.rows_certain)
        )?;
        writeln!(f, "read       {} blocks decoded, {} rows evaluated", self.blocks_decoded, self.rows_evaluated)?;
        write!(f, "result     {} events in {} µs", self.rows_returned, self.micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_as_text() {
        let explanation = Explanation {
            sources: 5,
            sources_pruned: 1,
            sources_skipped: 2,
            rows_certain: 30,
            rows_possible: 40,
            blocks_decoded: 3,
            rows_evaluated: 7,
            rows_returned: 33,
            micros: 250,
            ..Explanation::default()
        };
        let text = "query      everything, oldest first\n\
                    sources    5 in all: 2 searched, 1 without a candidate, 2 not needed\n\
                    candidates 40 rows: 30 certain from the indices, 10 to be evaluated\n\
                    read       3 blocks decoded, 7 rows evaluated\n\
                    result     33 events in 250 µs";
        assert_eq!(explanation.to_string(), text);
    }
}
