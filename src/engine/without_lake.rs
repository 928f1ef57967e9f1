//! A server built without tables: it holds only what is in memory and in the log.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::environment::Environment;
use crate::buffer::Buffer;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::id::Sequence;
use crate::ingest::{Flushed, Ingest, OnDelete, Pressure};
use crate::read;
use crate::storage::Storage;

/// The errors of tables that do not exist: none.
pub(super) type LakeError = Infallible;

/// No tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables;

impl Tables {
    pub(super) fn check(_: &Config) -> Result<(), LakeError> {
        Ok(())
    }

    pub(super) fn open(
        _: &Environment,
        _: &Arc<dyn Storage>,
        _: &Catalog,
        _: &Buffer,
        _: &Handle,
    ) -> Result<Self, LakeError> {
        tracing::warn!("built without tables: no more points fit than the memory budget allows");
        Ok(Self)
    }

    pub(super) fn last(self) -> Sequence {
        Sequence(0)
    }

    pub(super) fn files(self) -> Option<Arc<dyn read::Lake>> {
        None
    }

    pub(super) fn flushed(self) -> Flushed {
        Box::new(|_| Sequence(0))
    }

    pub(super) fn pressure(self) -> Option<Pressure> {
        None
    }

    pub(super) fn on_delete(self) -> Option<OnDelete> {
        None
    }

    pub(super) fn start(self, _: &Ingest) -> NoTables {
        NoTables
    }
}

/// The place of the flusher in a build without tables.
#[derive(Clone, Copy, Debug)]
pub struct NoTables;

impl NoTables {
    /// Does nothing: there is nothing to flush.
    pub async fn stop(&self, _: std::time::Duration) {}
}
