//! The handle to the open tables of a server. What it does is told in the folders that do it; here
//! is what they share.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::error::LakeError;
use super::options::{JoinLimits, Options};
use super::positions::Positions;
use super::tables::Tables;
use super::trust::Trust;
use crate::buffer::Buffer;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::id::{Sequence, TableId};
use crate::memory::Budget;
use crate::telemetry::Metrics;

/// The open tables of a server. Clones share them.
#[derive(Clone, Debug)]
pub struct Lake {
    pub(super) shared: Arc<Shared>,
}

/// What all clones of a handle share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) node_id: u64,
    /// This node in the tables' transactions.
    pub(super) app: String,
    pub(super) tables: Tables,
    pub(super) positions: Positions,
    /// How far the wall clock is believed.
    pub(super) trust: Trust,
    pub(super) catalog: Catalog,
    pub(super) buffer: Buffer,
    pub(super) budget: Budget,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) options: Options,
    pub(super) joins: JoinLimits,
    /// When files that belong to no table were last looked for.
    pub(super) vacuumed: Mutex<Instant>,
}

impl Lake {
    /// Up to which frame everything of a table is in the lake: a replay leaves it out.
    pub fn flushed(&self, table: &TableId) -> Sequence {
        self.shared.positions.of(table).flushed
    }

    /// The last frame that any table has or may have.
    pub fn last(&self) -> Sequence {
        self.shared.positions.last()
    }

    pub(super) fn app(&self) -> &str {
        &self.shared.app
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.shared.clock.now_ns() / 1_000_000
    }

    /// The time, if it is believed, in nanoseconds since the epoch ([`super::trust`]).
    pub(super) fn certain_now_ns(&self) -> Result<i64, LakeError> {
        self.shared.trust.certain_now_ns()
    }

    /// An operator says that the clock is right: it is believed from now on. Returns the time, in
    /// nanoseconds since the epoch; durable when it returns. Blocks on the disk.
    pub fn trust_clock(&self) -> Result<i64, LakeError> {
        self.shared.trust.believe_clock()
    }
}
