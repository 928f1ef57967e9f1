//! The store of the tables: a folder on a disk, or a bucket of an object store.

mod doubt;
mod failure;
mod folder;
mod probe;
mod ranges;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::lake::error::LakeError;
use crate::storage::{DiskStorage, Storage, TABLES_FOLDER, ensure_held};
use crate::telemetry::causes;

use folder::FolderStore;
pub(super) use probe::has_conditional_put;

/// The time for which a failed request is retried. After that the flush itself is retried later.
const RETRY_FOR: Duration = Duration::from_secs(15);

/// A store whose root is the root of the tables.
pub(super) type Store = Arc<dyn ObjectStore>;

/// Opens the store that `url` names; a folder of the data folder if there is no URL.
pub(super) fn open(
    url: Option<&Url>,
    data_folder: &Arc<dyn Storage>,
    node_id: u64,
) -> Result<Store, LakeError> {
    let Some(url) = url else {
        ensure_held(data_folder.as_ref(), TABLES_FOLDER)?;
        return local(Arc::clone(data_folder), TABLES_FOLDER, node_id);
    };
    let unsupported = |source: object_store::Error| LakeError::Url {
        url: url.to_string(),
        reason: source.to_string(),
    };
    let parsed = ObjectStoreScheme::parse(url).map_err(|error| LakeError::Url {
        url: url.to_string(),
        reason: error.to_string(),
    })?;
    let (scheme, path) = parsed;
    // Client options of ours would override those from the environment (plain HTTP, proxies,
    // timeouts). By default a request may take 30 s, and a connection 5 s.
    let store: Store = match scheme {
        ObjectStoreScheme::Local => {
            let folder = url
                .to_file_path()
                .unwrap_or_else(|()| PathBuf::from(url.path()));
            let storage = DiskStorage::shared(folder).map_err(|error| LakeError::Url {
                url: url.to_string(),
                reason: causes(&error),
            })?;
            return local(Arc::new(storage), "", node_id);
        }
        ObjectStoreScheme::AmazonS3 => AmazonS3Builder::from_env()
            .with_url(url.as_str())
            .with_retry(retry())
            .build()
            .map(|store| Arc::new(store) as Store)
            .map_err(unsupported)?,
        ObjectStoreScheme::GoogleCloudStorage => GoogleCloudStorageBuilder::from_env()
            .with_url(url.as_str())
            .with_retry(retry())
            .build()
            .map(|store| Arc::new(store) as Store)
            .map_err(unsupported)?,
        ObjectStoreScheme::MicrosoftAzure => MicrosoftAzureBuilder::from_env()
            .with_url(url.as_str())
            .with_retry(retry())
            .build()
            .map(|store| Arc::new(store) as Store)
            .map_err(unsupported)?,
        _ => {
            return Err(LakeError::Url {
                url: url.to_string(),
                reason: "tables can be stored only under s3://, gs://, az:// and file://"
                    .to_owned(),
            });
        }
    };
    match path.as_ref() {
        "" => Ok(store),
        _ => Ok(Arc::new(PrefixStore::new(store, path))),
    }
}

fn local(storage: Arc<dyn Storage>, root: &str, node_id: u64) -> Result<Store, LakeError> {
    let path = storage.locate(root);
    let store = FolderStore::open(storage, root, node_id)?;
    match store.folds_case()? {
        true => Err(LakeError::FoldsCase { path }),
        false => Ok(Arc::new(store)),
    }
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 6,
        retry_timeout: RETRY_FOR,
    }
}

#[cfg(test)]
impl LakeError {
    /// The error of a folder that tables lie in.
    pub(crate) fn of_folder(source: crate::storage::StorageError) -> Self {
        Self::Store(failure::failed(source))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::open;
    use crate::storage::{FaultStorage, Storage};

    /// From a bug: such a folder was called the data folder, with the advice to change
    /// `storage.data_dir`.
    #[test]
    fn a_folder_that_cannot_be_one_is_told_by_the_setting_that_names_it() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let storage: Arc<dyn Storage> = Arc::new(FaultStorage::new(1));
        for below in ["", "/below"] {
            let url = format!("file://{}{below}", file.path().display());
            let url = url::Url::parse(&url).expect("a URL");
            let refused = open(Some(&url), &storage, 7).map(drop).expect_err("a file");
            let text = refused.to_string();
            let start = format!("lake.url \"{url}\" cannot be used: cannot create");
            assert!(text.starts_with(&start), "{text}");
            assert!(!text.contains("data"), "{text}");
        }
    }

    /// Issue 8, C12: the tables of two buckets were written into one folder.
    #[test]
    fn a_folder_that_does_not_tell_case_apart_is_refused() {
        let storage = FaultStorage::new(1);
        let open = |storage: &FaultStorage| {
            let storage: Arc<dyn Storage> = Arc::new(storage.clone());
            open(None, &storage, 7).map(drop)
        };
        open(&storage).expect("it does");
        // Such a name is no proof.
        storage.put("lake/_STAGING/file", b"");
        open(&storage).expect("it does");
        let storage = FaultStorage::new(1);
        storage.fold_case();
        let refused = open(&storage).expect_err("refused");
        assert!(!refused.is_transient());
        let text = refused.to_string();
        assert!(
            text.starts_with("the folder lake is on") && text.contains("lake.url"),
            "{text}"
        );
    }
}
