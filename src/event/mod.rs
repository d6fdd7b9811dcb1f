//! Events: what is recorded.
//!
//! ```text
//! grid_event (the table of typed kinds) ─┐
//! dynamic (any other kind)               ├─► Event ─► fields, entities, JSON, sentence
//! ExtendedEvent (typed, with extras)     ┘
//! concept_id: the name under which an event is kept
//! ```
//!
//! Nothing here knows about storage. Everything above builds on [`Event`] and [`ValueRef`].

mod concept_id;
mod description;
mod dynamic;
mod entity;
mod envelope;
mod error;
mod grid_event;
mod json;
mod kind;
mod parse;
pub mod timestamp;
mod value;

use std::sync::Arc;

pub use concept_id::{ConceptId, ConceptIdError, EVENT_TYPE_BYTES_MAX, is_event_type};
pub use dynamic::DynamicEvent;
pub use entity::{ENTITY_BYTES_MAX, Entity, is_entity_field, is_entity_value};
pub(crate) use entity::{is_always_entity_field, is_cluster_kind};
pub use envelope::{Event, ExtendedEvent};
pub use error::EventError;
pub(crate) use grid_event::kind_index_of;
pub use grid_event::{CLUSTER, GridEvent, KINDS};
pub(crate) use json::write_text as write_json_text;
pub use kind::{Kind, KindField};
pub use value::{FieldName, Fields, Value, ValueRef};

/// The largest event, in bytes of its JSON text.
pub const EVENT_BYTES_MAX: usize = 1 << 20;
/// The most fields an event can have, `event_type` and `timestamp` included.
pub const FIELDS_MAX: usize = 1024;
/// The field of an event that declares what caused it: one concept id, or a list of them.
pub const CAUSED_BY: &str = "caused_by";

/// A shared copy of a field's or a type's name. The names of typed kinds are allocated once.
pub(crate) fn intern_name(name: &str) -> Arc<str> {
    use std::collections::HashSet;
    use std::sync::LazyLock;
    static NAMES: LazyLock<HashSet<Arc<str>>> = LazyLock::new(|| {
        let fields = KINDS.iter().flat_map(|kind| kind.fields.iter().map(|field| field.name));
        let types = KINDS.iter().map(|kind| kind.name);
        fields.chain(types).chain(["event_type", "timestamp", CAUSED_BY, CLUSTER]).map(Arc::from).collect()
    });
    NAMES.get(name).cloned().unwrap_or_else(|| name.into())
}

#[cfg(test)]
mod tests;
