//! Follows links from one event to a finite tree: the chosen line first and far, rivals a little way.

use std::collections::{HashSet, VecDeque};

use crate::error::StoreError;
use crate::event::ConceptId;
use crate::store::{Snapshot, StoredEvent};

use super::absence;
use super::hints::hint;
use super::links::{Candidate, Links};
use super::rules::Rules;
use super::tree::{CausalLink, CausalTree, Grade, Towards};

/// The most links between the event asked about and any other of its tree.
pub const DEPTH_MAX: usize = 12;
/// The most links of one event that are shown, coincident ones aside.
pub const FAN_OUT_MAX: usize = 8;
/// How many links beyond a rival are followed.
const RIVAL_DEPTH_MAX: usize = 2;
/// The most events whose links are sought for one tree.
const EVENTS_FOLLOWED_MAX: usize = 64;

/// An event of the tree while it grows.
struct Node {
    event: StoredEvent,
    /// The link to the event above, and where that is.
    above: Option<(Candidate, usize)>,
    depth: usize,
    /// How far it may still be followed.
    steps_left: usize,
    /// Whether it hangs below a rival.
    beside: bool,
    below: Vec<usize>,
    notes: Vec<String>,
}

/// Grows the tree of an event.
pub(super) fn grow(
    snapshot: &Snapshot,
    event: &StoredEvent,
    rules: &Rules,
    towards: Towards,
) -> Result<CausalTree, StoreError> {
    let root = Node {
        event: event.clone(),
        above: None,
        depth: 0,
        steps_left: DEPTH_MAX,
        beside: false,
        below: Vec::new(),
        notes: Vec::new(),
    };
    let mut tree = Growing { links: Links::new(snapshot, rules), towards, nodes: vec![root] };
    tree.follow_all()?;
    tree.add_coincident()?;
    tree.finish(snapshot, 0)
}

struct Growing<'a> {
    links: Links<'a>,
    towards: Towards,
    nodes: Vec<Node>,
}

