#![doc = "Work in progress."]
pub mod emitter;
mod error;
pub mod event;
/// The events, under the name that existing callers know.
pub mod events {
    pub use crate::event::*;
}
#[cfg(feature = "grid")]
pub mod grid;
pub mod query;
mod storage;
pub mod store;
pub use emitter::{EmitError, EmitterConfig, EmitterStats, EventEmitter, init_events};
pub use error::StoreError;
pub use event::{
    ConceptId, ConceptIdError, DynamicEvent, Entity, Event, EventError, ExtendedEvent, GridEvent, Value, ValueRef,
};
pub use query::{Filter, Query};
pub use store::{Store, StoreConfig, StoredEvent};
