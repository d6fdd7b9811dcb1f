//! An embedded event store for grids of agents and storage nodes.
//!
//! Every operation becomes a structured event. What was acknowledged survives the death of the process and,
//! once it is durable, a power cut; it is found again by type, entity, time and content, by this process or
//! by any other while this one writes.
//!
//! ```
//! use sutra_grid_events::query::{GroupKey, Query};
//! use sutra_grid_events::{Event, EventEmitter, Filter, GridEvent, Store};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("grid-events").display().to_string();
//! // Record: `emit` moves the event into a queue and returns; a writer thread commits what is queued.
//! let emitter = EventEmitter::new(path.as_str()).await?;
//! emitter.emit(GridEvent::NodeCrashed {
//!     node_id: "node-abc".into(),
//!     agent_id: "agent-001".into(),
//!     exit_code: Some(137),
//!     timestamp: chrono::Utc::now(),
//! });
//! // A kind of one's own, from its JSON; it comes back as it came in.
//! let event = Event::from_json(r#"{"event_type":"pod_evicted","pod_id":"web-1","timestamp":"2026-11-24T08:00:00Z"}"#)?;
//! let id = emitter.emit_durable(event).await?; // Waits until it is on disk.
//! assert_eq!(id.to_string(), "event-pod_evicted-1795507200000000");
//!
//! // Ask: a store that is open for reading takes no lock, so any process can do this meanwhile.
//! let store = Store::open_read_only(&path)?;
//! let crashes = Filter::event_type("node_crashed").and(Filter::entity("agent-001"));
//! let newest = store.query(&Query::new(crashes.clone()).newest_first().limit(10))?;
//! assert_eq!(newest.events[0].event.get("exit_code").unwrap().to_string(), "137");
//! assert_eq!(store.group_by(&crashes, &GroupKey::Field("node_id".into()))?.groups[0].key, "node-abc");
//!
//! emitter.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Overview
//!
//! ```text
//! emitter ─► store ─► storage (tail, segments)        error, event: below everything
//!   ▲         ▲
//!  grid     query (on a snapshot of the store) ◄─ graph ◄─ ask
//! ```
//!
//! - [`event`]: what is recorded. [`GridEvent`] has the typed kinds of the Sutra family, [`DynamicEvent`] is any
//!   other kind, [`Event`] is either of them with whatever extra fields it carries. [`ConceptId`] names a
//!   stored event.
//! - [`emitter`]: [`EventEmitter`] records from any thread or task, without waiting.
//! - [`store`]: [`Store`] is the data directory. Use it directly where events come in batches, to read, to
//!   subscribe ([`Store::subscribe`]) and to tidy up.
//! - [`query`]: [`Filter`] says which events, [`Query`] in which order and how many;
//!   [`Snapshot`](store::Snapshot) is what can be read at one moment, and has the same methods.
//! - [`graph`]: why something happened and what it led to, with how sure that is; and events as concepts with
//!   associations, the Sutra API ([`ConceptStore`](graph::ConceptStore)).
//! - [`ask`]: questions in plain words.
#![cfg_attr(
    feature = "grid",
    doc = "- [`grid`]: parts for masters and agents: how agents are by their heartbeats, and the supervisor of storage nodes."
)]
#![cfg_attr(
    feature = "remote",
    doc = "- [`remote`]: the Sutra protocol: [`RemoteConcepts`](remote::RemoteConcepts) asks a store elsewhere, \
           [`Forwarder`](remote::Forwarder) sends it the events of this one."
)]
//!
//! # Written and durable
//!
//! *Written* survives the death of the process, *durable* survives a power cut. With the default
//! [`Durability`](store::Durability) what is acknowledged is written, and durable 50 ms later;
//! [`Store::flush`], [`EventEmitter::flush`] and [`EventEmitter::emit_durable`] wait for durable.
//!
//! # Features
//!
//! `cli` (default): the program `grid-events`. `grid` (default): parts for masters and agents. `remote` (default):
//! stores elsewhere. Without default features there is the engine alone.
//!
//! # What it is not
//!
//! It is no cluster and no SQL database. Events are not updated, and removed in whole segments only
//! (retention). One process writes to a data directory at a time. It is for Unix, on a local file system.

pub mod ask;
#[doc(hidden)]
pub mod bench;
pub mod emitter;
mod error;
pub mod event;
/// The events, under the name that existing callers know.
pub mod events {
    pub use crate::event::*;
}
pub mod forensics;
pub mod graph;
#[cfg(feature = "grid")]
pub mod grid;
pub mod query;
#[cfg(feature = "remote")]
pub mod remote;
mod storage;
pub mod store;
pub use emitter::{EmitError, EmitterConfig, EmitterStats, EventEmitter, init_events};
pub use error::StoreError;
pub use event::{
    ConceptId, ConceptIdError, DynamicEvent, Entity, Event, EventError, ExtendedEvent, GridEvent, Value, ValueRef,
};
pub use query::{Filter, Query};
pub use store::{Store, StoreConfig, StoredEvent};

/// The examples of README.md, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
