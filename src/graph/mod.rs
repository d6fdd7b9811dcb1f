//! Events as a graph: concepts and their associations, and what led to what.
//!
//! ```text
//! events ─► concepts, associations (a view: nothing is stored twice) ─► ConceptStore, the Sutra API
//! events ─► rules (data) ─► links ─► chain (a tree) ─► text, DOT, Mermaid, JSON
//!                            absence (what did not happen)
//! ```

pub mod causes;
mod concept;
mod concept_store;
mod embedded;
mod term_scope;

pub use concept::{Association, AssociationKind, Concept, ConceptMetadata, ConceptType};
pub use concept_store::{
    BATCH_MAX, CONTENT_BYTES_MAX, Chain, ConceptError, ConceptResult, ConceptStats, ConceptStore, ConceptSummary,
    DIMENSIONS_MAX, Health, Learn, Learned, MetadataQuery, NeighborPage, Neighbors, PATH_DEPTH_MAX, PathFound,
    RESULTS_MAX, Similar, TAGS_MAX, TERMS_MAX, check_concept, check_depth, check_metadata_query, check_search,
    check_terms,
};
pub use embedded::{
    CAUSES_FOLLOWED_MAX, EmbeddedConcepts, FOUND_BYTES_MAX, HUB_NEIGHBORS_MAX, ID_BYTES_MAX, METADATA_BYTES_MAX,
    NEIGHBOR_BYTES_MAX, TEMPORAL_CHAIN_MAX, TERMS_READ_MAX, VISITED_MAX, derived_concept, second_of,
};
pub use term_scope::{ScopeOf, TermScope};