impl Growing<'_> {
    fn follow_all(&mut self) -> Result<(), StoreError> {
        // The chosen line is followed to its end before any rival, so that no limit cuts it for their sake.
        let (mut chosen, mut rivals) = (VecDeque::from([0]), VecDeque::new());
        let mut followed: HashSet<ConceptId> = HashSet::new();
        while let Some(at) = chosen.pop_front().or_else(|| rivals.pop_front()) {
            let node = &mut self.nodes[at];
            if node.steps_left == 0 {
                if !node.beside {
                    node.notes.push(format!("not followed further than {DEPTH_MAX} links"));
                }
                continue;
            }
            if followed.contains(&node.event.id) {
                node.notes.push("followed at another place of this tree".to_owned());
                continue;
            }
            if followed.len() == EVENTS_FOLLOWED_MAX {
                node.notes.push(format!("not followed: the tree has {EVENTS_FOLLOWED_MAX} events with links"));
                continue;
            }
            followed.insert(node.event.id.clone());
            for below in self.follow(at)? {
                if self.nodes[below].beside { rivals.push_back(below) } else { chosen.push_back(below) }
            }
        }
        Ok(())
    }

    /// Adds the events linked to one event, and answers where they are.
    fn follow(&mut self, at: usize) -> Result<Vec<usize>, StoreError> {
        let (mut candidates, mut notes) = self.links_of(at)?;
        let above = self.path_to(at);
        candidates.retain(|candidate| {
            let circular = above.contains(&&candidate.event.id);
            if circular && candidate.grade == Grade::Declared {
                notes.push(format!(
                    "{} is on the way here already: a circle, which is not followed",
                    candidate.event.id
                ));
            }
            !circular
        });
        if self.towards == Towards::Causes {
            // The best may have been left out as part of a circle.
            candidates.iter_mut().enumerate().for_each(|(index, candidate)| candidate.rival = index > 0);
        }
        let node = &self.nodes[at];
        let (depth, steps_left, beside) = (node.depth + 1, node.steps_left - 1, node.beside);
        if beside {
            // Below a rival its own best line is enough.
            candidates.truncate(1);
        }
        if candidates.len() > FAN_OUT_MAX {
            notes.push(format!("{} more are not shown", candidates.len() - FAN_OUT_MAX));
            candidates.truncate(FAN_OUT_MAX);
        }
        let first = self.nodes.len();
        for candidate in candidates {
            let beside = beside || candidate.rival;
            let steps_left = if beside { steps_left.min(RIVAL_DEPTH_MAX) } else { steps_left };
            let event = candidate.event.clone();
            let above = Some((candidate, at));
            self.nodes.push(Node { event, above, depth, steps_left, beside, below: Vec::new(), notes: Vec::new() });
        }
        let below: Vec<usize> = (first..self.nodes.len()).collect();
        let node = &mut self.nodes[at];
        node.below.clone_from(&below);
        node.notes.append(&mut notes);
        Ok(below)
    }

    fn links_of(&self, at: usize) -> Result<(Vec<Candidate>, Vec<String>), StoreError> {
        let event = &self.nodes[at].event;
        match self.towards {
            Towards::Causes => {
                let found = self.links.causes_of(event)?;
                Ok((found.candidates.clone(), found.notes.clone()))
            }
            Towards::Effects => {
                let found = self.links.effects_of(event)?;
                Ok((found.candidates, found.notes))
            }
        }
    }

    /// The ids of an event and of those above it.
    fn path_to(&self, at: usize) -> Vec<&ConceptId> {
        let mut path = vec![&self.nodes[at].event.id];
        let mut node = &self.nodes[at];
        while let Some((_, above)) = &node.above {
            node = &self.nodes[*above];
            path.push(&node.event.id);
        }
        path
    }

    /// Adds what is only near in time to the event asked about, and is not in its tree otherwise.
    fn add_coincident(&mut self) -> Result<(), StoreError> {
        let alone = self.nodes[0].below.is_empty();
        let known: HashSet<ConceptId> = self.nodes.iter().map(|node| node.event.id.clone()).collect();
        for candidate in self.links.coincident(&self.nodes[0].event, self.towards)? {
            if known.contains(&candidate.event.id) {
                continue;
            }
            let event = candidate.event.clone();
            let at = self.nodes.len();
            let above = Some((candidate, 0));
            let (below, notes) = (Vec::new(), Vec::new());
            self.nodes.push(Node { event, above, depth: 1, steps_left: 0, beside: true, below, notes });
            self.nodes[0].below.push(at);
        }
        if alone {
            let what = match self.towards {
                Towards::Causes => "no cause is known by any rule",
                Towards::Effects => "no effect is known by any rule",
            };
            self.nodes[0].notes.push(what.to_owned());
        }
        Ok(())
    }

    /// The tree below an event. It recurses as deep as the tree is, which has a limit.
    fn finish(&self, snapshot: &Snapshot, at: usize) -> Result<CausalTree, StoreError> {
        let node = &self.nodes[at];
        let mut links = Vec::with_capacity(node.below.len());
        for &below in &node.below {
            let Some((candidate, _)) = &self.nodes[below].above else { continue };
            let (other, own) = (candidate.event.id.clone(), node.event.id.clone());
            let (cause, effect, role) = match self.towards {
                Towards::Causes => (other, own, &candidate.role),
                Towards::Effects => (own, other, &candidate.effect_role),
            };
            links.push(CausalLink {
                evidence: vec![cause.clone(), effect.clone()],
                cause,
                effect,
                grade: candidate.grade,
                rule: candidate.rule.clone(),
                role: role.clone(),
                rival: candidate.rival,
                tree: self.finish(snapshot, below)?,
            });
        }
        let mut notes = node.notes.clone();
        notes.extend(absence::without_outcome(snapshot, &node.event)?);
        notes.extend(absence::silence_before(snapshot, &node.event)?);
        Ok(CausalTree {
            towards: self.towards,
            text: node.event.event.to_description(),
            hint: hint(snapshot, &node.event)?,
            links,
            notes,
            event: node.event.clone(),
        })
    }
}
