//! Events as a graph: what led to what.
//!
//! ```text
//! events ─► rules (data) ─► links ─► chain (a tree) ─► text, DOT, Mermaid, JSON
//!                            absence (what did not happen)
//! ```

pub mod causes;
