//! The Sutra API: one suite written against the trait, and what holds for the embedded store alone.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic)]

mod bounds;
mod embedded;
mod model;
#[cfg(feature = "remote")]
mod remote;
mod suite;

use std::any::Any;

use proptest::prelude::*;
use sutra_grid_events::Store;
use sutra_grid_events::graph::{ConceptStore, EmbeddedConcepts};

/// An empty store of concepts, with what must live as long as it does.
pub(crate) struct Opened<S> {
    pub(crate) store: S,
    _kept: Box<dyn Any>,
}

impl<S: ConceptStore> Opened<S> {
    pub(crate) fn new(store: S, kept: impl Any) -> Self {
        Self { store, _kept: Box::new(kept) }
    }
}

async fn embedded() -> Opened<EmbeddedConcepts> {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("opens");
    Opened::new(EmbeddedConcepts::new(store), directory)
}

#[tokio::test]
async fn the_embedded_store_passes_the_suite() {
    suite::every_check(embedded).await;
    suite::metadata_is_found(&embedded().await.store).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    #[test]
    fn the_embedded_store_does_what_a_plain_model_does(scenario in model::scenario()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async { suite::agrees_with_the_model(&embedded().await.store, &scenario).await });
    }
}
