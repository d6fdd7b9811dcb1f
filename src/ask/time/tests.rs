//! Phrases against absolute ranges.
