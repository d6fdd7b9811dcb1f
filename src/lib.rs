#![doc = "Work in progress."]
mod error;
pub mod event;
pub mod query;
mod storage;
pub mod store;
pub use error::StoreError;
pub use event::{
    ConceptId, ConceptIdError, DynamicEvent, Entity, Event, EventError, ExtendedEvent, GridEvent, Value, ValueRef,
};
pub use query::{Filter, Query};
pub use store::{Store, StoreConfig, StoredEvent};
