//! Opening the lake: the store, and what is not known of flushes that were cut short.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::compact::JoinLimits;
use super::positions::Positions;
use super::store::{self, Store};
use super::tables::Tables;
use super::time::Trust;
use super::{Lake, LakeError, Opened, Shared};
use crate::clock;
use crate::id::{BucketId, Sequence};
use crate::storage::data_format;

/// How long a start waits before it asks a store again that did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(2);

impl Lake {
    /// Opens the store of the tables, and asks those with a flush whose end is not known. If the
    /// store does not answer, that is told and tried again: until it is known what the tables
    /// have, no point may be replayed into a second copy.
    pub async fn open(opened: Opened) -> Result<Self, LakeError> {
        let node_id = data_format(opened.storage.as_ref())?.node_id;
        let url = opened.options.url.as_ref();
        let store = store::open(url, &opened.storage, node_id)?;
        if opened.options.shared && !is_conditional(&store).await? {
            // The store says of itself what it is, not where.
            let store = url.map_or_else(|| store.to_string(), ToString::to_string);
            return Err(LakeError::NotConditional { store });
        }
        Self::open_in(store, node_id, opened, JoinLimits::default()).await
    }

    /// The same in a store.
    pub(super) async fn open_in(
        store: Store,
        node_id: u64,
        opened: Opened,
        joins: JoinLimits,
    ) -> Result<Self, LakeError> {
        let Opened {
            storage,
            catalog,
            buffer,
            budget,
            clock,
            metrics,
            options,
        } = opened;
        let positions = Positions::open(storage)?;
        let trust = Trust::new(positions.time_ns());
        positions.retain_buckets(|bucket| catalog.bucket(bucket).is_some());
        for (bucket, _) in positions.leaving() {
            if catalog.bucket(bucket).is_some() {
                positions.left(bucket);
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
        for (bucket, measurement) in lake.shared.positions.doubtful() {
            lake.settle_doubt(bucket, &measurement).await?;
            let position = lake.shared.positions.of(bucket, &measurement);
            for doubt in position.doubts() {
                lake.shared.buffer.split_after(bucket, &measurement, doubt);
            }
        }
        Ok(lake)
    }

    async fn settle_doubt(&self, bucket: BucketId, measurement: &str) -> Result<(), LakeError> {
        let Some(bucket) = self.shared.catalog.bucket(bucket) else {
            return Ok(());
        };
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let seen = loop {
            match self.see(&table, &bucket, measurement).await {
                Ok(seen) => break seen,
                // One table does not keep the others from their work: it is asked again before
                // anything is added to it.
                Err(error)
                    if !error.is_passing() || matches!(error, LakeError::Removing { .. }) =>
                {
                    tracing::error!(
                        table = table.folder, %error,
                        "what a flush that was cut short has left in a table is not known"
                    );
                    return Ok(());
                }
                Err(error) => tracing::warn!(
                    %error,
                    "the start waits for the store of the tables: it must tell what a flush that \
                     was cut short has left"
                ),
            }
            tokio::time::sleep(ASK_AGAIN).await;
        };
        let found: Sequence = self.settle(&table, &seen, &bucket, measurement)?;
        tracing::info!(
            table = table.folder,
            flushed = found.0,
            "a flush that was cut short is settled"
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
