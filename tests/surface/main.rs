//! The public surface that masters, agents and tools written for the original emitter compile against. This crate is
//! such a caller: it names nothing else, in the ways in which callers do.
#![allow(clippy::unwrap_used)] // In a test a panic is the report.

mod kinds;
mod master;

use std::fmt::{Debug, Display};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sutra_grid_events::emitter::{EventEmitter, init_events};
use sutra_grid_events::events::GridEvent;

#[test]
fn the_traits_hold() {
    fn is_event<T: Debug + Clone + Serialize + DeserializeOwned + Send + Sync + 'static>() {}
    fn is_emitter<T: Clone + Send + Sync + 'static>() {}
    is_event::<GridEvent>();
    is_emitter::<EventEmitter>();
}

#[test]
fn the_methods_have_their_signatures() {
    let _: fn(&GridEvent) -> DateTime<Utc> = GridEvent::timestamp;
    let _: fn(&GridEvent) -> &'static str = GridEvent::event_type;
    let _: fn(&GridEvent) -> String = GridEvent::primary_id;
    let _: fn(&GridEvent) -> String = GridEvent::to_description;
    let _: fn(&EventEmitter, GridEvent) = EventEmitter::emit;
    let _: fn(&EventEmitter, Vec<GridEvent>) = EventEmitter::emit_batch;
    fn opens<F: Future<Output = Result<EventEmitter, E>> + Send, E: Display + Debug + Send + Sync + 'static>(
        _: fn(String) -> F,
    ) {
    }
    opens(EventEmitter::new);
    opens(init_events);
}

#[test]
fn the_names_are_at_the_root_as_well() {
    let _: fn(&sutra_grid_events::EventEmitter, sutra_grid_events::GridEvent) = EventEmitter::emit;
    let _open = |endpoint: String| sutra_grid_events::init_events(endpoint);
}

/// Errors become whatever callers return.
#[tokio::test]
async fn errors_are_handed_on() {
    async fn boxed(endpoint: String) -> Result<(), Box<dyn std::error::Error>> {
        EventEmitter::new(endpoint).await?;
        Ok(())
    }
    async fn boxed_for_threads(endpoint: String) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        init_events(endpoint).await?;
        Ok(())
    }
    assert!(boxed(String::new()).await.is_err());
    assert!(boxed_for_threads(String::new()).await.is_err());
}
