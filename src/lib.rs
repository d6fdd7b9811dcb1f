#![doc = "Work in progress."]
pub mod event;
pub use event::{ConceptId, ConceptIdError, DynamicEvent, Entity, Event, EventError, ExtendedEvent, GridEvent, Value, ValueRef};
