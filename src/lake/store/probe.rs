//! A test of whether a store refuses to create an object that exists. Several writers of one table
//! depend on it.

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, Result};
use uuid::Uuid;

/// Creates an object twice and returns whether the second attempt is refused. Removes the object.
pub(in crate::lake) async fn has_conditional_put(store: &dyn ObjectStore) -> Result<bool> {
    let path = Path::from(format!("_tidegate/probe-{}", Uuid::new_v4()));
    let create = || {
        let payload =
            PutPayload::from_static(b"tidegate tries whether creating is exclusive here\n");
        store.put_opts(&path, payload, PutMode::Create.into())
    };
    let first = create().await;
    let second = match &first {
        Ok(_) => Some(create().await),
        Err(_) => None,
    };
    // If it is left behind, it does no harm.
    let _ = store.delete(&path).await;
    match (first, second) {
        (Err(Error::NotImplemented { .. } | Error::NotSupported { .. }), _) => Ok(false),
        (Err(error), _) => Err(error),
        (Ok(_), Some(Err(Error::AlreadyExists { .. } | Error::Precondition { .. }))) => Ok(true),
        (Ok(_), Some(Err(Error::NotImplemented { .. } | Error::NotSupported { .. }))) => Ok(false),
        (Ok(_), Some(Err(error))) => Err(error),
        (Ok(_), Some(Ok(_)) | None) => Ok(false),
    }
}
