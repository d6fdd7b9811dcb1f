//! The findings as lines of text: what many blocks of one segment have in common is one line.

use sutra_grid_events::forensics::Finding;

/// Runs of blocks that a line names at most.
const RUNS_MAX: usize = 6;

/// A line for each finding, but one for all blocks of a file of which the same is said.
pub(super) fn lines(findings: &[Finding]) -> Vec<String> {
    let mut groups: Vec<Group> = Vec::new();
    for finding in findings {
        let group = Group::of(finding);
        let same = groups.iter_mut().rev().take_while(|known| known.finding.file == finding.file);
        match same.into_iter().find(|known| known.takes(&group)) {
            Some(known) => {
                known.blocks.extend(group.blocks);
                known.count += group.count;
            }
            None => groups.push(group),
        }
    }
    groups.iter().map(Group::line).collect()
}

struct Group<'a> {
    finding: &'a Finding,
    blocks: Vec<u64>,
    /// How many events were said; 0 if that is not what is said.
    count: u64,
    /// What is said of them.
    rest: &'a str,
}

impl<'a> Group<'a> {
    fn of(finding: &'a Finding) -> Self {
        let block = finding.place.strip_prefix("block ").and_then(|number| number.parse().ok());
        let (count, rest) = split(&finding.what).unwrap_or((0, &finding.what));
        Self { finding, blocks: block.into_iter().collect(), count, rest }
    }

    fn takes(&self, other: &Self) -> bool {
        let is_same = (self.finding.severity, self.rest) == (other.finding.severity, other.rest);
        is_same && !self.blocks.is_empty() && !other.blocks.is_empty() && (self.count == 0) == (other.count == 0)
    }

    fn line(&self) -> String {
        let finding = self.finding;
        let (place, what) = match self.blocks.len() {
            0 | 1 => (finding.place.clone(), finding.what.clone()),
            _ if self.count == 0 => (in_words(&self.blocks), self.rest.to_owned()),
            _ => (in_words(&self.blocks), format!("{} events {}", self.count, self.rest)),
        };
        let file = finding.file.display().to_string();
        let parts: Vec<&str> = [&*file, &*place].into_iter().filter(|part| !part.is_empty()).collect();
        match parts.is_empty() {
            true => format!("{}: {what}", finding.severity),
            false => format!("{}: {}: {what}", finding.severity, parts.join(", ")),
        }
    }
}

/// How many events a text begins with, and what it says of them.
fn split(what: &str) -> Option<(u64, &str)> {
    let (count, rest) = what.split_once(' ')?;
    let rest = rest.strip_prefix("events ").or_else(|| rest.strip_prefix("event "))?;
    Some((count.parse().ok()?, rest))
}

/// The numbers of ascending blocks.
fn in_words(blocks: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &block in blocks {
        match runs.last_mut() {
            Some(run) if block <= run.1 + 1 => run.1 = block,
            _ => runs.push((block, block)),
        }
    }
    if runs.len() > RUNS_MAX {
        let (first, last) = (runs.first().map_or(0, |run| run.0), runs.last().map_or(0, |run| run.1));
        return format!("{} blocks from {first} to {last}", blocks.len());
    }
    let word = |&(first, last): &(u64, u64)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    format!("blocks {}", runs.iter().map(word).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use sutra_grid_events::forensics::Severity;

    use super::*;

    fn finding(block: u64, what: &str) -> Finding {
        Finding {
            severity: Severity::Error,
            file: "segments/1.seg".into(),
            place: format!("block {block}"),
            what: what.into(),
        }
    }

    #[test]
    fn blocks_of_which_the_same_is_said_are_one_line() {
        let mut findings: Vec<Finding> =
            (0..=290).map(|block| finding(block, "256 events of type a are lost.")).collect();
        findings.insert(5, finding(4, "it says other positions."));
        findings.push(finding(300, "1 event of type a are lost."));
        findings.push(finding(301, "1 event of type b cannot be read."));
        let expected = [
            "error: segments/1.seg, blocks 0 to 290, 300: 74497 events of type a are lost.",
            "error: segments/1.seg, block 4: it says other positions.",
            "error: segments/1.seg, block 301: 1 event of type b cannot be read.",
        ];
        assert_eq!(lines(&findings), expected);
        assert_eq!(in_words(&[1, 3, 5, 7, 9, 11, 13]), "7 blocks from 1 to 13");
    }
}
