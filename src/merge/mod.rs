//! The order of rows across segments: what readers and the lake agree on.
//!
//! Rows are ordered by series and time. Series are ordered by their tags like rows by columns: key
//! by key, bytewise, an absent tag before every value. So a file that is sorted by its tag columns
//! stays in order when the table gets more of them.
//!
//! This module does not know buckets, files or formats.

mod order;

pub use order::{Ranks, compare_tags};
