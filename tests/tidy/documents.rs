//! Rules for the documents, and for every text file of the repository.

use std::collections::BTreeMap;
use std::path::Path;

use crate::TextFile;

/// The commands that the README promises and `.ci/run` runs.
const PROMISED: [&str; 2] = ["cargo run --release -- demo", "cargo test"];
/// The parts of a decision.
const DECISION_PARTS: [&str; 4] = ["## Context", "## Decision", "## Consequences", "## Measurement"];
const DECISIONS: &str = "docs/decisions";
/// Folders that hold the homes of people.
const HOMES: [&str; 3] = ["home", "root", "Users"];

/// What the documents do against the rules.
pub(crate) fn complaints(files: &[TextFile]) -> Vec<String> {
    let mut found = broken_links(files);
    let own = env!("CARGO_MANIFEST_DIR");
    found.extend(files.iter().flat_map(|file| machine_paths(file, own)));
    found.extend(promises(files));
    found.extend(decisions(files));
    found
}

/// Links of Markdown files to files or headings that are not there.
fn broken_links(files: &[TextFile]) -> Vec<String> {
    let headings: BTreeMap<&str, Vec<String>> = files
        .iter()
        .filter(|file| file.path.ends_with(".md"))
        .map(|file| (file.path.as_str(), anchors(file)))
        .collect();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in links(&file.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let full = if path.is_empty() { Some(file.path.clone()) } else { resolve(&file.path, path) };
            let there = full.as_ref().is_some_and(|full| {
                let is_folder = || files.iter().any(|other| other.is_below(full));
                files.iter().any(|other| other.path == *full) || is_folder() || exists(full)
            });
            let known = full.as_ref().and_then(|full| headings.get(full.as_str()));
            if !there {
                found.push(format!("{}:{line}: `{target}` is not there", file.path));
            } else if !anchor.is_empty() && !known.is_some_and(|known| known.iter().any(|known| known == anchor)) {
                found.push(format!("{}:{line}: `{target}` has no such heading", file.path));
            }
        }
    }
    found
}

/// Whether a file that is no text is there.
fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
}

/// The targets of links, with their lines. Code has none.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in prose(text) {
        for (at, _) in text.match_indices("](") {
            if let Some((target, _)) = text[at + 2..].split_once(')') {
                found.push((line, target.to_owned()));
            }
        }
    }
    found
}

/// The lines outside of code blocks, without their code spans.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut in_code = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        if !in_code && !fence {
            // The text of a link may be code; its target is not.
            let without: String = line.split('`').step_by(2).collect();
            found.push((index + 1, without));
        }
        in_code ^= fence;
    }
    found
}

/// The anchors of the headings of a document, as GitHub makes them.
fn anchors(file: &TextFile) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in file.text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let title = line.strip_prefix('#').and_then(|rest| rest.trim_start_matches('#').strip_prefix(' '));
        if let (false, Some(title)) = (in_code, title) {
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            found.push(kept.collect::<String>().to_lowercase().replace(' ', "-"));
        }
    }
    found
}

/// The path, below the root, that a relative one in a file means. Nothing if it leaves the repository.
fn resolve(from: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Paths that exist on one machine only: the homes of people, and this very checkout.
fn machine_paths(file: &TextFile, own: &str) -> Vec<String> {
    let mut foreign: Vec<String> = HOMES.iter().map(|home| format!("/{home}/")).collect();
    if own.matches('/').count() > 1 {
        foreign.push(own.to_owned());
    }
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for path in &foreign {
            let starts = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-/>}".contains(c));
            if line.match_indices(path.as_str()).any(|(at, _)| starts(at)) {
                found.push(format!("{}:{}: a path of one machine: {path}", file.path, index + 1));
            }
        }
    }
    found
}

