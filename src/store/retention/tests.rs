//! Tests of retention.
