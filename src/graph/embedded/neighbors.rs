//! Neighbours: what follows from events is read in its order, and what was learned is merged into it.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::ControlFlow;

use super::{EmbeddedConcepts, derived};
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::graph::causes::{self, Grade};
use crate::graph::concept_store::{ConceptResult, NeighborPage, Neighbors};
use crate::query::Query;
use crate::store::{Snapshot, StoredEvent};

/// The most bytes of ids in one page of neighbours; the rest is found by the next offset.
pub const NEIGHBOR_BYTES_MAX: usize = 16 << 20;

/// Which neighbours are visited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) newest_first: bool,
    /// How many are looked at at most.
    pub(super) enough: usize,
    /// How many of these are passed over, so that nobody keeps them.
    pub(super) passed_over: usize,
    /// Whether those by cause and effect are.
    pub(super) with_causes: bool,
}

/// A page while it is filled.
struct Page {
    wanted: NeighborPage,
    passed: usize,
    bytes: usize,
    found: Neighbors,
}

impl Page {
    /// Adds one more, unless it is passed over. Breaks when the page is full.
    fn add(&mut self, id: impl FnOnce() -> String) -> ControlFlow<()> {
        if self.passed < self.wanted.offset {
            self.passed += 1;
            return ControlFlow::Continue(());
        }
        if self.found.ids.len() < self.wanted.limit {
            let id = id();
            self.bytes = self.bytes.saturating_add(id.len());
            if self.bytes <= NEIGHBOR_BYTES_MAX {
                self.found.ids.push(id);
                return ControlFlow::Continue(());
            }
        }
        self.found.more = true;
        ControlFlow::Break(())
    }
}

impl EmbeddedConcepts {
    /// See [`ConceptStore::get_neighbors`](crate::graph::ConceptStore::get_neighbors). The order is that of time:
    /// that of an event, of a second, or when an association with anything else was learned. The entities and the
    /// second of an event stand at its own time, between its causes and its effects. A page has at most
    /// [`NEIGHBOR_BYTES_MAX`] of ids.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn get_neighbors_blocking(&self, id: &str, page: NeighborPage) -> ConceptResult<Neighbors> {
        let wanted = Wanted {
            newest_first: page.newest_first,
            enough: page.offset.saturating_add(page.limit).saturating_add(1),
            passed_over: page.offset,
            with_causes: true,
        };
        let mut filled = Page { wanted: page, passed: 0, bytes: 0, found: Neighbors::default() };
        self.each_neighbor(&self.inner.store.snapshot(), id, wanted, &mut |id| filled.add(id))?;
        Ok(filled.found)
    }

    /// Visits the neighbours of a concept in the order of time, each once, until the visitor breaks; those beside
    /// the events of an entity or a second only up to as many as are enough, those by cause and effect only where
    /// they are asked for. The visitor is given what makes the id.
    pub(super) fn each_neighbor(
        &self,
        snapshot: &Snapshot,
        id: &str,
        wanted: Wanted,
        visitor: &mut dyn FnMut(&dyn Fn() -> String) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let beside = self.beside(snapshot, id, wanted)?;
        let beside_ids: HashSet<&str> = beside.iter().map(|(_, id)| id.as_str()).collect();
        let beside_times: HashSet<i64> = beside.iter().map(|(time, _)| *time).collect();
        let own_time = id.parse::<ConceptId>().ok().map(|id| id.timestamp_us());
        let mut waiting = beside.iter().peekable();
        let mut flow = ControlFlow::Continue(());
        if let Some(filter) = derived::events_of(id) {
            let query = Query::new(filter);
            let query = if wanted.newest_first { query.newest_first() } else { query };
            snapshot.for_each_row(&query, &mut |row| {
                let time = row.timestamp_us();
                let is_before =
                    |other: &&(i64, String)| if wanted.newest_first { other.0 >= time } else { other.0 < time };
                while let Some((_, other)) = waiting.next_if(is_before) {
                    flow = visitor(&|| other.clone());
                    if flow.is_break() {
                        return flow;
                    }
                }
                // An event has one time, so that only what is beside at this time can be the same.
                if own_time == Some(time) || beside_times.contains(&time) {
                    let event_id = row.id().to_string();
                    if event_id == id || beside_ids.contains(event_id.as_str()) {
                        return ControlFlow::Continue(());
                    }
                }
                flow = visitor(&|| row.id().to_string());
                flow
            })?;
        }
        if flow.is_continue() {
            let _ = waiting.try_for_each(|(_, other)| visitor(&|| other.clone()));
        }
        Ok(())
    }

    /// The neighbours that are not read as events of an entity or of a second, in the order that is wanted.
    fn beside(&self, snapshot: &Snapshot, id: &str, wanted: Wanted) -> Result<Vec<(i64, String)>, StoreError> {
        let event = match id.parse::<ConceptId>() {
            Ok(event_id) => snapshot.get(&event_id)?,
            Err(_) => None,
        };
        let mut own = match event {
            Some(event) => self.of_event(snapshot, &event, wanted.with_causes)?,
            None => Vec::new(),
        };
        own.retain(|(_, other)| other != id);
        if wanted.newest_first {
            own.reverse();
        }
        let enough = wanted.enough.saturating_add(own.len());
        // Those that are its own are not given twice, and so do not count.
        let passed_over = wanted.passed_over.saturating_add(own.len());
        let bytes = own.iter().map(|(_, id)| id.len()).sum::<usize>().saturating_add(NEIGHBOR_BYTES_MAX);
        let learned = self.learned()?.neighbors(id, wanted.newest_first, enough, passed_over, bytes);
        let known: HashSet<String> = own.iter().map(|(_, id)| id.clone()).collect();
        own.extend(learned.into_iter().filter(|(_, other)| !known.contains(other)));
        // Stable, so that what has one time keeps the order that it has here.
        if wanted.newest_first {
            own.sort_by_key(|(time, _)| Reverse(*time));
        } else {
            own.sort_by_key(|(time, _)| *time);
        }
        Ok(own)
    }

    /// The neighbours of an event, oldest first: its causes, its entities, its second, its effects; each once.
    fn of_event(
        &self,
        snapshot: &Snapshot,
        event: &StoredEvent,
        with_causes: bool,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let time = event.event.timestamp_us();
        let mut all: Vec<(i64, String)> = Vec::new();
        if with_causes {
            all.extend(linked(causes::direct_causes(snapshot, event, &self.inner.rules)?));
        }
        all.extend(derived::named_by(&event.event).into_iter().map(|id| (time, id)));
        if with_causes {
            all.extend(linked(causes::direct_effects(snapshot, event, &self.inner.rules)?));
        }
        all.sort_by_key(|(time, _)| *time);
        let mut seen = HashSet::new();
        all.retain(|(_, id)| seen.insert(id.clone()));
        Ok(all)
    }
}

/// The links that are sure enough to be associations: declared, or matched by a protocol.
fn linked(links: Vec<(ConceptId, Grade)>) -> impl Iterator<Item = (i64, String)> {
    let sure = links.into_iter().filter(|(_, grade)| *grade >= Grade::Matched);
    sure.map(|(id, _)| (id.timestamp_us(), id.to_string()))
}
