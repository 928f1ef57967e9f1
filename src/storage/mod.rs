//! The only access to the data folder.
//!
//! Everything that is kept on disk goes through [`Storage`] and [`File`], two object-safe traits
//! with the few operations a log and small state files need. [`DiskStorage`] is the real folder:
//! one process at a time, nothing readable by others, a format version, a list of what it must hold
//! ([`open_folder`]). [`FaultStorage`] is the same in memory, with every fault of a disk: errors, a
//! full disk, writes that are lost, torn or reordered in a power cut. [`replace()`] swaps a small
//! file atomically, even on a full disk.
//!
//! Paths are relative to the data folder, use `/`, and never contain `..`. Nothing here knows
//! what is in the files.
//!
//! Durability: bytes are durable once [`File::sync_data`] returned `Ok`;
//! a file that was created, renamed or removed, once [`Storage::sync_dir`] of its folder did.
//! After a failed sync nothing is known about the bytes written since the last good one, and a
//! later sync of that file says nothing about them either (Rebello et al., "Can Applications
//! Recover from fsync Failures?", ATC'20).

mod disk;
mod error;
pub mod fault;
mod format;
mod names;
mod parts;
mod replace;
mod swap;
mod traits;

pub use disk::DiskStorage;
pub use error::{Operation, StorageError, salvage_command};
pub use fault::FaultStorage;
pub use format::{DataFormat, FORMAT_VERSION, data_format, new_node_id};
pub use names::{FLUSHES_FILE, FORMAT_FILE, LOG_FOLDER, MissingPart, TABLES_FOLDER};
pub use parts::{
    Space, check_folder, ensure_held, finish_copy, held, hold, hold_last, missing_parts,
    open_folder,
};
pub use replace::replace;
pub use swap::{RESERVE_BYTES, ensure_reserve};
pub use traits::{Entry, File, Storage, read};
