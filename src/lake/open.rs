//! Opening the lake: the store, and the flushes that were cut short with an unknown outcome.
//!
//! Before it replays the log, a start asks the tables that have a flush of unknown outcome, and waits
//! for a store that does not answer. It does not wait for a single table that cannot be read because
//! it is damaged or access to it is denied: the other tables do not depend on it. The rows of that
//! table come back from the log in segments that end where its flushes ended ([`super::positions`]),
//! and nothing is added to it until it can be read. Then the rows that it has are released, and only
//! the rest is flushed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::error::LakeError;
use super::handle::{Lake, Shared};
use super::options::{JoinLimits, Options};
use super::positions::Positions;
use super::store::{self, Store};
use super::tables::Tables;
use super::trust::Trust;
use crate::buffer::Buffer;
use crate::catalog::Catalog;
use crate::clock::{self, Clock};
use crate::id::{Sequence, TableId};
use crate::memory::Budget;
use crate::storage::{Storage, data_format};
use crate::telemetry::Metrics;

/// The pause before a start asks again a store that did not answer.
const ASK_AGAIN: Duration = match cfg!(test) {
    true => Duration::from_millis(20),
    false => Duration::from_secs(2),
};

/// After this many failures to read a table while the store answers, the table itself is at fault.
const TIMES_ASKED: u32 = 3;

/// The parts that a lake is opened from.
#[derive(Debug)]
pub struct LakeParts {
    /// The data folder.
    pub storage: Arc<dyn Storage>,
    /// The buckets.
    pub catalog: Catalog,
    /// The source of the points.
    pub buffer: Buffer,
    /// Memory for all of it.
    pub budget: Budget,
    /// The wall clock.
    pub clock: Clock,
    /// The counters and histograms to fill.
    pub metrics: Metrics,
    /// The settings.
    pub options: Options,
}

impl Lake {
    /// Opens the store of the tables, and asks the tables that have a flush of unknown outcome. If the
    /// store does not answer, this is logged and tried again.
    pub async fn open(opened: LakeParts) -> Result<Self, LakeError> {
        let node_id = data_format(opened.storage.as_ref())?.node_id;
        let url = opened.options.url.as_ref();
        let store = store::open(url, &opened.storage, node_id)?;
        Self::open_in(store, node_id, opened, JoinLimits::default()).await
    }

    /// Like [`Lake::open`], in a given store.
    pub(super) async fn open_in(
        store: Store,
        node_id: u64,
        opened: LakeParts,
        joins: JoinLimits,
    ) -> Result<Self, LakeError> {
        let LakeParts {
            storage,
            catalog,
            buffer,
            budget,
            clock,
            metrics,
            options,
        } = opened;
        if options.shared && !is_conditional(&store).await? {
            // The store says of itself what it is, not where.
            let url = options.url.as_ref();
            let store = url.map_or_else(|| store.to_string(), ToString::to_string);
            return Err(LakeError::NotConditional { store });
        }
        let positions = Positions::open(storage)?;
        let trust = Trust::new(clock.clone(), positions.clone());
        positions.retain_buckets(|bucket| catalog.bucket(bucket).is_some());
        for (bucket, _) in positions.deleted_buckets() {
            if catalog.bucket(bucket).is_some() {
                positions.note_removed(bucket);
            }
        }
        let lake = Self {
            shared: Arc::new(Shared {
                node_id,
                app: format!("tidegate-{node_id:016x}"),
                tables: Tables::new(store, node_id, options.shared, &budget),
                positions,
                trust,
                catalog,
                buffer,
                budget,
                clock,
                metrics,
                options,
                joins,
                vacuumed: Mutex::new(clock::instant()),
            }),
        };
        for table in lake.shared.positions.doubtful() {
            lake.settle_doubt(&table).await?;
            let position = lake.shared.positions.of(&table);
            for doubt in position.doubts() {
                lake.shared.buffer.split_after(&table, doubt);
            }
        }
        Ok(lake)
    }

    async fn settle_doubt(&self, id: &TableId) -> Result<(), LakeError> {
        let Some(bucket) = self.shared.catalog.bucket(id.bucket) else {
            return Ok(());
        };
        let table = self.shared.tables.get(&bucket.name, &id.measurement)?;
        let mut times = 0;
        let error = loop {
            let error = match self.see(&table, id).await {
                Ok(seen) => {
                    let found: Sequence = self.settle(&table, &seen, id)?;
                    tracing::info!(
                        table = table.folder,
                        flushed = found.0,
                        "the outcome of a flush that was cut short is known now"
                    );
                    return Ok(());
                }
                Err(error) => error,
            };
            if !error.is_transient() || matches!(error, LakeError::Removing { .. }) {
                break error;
            }
            times += 1;
            if times >= TIMES_ASKED && self.shared.tables.has_store().await {
                break error;
            }
            tracing::warn!(
                %error,
                "the start waits for the store of the tables, to find out what a flush that was cut \
                 short has written"
            );
            tokio::time::sleep(ASK_AGAIN).await;
        };
        tracing::error!(
            table = table.folder, %error,
            "a table cannot be read, so it is unknown what a flush that was cut short has written to \
             it: the other tables are not affected, and nothing is added to this one until it can be read"
        );
        Ok(())
    }
}

/// Returns whether a store refuses to create an object that exists. Asks again if it does not answer.
async fn is_conditional(store: &Store) -> Result<bool, LakeError> {
    loop {
        match store::has_conditional_put(store.as_ref()).await {
            Ok(is_conditional) => return Ok(is_conditional),
            Err(error) => tracing::warn!(
                %error,
                "the start waits for the store of the tables, to find out whether several nodes can \
                 share it"
            ),
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}