/// Whether what the README and the changelog promise is there.
fn promises(files: &[TextFile]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let mut found = Vec::new();
    for (path, needed) in [
        ("README.md", PROMISED.as_slice()),
        (".ci/run", PROMISED.as_slice()),
        ("CHANGELOG.md", ["\n## [Unreleased]\n"].as_slice()),
    ] {
        match text(path) {
            None => found.push(format!("{path}: not there")),
            Some(text) => {
                found.extend(
                    needed
                        .iter()
                        .filter(|part| !text.contains(**part))
                        .map(|part| format!("{path}: lacks `{}`", part.trim())),
                );
            }
        }
    }
    if let Some(text) = text("deny.toml") {
        let exceptions = text.lines().enumerate().filter(|(_, line)| line.contains("id = \"RUSTSEC"));
        let bare = exceptions.filter(|(_, line)| !line.contains("reason = \""));
        found.extend(bare.map(|(index, _)| format!("deny.toml:{}: an exception without a reason", index + 1)));
    }
    found
}

/// Whether decisions are numbered without a gap, whole, and listed.
fn decisions(files: &[TextFile]) -> Vec<String> {
    let index = format!("{DECISIONS}/README.md");
    let listed = files.iter().find(|file| file.path == index).map(|file| file.text.as_str()).unwrap_or_default();
    let mut found = Vec::new();
    let all = files.iter().filter(|file| file.is_below(DECISIONS) && file.path != index);
    for (number, file) in (1..).zip(all) {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if !name.starts_with(&format!("{number:04}-")) {
            found.push(format!("{}: expected number {number:04}", file.path));
        }
        if !listed.contains(&format!("({name})")) {
            found.push(format!("{}: not listed in {index}", file.path));
        }
        let missing = DECISION_PARTS.into_iter().filter(|part| !file.text.lines().any(|line| line == *part));
        found.extend(missing.map(|part| format!("{}: lacks `{part}`", file.path)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn broken_links_are_found() {
        let files = [
            sample(
                "README.md",
                "[a](docs/a.md) [b](docs/b.md)\n`[c](c.md)`\n```\n[d](d.md)\n```\n[e](https://x.y/z)\n",
            ),
            sample(
                "docs/a.md",
                "# The title: a `b`\n[up](../README.md) [out](../../x.md) [f](#the-title-a-b) [g](#no)\n",
            ),
        ];
        assert_eq!(
            broken_links(&files),
            [
                "README.md:1: `docs/b.md` is not there",
                "docs/a.md:2: `../../x.md` is not there",
                "docs/a.md:2: `#no` has no such heading"
            ]
        );
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for home in HOMES {
            assert_eq!(machine_paths(&sample("a.md", &format!("see /{home}/me/x")), "/a").len(), 1, "{home}");
        }
        let own = "/some/where";
        assert_eq!(machine_paths(&sample("a.md", "`/some/where/a.txt`"), own).len(), 1);
        assert!(machine_paths(&sample("a.md", "/var/lib/x ./some/where/a DIR/some/where"), own).is_empty());
    }

    #[test]
    fn broken_promises_are_found() {
        let whole = format!("{}\n{}\n", PROMISED[0], PROMISED[1]);
        let with = |readme: &str, log: &str, deny: &str| {
            let files = [
                sample("README.md", readme),
                sample(".ci/run", &whole),
                sample("CHANGELOG.md", log),
                sample("deny.toml", deny),
            ];
            promises(&files)
        };
        let log = "# Changelog\n\n## [Unreleased]\n";
        assert!(with(&whole, log, "{ id = \"RUSTSEC-1\", reason = \"x\" }").is_empty());
        assert_eq!(with("cargo test", log, "").len(), 1);
        assert_eq!(with(&whole, "# Changelog\n", "").len(), 1);
        assert_eq!(with(&whole, log, "{ id = \"RUSTSEC-1\" }").len(), 1);
        assert_eq!(promises(&[]).len(), 3);
    }

    #[test]
    fn incomplete_decisions_are_found() {
        let whole = DECISION_PARTS.join("\n");
        let index = sample("docs/decisions/README.md", "[1](0001-a.md) [2](0003-b.md)");
        let files = [
            sample("docs/decisions/0001-a.md", &whole),
            sample("docs/decisions/0003-b.md", &whole.replace("## Measurement", "")),
            sample("docs/decisions/0003-c.md", &whole),
            index,
        ];
        assert_eq!(
            decisions(&files),
            [
                "docs/decisions/0003-b.md: expected number 0002",
                "docs/decisions/0003-b.md: lacks `## Measurement`",
                "docs/decisions/0003-c.md: not listed in docs/decisions/README.md"
            ]
        );
    }
}
