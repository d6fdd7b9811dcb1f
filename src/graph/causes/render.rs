//! The forms of a tree: indented text, DOT for Graphviz, Mermaid.

use std::collections::HashMap;
use std::fmt;

use crate::event::timestamp;

use super::tree::{CausalLink, CausalTree, Grade, Towards};

/// The tree for people, an event with its time and id on two lines, rivals as `or`.
impl fmt::Display for CausalTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", in_one_line(&self.text))?;
        write_below(self, "", f)
    }
}

fn write_below(tree: &CausalTree, indent: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let rail = if tree.links.is_empty() { " " } else { "│" };
    let time = timestamp::format(tree.event.event.timestamp_us());
    writeln!(f, "{indent}{rail}  at {time}, {}", tree.event.id)?;
    for line in tree.hint.iter().chain(&tree.notes) {
        writeln!(f, "{indent}{rail}  note: {}", in_one_line(line))?;
    }
    for (index, link) in tree.links.iter().enumerate() {
        let last = index + 1 == tree.links.len();
        let (branch, rail) = if last { ("└─", "   ") } else { ("├─", "│  ") };
        // What is only near in time has no rule.
        let grade = match link.grade {
            Grade::Coincident => link.grade.as_str().to_owned(),
            grade => format!("{}, {}", grade.as_str(), link.rule),
        };
        let (word, text) = (word(link, tree.towards), in_one_line(&link.tree.text));
        writeln!(f, "{indent}{branch} {word} {text} [{grade}: {}]", in_one_line(&link.role))?;
        write_below(&link.tree, &format!("{indent}{rail}"), f)?;
    }
    Ok(())
}

fn word(link: &CausalLink, towards: Towards) -> &'static str {
    match (link.grade, link.rival, towards) {
        (Grade::Coincident, ..) => "beside",
        (_, true, Towards::Causes) => "or",
        (_, true, Towards::Effects) => "perhaps",
        (_, false, Towards::Causes) => "because",
        (_, false, Towards::Effects) => "led to",
    }
}

/// The text without line breaks and other control characters.
fn in_one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// The events of a tree, each once, and its links by the places of their cause and effect.
#[derive(Default)]
struct Graph<'a> {
    events: Vec<&'a CausalTree>,
    links: Vec<(usize, usize, &'a CausalLink)>,
    places: HashMap<String, usize>,
}

impl<'a> Graph<'a> {
    fn new(tree: &'a CausalTree) -> Self {
        let mut graph = Self::default();
        graph.add(tree);
        graph
    }

    fn add(&mut self, tree: &'a CausalTree) -> usize {
        let next = self.events.len();
        let own = *self.places.entry(tree.event.id.to_string()).or_insert(next);
        if own == next {
            self.events.push(tree);
        }
        for link in &tree.links {
            let other = self.add(&link.tree);
            let (cause, effect) = if tree.towards == Towards::Causes { (other, own) } else { (own, other) };
            self.links.push((cause, effect, link));
        }
        own
    }
}

impl CausalTree {
    /// The tree as a graph in DOT: links from cause to effect, rivals dashed, coincident events dotted.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let graph = Graph::new(self);
        let mut out = "digraph causes {\n  rankdir=TB;\n  node [shape=box];\n".to_owned();
        for (index, tree) in graph.events.iter().enumerate() {
            let bold = if index == 0 { ", style=bold" } else { "" };
            let label = [dot_text(&tree.text), dot_text(&tree.event.id.to_string())].join("\\n");
            out.push_str(&format!("  e{index} [label=\"{label}\"{bold}];\n"));
        }
        for (cause, effect, link) in graph.links {
            let style = match link.grade {
                Grade::Coincident => "dotted",
                _ if link.rival => "dashed",
                _ => "solid",
            };
            let label = dot_text(&format!("{}: {}", link.grade.as_str(), link.rule));
            out.push_str(&format!("  e{cause} -> e{effect} [label=\"{label}\", style={style}];\n"));
        }
        out.push_str("}\n");
        out
    }

    /// The tree as a flowchart in Mermaid: links from cause to effect, rivals and coincident events dotted.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let graph = Graph::new(self);
        let mut out = "flowchart TD\n".to_owned();
        for (index, tree) in graph.events.iter().enumerate() {
            let label = [mermaid_text(&tree.text), mermaid_text(&tree.event.id.to_string())].join("<br>");
            out.push_str(&format!("  e{index}[\"{label}\"]\n"));
        }
        for (cause, effect, link) in graph.links {
            let arrow = if link.rival { "-.->" } else { "-->" };
            let label = mermaid_text(&format!("{}: {}", link.grade.as_str(), link.rule));
            out.push_str(&format!("  e{cause} {arrow}|\"{label}\"| e{effect}\n"));
        }
        out
    }
}

/// Text inside of a quoted string of DOT.
fn dot_text(text: &str) -> String {
    in_one_line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Text inside of a quoted string of Mermaid, which knows the entities of HTML without their ampersand.
fn mermaid_text(text: &str) -> String {
    let mut out = String::new();
    for character in in_one_line(text).chars() {
        if matches!(character, '"' | '#' | '<' | '>' | '&' | '`' | ';') {
            out.push_str(&format!("#{};", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}
