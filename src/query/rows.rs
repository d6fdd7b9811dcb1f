//! Rows of a query, read in place: for answers that look at a field or two of many events.

use std::ops::ControlFlow;

use crate::error::StoreError;
use crate::event::{ConceptId, ValueRef};
use crate::storage::{Rows, StoredEvent};
use crate::store::Snapshot;

use super::execute::for_each_row;
use super::explain::Explanation;
use super::filter::Query;

/// An event of a result, of which only what is asked for is built.
pub(crate) struct Row<'a> {
    rows: &'a dyn Rows,
    row: u32,
}

impl Row<'_> {
    pub(crate) fn timestamp_us(&self) -> i64 {
        self.rows.timestamp_us(self.row)
    }

    pub(crate) fn event_type(&self) -> &str {
        self.rows.event_type(self.row)
    }

    pub(crate) fn id(&self) -> ConceptId {
        self.rows.id(self.row)
    }

    pub(crate) fn value(&self, field: &str) -> Option<ValueRef<'_>> {
        self.rows.value(self.row, field)
    }

    /// The text of a field, if it is one.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        match self.value(field) {
            Some(ValueRef::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn stored_event(&self) -> StoredEvent {
        self.rows.stored_event(self.row)
    }
}

impl Snapshot {
    /// As [`for_each`](Self::for_each), without building the events.
    pub(crate) fn for_each_row(
        &self,
        query: &Query,
        visitor: &mut dyn FnMut(Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for_each_row(self.sources(), query, &mut Explanation::default(), &mut |rows, row| visitor(Row { rows, row }))
    }
}
