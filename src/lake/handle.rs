//! The handle to the open tables of a server, with the state that its clones share. Its methods are
//! in the modules that do the work.

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

/// The state that all clones of a handle share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) node_id: u64,
    /// This node in the tables' transactions.
    pub(super) app: String,
    pub(super) tables: Tables,
    pub(super) positions: Positions,
    /// Decides how far the wall clock is trusted.
    pub(super) trust: Trust,
    pub(super) catalog: Catalog,
    pub(super) buffer: Buffer,
    pub(super) budget: Budget,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) options: Options,
    pub(super) joins: JoinLimits,
    /// The last time that all tables were searched for files that belong to none.
    pub(super) vacuumed: Mutex<Instant>,
}

impl Lake {
    /// The last frame up to which all rows of a table are in the lake. A replay skips them.
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

    /// The time in nanoseconds since the epoch, or an error if the clock is not trusted ([`super::trust`]).
    pub(super) fn certain_now_ns(&self) -> Result<i64, LakeError> {
        self.shared.trust.certain_now_ns()
    }

    /// Trusts the clock from now on, as an operator has confirmed it. Returns the time, in nanoseconds
    /// since the epoch; it is durable by then. Blocks on the disk.
    pub fn trust_clock(&self) -> Result<i64, LakeError> {
        self.shared.trust.believe_clock()
    }
}
