//! Paths: breadth first from both ends, one level at a time, always from the end that has less to look at.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

use super::neighbors::Wanted;
use super::{EmbeddedConcepts, derived};
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::graph::concept_store::{ConceptResult, PathFound, check_depth};
use crate::store::Snapshot;

/// The most concepts that the search for a path visits.
pub const VISITED_MAX: usize = 20_000;
/// The most neighbours of one concept, the newest, that a search for a path goes on to.
pub const HUB_NEIGHBORS_MAX: usize = 5_000;
/// The most events of which the search for a path looks at causes and effects.
pub const CAUSES_FOLLOWED_MAX: usize = 1_000;

/// The most concepts of a level whose neighbours are counted before it is decided where to go on.
const COUNTED_MAX: usize = 64;
/// How many neighbours a concept is taken to have where they are not counted.
const NEIGHBORS_ASSUMED: u64 = 64;
/// How many neighbours an event is taken to have.
const NEIGHBORS_OF_EVENT: u64 = 4;

/// What was visited from one end.
struct End {
    /// Each concept with the one from which it was reached; the end itself with none.
    reached_from: HashMap<String, Option<String>>,
    /// The concepts of the last level.
    level: Vec<String>,
    /// About how many neighbours they have.
    ahead: u64,
    /// Whether something was not looked at because of a limit.
    cut: bool,
}

impl End {
    fn new(id: &str) -> Self {
        Self { reached_from: HashMap::from([(id.to_owned(), None)]), level: vec![id.to_owned()], ahead: 0, cut: false }
    }

    /// The concepts from one that was reached back to the end.
    fn way_back(&self, from: &str) -> Vec<String> {
        let mut way = vec![from.to_owned()];
        let mut at = from;
        while let Some(Some(before)) = self.reached_from.get(at) {
            way.push(before.clone());
            at = before;
        }
        way
    }
}

/// A search while it goes on.
struct Search<'a> {
    concepts: &'a EmbeddedConcepts,
    snapshot: Snapshot,
    visited: usize,
    causes_followed: usize,
}

impl EmbeddedConcepts {
    /// See [`ConceptStore::find_path`](crate::graph::ConceptStore::find_path). At most [`VISITED_MAX`] concepts are
    /// visited, the newest [`HUB_NEIGHBORS_MAX`] neighbours of each, and causes and effects of the first
    /// [`CAUSES_FOLLOWED_MAX`] events; where that kept a path from being found, it gave up. A path that is found
    /// beyond a limit may not be the shortest. What starts where it ends is found, whether it is a concept or not.
    ///
    /// # Errors
    /// If the depth is beyond its limit, or a file cannot be read or is damaged.
    pub fn find_path_blocking(&self, start: &str, end: &str, max_depth: u32) -> ConceptResult<PathFound> {
        check_depth(max_depth)?;
        if start == end {
            return Ok(PathFound { path: Some(vec![start.to_owned()]), gave_up: false });
        }
        let snapshot = self.inner.store.snapshot();
        let mut search = Search { concepts: self, snapshot, visited: 2, causes_followed: 0 };
        let mut ends = [End::new(start), End::new(end)];
        for _ in 0..max_depth {
            for end in &mut ends {
                search.look_ahead(end)?;
            }
            let [from_start, from_end] = &mut ends;
            let forward = from_start.ahead <= from_end.ahead;
            let (near, far) = if forward { (from_start, from_end) } else { (from_end, from_start) };
            if let Some(meeting) = search.next_level(near, far)? {
                let mut path = ends[0].way_back(&meeting);
                path.reverse();
                path.extend(ends[1].way_back(&meeting).into_iter().skip(1));
                return Ok(PathFound { path: Some(path), gave_up: false });
            }
            if ends.iter().any(|end| end.level.is_empty()) || search.visited >= VISITED_MAX {
                break;
            }
        }
        // Where everything around one end was seen, there is no path, whatever was not looked at from the other.
        let seen_all = ends.iter().any(|end| end.level.is_empty() && !end.cut);
        Ok(PathFound { path: None, gave_up: !seen_all && ends.iter().any(|end| end.cut) })
    }
}

impl Search<'_> {
    /// Counts about how many neighbours a level has, and puts those with few of them first.
    fn look_ahead(&self, end: &mut End) -> Result<(), StoreError> {
        if end.level.len() > COUNTED_MAX {
            end.ahead = NEIGHBORS_ASSUMED.saturating_mul(end.level.len() as u64);
            return Ok(());
        }
        let mut counted = Vec::with_capacity(end.level.len());
        for id in end.level.drain(..) {
            let own = if id.parse::<ConceptId>().is_ok() { NEIGHBORS_OF_EVENT } else { 1 };
            let named = derived::events_of(&id).map_or(Ok(0), |filter| self.snapshot.count(&filter))?;
            counted.push((own.saturating_add(named), id));
        }
        counted.sort();
        end.ahead = counted.iter().fold(0, |sum: u64, (count, _)| sum.saturating_add(*count));
        end.level = counted.into_iter().map(|(_, id)| id).collect();
        Ok(())
    }

    /// Goes one level on from one end. The answer is where it met the other.
    fn next_level(&mut self, near: &mut End, far: &End) -> Result<Option<String>, StoreError> {
        let mut next = Vec::new();
        for id in std::mem::take(&mut near.level) {
            let is_event = id.parse::<ConceptId>().is_ok();
            let with_causes = is_event && self.causes_followed < CAUSES_FOLLOWED_MAX;
            self.causes_followed += usize::from(with_causes);
            near.cut |= is_event && !with_causes;
            let wanted = Wanted { newest_first: true, enough: HUB_NEIGHBORS_MAX, passed_over: 0, with_causes };
            let (mut meeting, mut seen) = (None, 0);
            self.concepts.each_neighbor(&self.snapshot, &id, wanted, &mut |other| {
                if seen == HUB_NEIGHBORS_MAX || self.visited >= VISITED_MAX {
                    near.cut = true;
                    return ControlFlow::Break(());
                }
                seen += 1;
                if let Entry::Vacant(vacant) = near.reached_from.entry(other()) {
                    let other = vacant.key().clone();
                    vacant.insert(Some(id.clone()));
                    if far.reached_from.contains_key(&other) {
                        meeting = Some(other);
                        return ControlFlow::Break(());
                    }
                    self.visited += 1;
                    next.push(other);
                }
                ControlFlow::Continue(())
            })?;
            if meeting.is_some() {
                return Ok(meeting);
            }
            if self.visited >= VISITED_MAX {
                break;
            }
        }
        near.level = next;
        Ok(None)
    }
}
