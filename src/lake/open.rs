//! Opening the lake: the store, and what is not known of flushes that were cut short.
//!
//! A start asks the tables with such a flush before it replays the log, and waits for a store that
//! does not answer. It does not wait for one table that cannot tell, for it is damaged, or nobody may
//! read it: the others have nothing to do with that. Its rows come back from the log in segments
//! that end where its flushes ended ([`super::positions`]), and nothing is added to the table before it
//! can be asked. What it has then is let go of, and only the rest is flushed.

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

/// How long a start waits before it asks a store again that did not answer.
const ASK_AGAIN: Duration = match cfg!(test) {
    true => Duration::from_millis(20),
    false => Duration::from_secs(2),
};

/// A table that could not be asked so often, while the store answers, is at fault itself.
const TIMES_ASKED: u32 = 3;

/// What the lake is made of.
#[derive(Debug)]
pub struct LakeParts {
    /// The data folder.
    pub storage: Arc<dyn Storage>,
    /// Which buckets there are.
    pub catalog: Catalog,
    /// Where points come from.
    pub buffer: Buffer,
    /// Memory for all of it.
    pub budget: Budget,
    /// The wall clock.
    pub clock: Clock,
    /// Where numbers go.
    pub metrics: Metrics,
    /// How it works.
    pub options: Options,
}

impl Lake {
    /// Opens the store of the tables, and asks those with a flush whose end is not known. If the
    /// store does not answer, that is told and tried again.
    pub async fn open(opened: LakeParts) -> Result<Self, LakeError> {
        let node_id = data_format(opened.storage.as_ref())?.node_id;
        let url = opened.options.url.as_ref();
        let store = store::open(url, &opened.storage, node_id)?;
        Self::open_in(store, node_id, opened, JoinLimits::default()).await
    }

    /// The same in a store.
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
                        "a flush that was cut short is settled"
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
                "the start waits for the store of the tables: it must tell what a flush that was \
                 cut short has left"
            );
            tokio::time::sleep(ASK_AGAIN).await;
        };
        tracing::error!(
            table = table.folder, %error,
            "a table cannot tell what a flush that was cut short has left in it: the others go on, \
             and nothing is added to this one until it can be read"
        );
        Ok(())
    }
}

/// Whether a store refuses to create what exists. One that does not answer is asked again.
async fn is_conditional(store: &Store) -> Result<bool, LakeError> {
    loop {
        match store::has_conditional_put(store.as_ref()).await {
            Ok(is_conditional) => return Ok(is_conditional),
            Err(error) => tracing::warn!(
                %error,
                "the start waits for the store of the tables: it must tell whether it keeps \
                 several nodes apart"
            ),
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}
