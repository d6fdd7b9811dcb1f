//! Typed queries: what is asked for, and how it is answered.
//!
//! ```text
//! Query / Filter ─► compile ─► plan (bitmaps per source) ─► execute (rows, in order) ─► events, ids
//!                                                        └► aggregate, time_counts   ─► counts, groups, bins
//! ```
//!
//! A query runs over a [`Snapshot`](crate::store::Snapshot): segments and a prefix of the tail. Its
//! result is exact whatever order the events came in.

mod aggregate;
mod answers;
pub mod build;
mod compile;
mod display;
mod evaluate;
mod execute;
mod explain;
mod filter;
mod gaps;
mod groups;
#[cfg(test)]
mod model_source;
mod plan;
mod positions;
mod predicate;
mod rows;
mod scan;
#[cfg(test)]
mod tests;
mod time_counts;
mod timeline;

pub use answers::QueryResult;
pub use build::FieldFilter;
pub use explain::Explanation;
pub use filter::{Filter, Order, PageCursor, Query, Test, TimeRange};
pub(crate) use gaps::unaccounted;
pub use gaps::{GAPS_MAX, Gap, GapCause};
pub(crate) use gaps::{NO_DATA, Stretches};
pub use groups::{Bin, Bucket, Group, GroupKey, Groups};
pub use predicate::PredicateError;
pub use time_counts::HISTOGRAM_BINS_MAX;
pub use timeline::TimelineEntry;
