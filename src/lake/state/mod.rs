//! A table at one version of its log, and the words in which that log is written.
//!
//! [`TableState`](table_state::TableState) is small enough to be kept for every table, and is updated
//! commit by commit. Its files are in [`data_file`], its columns in [`columns`], and the contents of a
//! commit in [`actions`].
//!
//! Nothing here reads or writes a store.

pub(super) mod actions;
pub(super) mod columns;
pub(super) mod data_file;
mod packed;
pub(super) mod table_state;
