//! Typed queries: what is asked for, and how it is answered.
//!
//! ```text
//! Query / Filter ─► plan (bitmaps per source) ─► execute (rows, in order) ─► events, ids
//!                                             └► aggregate               ─► counts, groups, histograms
//! ```
//!
//! A query runs over a [`Snapshot`](crate::store::Snapshot): segments and a prefix of the tail. Its
//! result is exact whatever order the events came in.

mod filter;
mod temporary;

pub use filter::{Filter, Order, PageCursor, Query, Test, TimeRange};
