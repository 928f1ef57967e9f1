//! What goes wrong in a folder, in the words of an object store.

use object_store::Error;
use object_store::path::Path;

use crate::storage::StorageError;

/// The name of the store in errors.
pub(super) const STORE: &str = "folder";

/// The error for a failure of the storage.
pub(in crate::lake) fn failed(source: StorageError) -> Error {
    Error::Generic {
        store: STORE,
        source: Box::new(source),
    }
}

/// The same, or that there is no such file.
pub(super) fn missing_or_failed(location: &Path, error: StorageError) -> Error {
    match error.is_missing() {
        true => Error::NotFound {
            path: location.to_string(),
            source: Box::new(error),
        },
        false => failed(error),
    }
}

/// The error for what nobody asks of a folder.
pub(super) fn unsupported(what: &str) -> Error {
    Error::NotSupported {
        source: format!("{what} is not needed for tables").into(),
    }
}
