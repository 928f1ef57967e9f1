//! `catalog.json`: buckets and tokens, replaced as a whole.

use serde::{Deserialize, Serialize};

use super::{Bucket, CatalogError, Token, TokenId};
use crate::id::BucketId;
use crate::storage::Storage;
use crate::telemetry::causes;

pub(super) const PATH: &str = "catalog.json";
const FORMAT: u32 = 1;

/// The contents of the file. The counters only grow, so no id is given twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    format: u32,
    next_bucket_id: u64,
    /// Tokens ever made; also the source of token ids. 0 means: this is the very first start.
    pub(super) tokens_ever: u64,
    pub(super) buckets: Vec<Bucket>,
    pub(super) tokens: Vec<Token>,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            format: FORMAT,
            next_bucket_id: 1,
            tokens_ever: 0,
            buckets: Vec::new(),
            tokens: Vec::new(),
        }
    }
}

/// The version, read before anything else, so that a newer file is refused for its version and not
/// for a field that this version does not know.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Contents {
    pub(super) fn read(storage: &dyn Storage) -> Result<Self, CatalogError> {
        match read_json::<Self>(storage, PATH, FORMAT)? {
            Some(contents) => Ok(contents),
            None => Ok(Self::default()),
        }
    }

    pub(super) fn write(&self, storage: &dyn Storage) -> Result<(), CatalogError> {
        write_json(storage, PATH, self)
    }

    /// After a replacement that failed: the new file may have taken its place and only not be known
    /// to be durable. A change that was reported as failed must not be there after a crash
    /// either, or a bucket that still accepts points could be gone.
    pub(super) fn restore(&self, storage: &dyn Storage) {
        if Self::read(storage).is_ok_and(|found| found == *self) {
            return;
        }
        if let Err(error) = self.write(storage) {
            tracing::error!(
                error = causes(&error),
                "a change of buckets or tokens failed and could not be taken back: until the next \
                 change succeeds, it may take effect after a crash"
            );
        }
    }

    pub(super) fn has_given(&self, id: BucketId) -> bool {
        id.0 < self.next_bucket_id
    }

    pub(super) fn take_bucket_id(&mut self) -> BucketId {
        let id = BucketId(self.next_bucket_id);
        self.next_bucket_id += 1;
        id
    }

    pub(super) fn take_token_id(&mut self) -> TokenId {
        self.tokens_ever += 1;
        self.tokens_ever
    }
}

/// Reads a JSON file with a `format` number; absent if there is no such file.
pub(super) fn read_json<T: for<'de> Deserialize<'de>>(
    storage: &dyn Storage,
    path: &'static str,
    known: u32,
) -> Result<Option<T>, CatalogError> {
    let Some(bytes) = crate::storage::read(storage, path)? else {
        return Ok(None);
    };
    let damaged = |error: serde_json::Error| CatalogError::Damaged {
        path,
        reason: error.to_string(),
    };
    let Version { format: found } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if found > known {
        return Err(CatalogError::Newer { path, found, known });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// Replaces a JSON file, durably.
pub(super) fn write_json<T: Serialize>(
    storage: &dyn Storage,
    path: &'static str,
    value: &T,
) -> Result<(), CatalogError> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| CatalogError::Damaged {
        path,
        reason: error.to_string(),
    })?;
    crate::storage::replace(storage, path, &bytes)?;
    Ok(())
}
