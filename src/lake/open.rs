//! Opening the lake: the store, and what is not known of flushes that were cut short.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::positions::Positions;
use super::store;
use super::tables::Tables;
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
        let Opened {
            storage,
            catalog,
            buffer,
            budget,
            clock,
            metrics,
            options,
        } = opened;
        let node_id = data_format(storage.as_ref())?.node_id;
        let store = store::open(options.url.as_ref(), &storage, node_id)?;
        if options.shared && !store::has_conditional_put(store.as_ref()).await? {
            // The store says of itself what it is, not where.
            let url = options.url.as_ref();
            let store = url.map_or_else(|| store.to_string(), ToString::to_string);
            return Err(LakeError::NotConditional { store });
        }
        let positions = Positions::open(storage)?;
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
                tables: Tables::new(store, &budget),
                positions,
                catalog,
                buffer,
                budget,
                clock,
                metrics,
                options,
                vacuumed: Mutex::new(clock::instant()),
            }),
        };
        for (bucket, measurement) in lake.shared.positions.doubtful() {
            lake.settle_doubt(bucket, &measurement).await?;
        }
        Ok(lake)
    }

    async fn settle_doubt(&self, bucket: BucketId, measurement: &str) -> Result<(), LakeError> {
        let Some(bucket) = self.shared.catalog.bucket(bucket) else {
            return Ok(());
        };
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let state = loop {
            match table.refresh(self.app()).await {
                Ok(state) => break state,
                Err(error) if error.is_passing() => tracing::warn!(
                    %error,
                    "the start waits for the store of the tables: it must tell what a flush that \
                     was cut short has left"
                ),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(ASK_AGAIN).await;
        };
        let found: Sequence = self.settle(&table, state.as_deref(), &bucket, measurement)?;
        tracing::info!(
            table = table.folder,
            flushed = found.0,
            "a flush that was cut short is settled"
        );
        Ok(())
    }
}
