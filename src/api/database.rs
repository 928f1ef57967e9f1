//! Databases and retention policies of v1 as buckets (contract section 3.1): the bucket `db/rp`, and
//! for the default policy also `db`.

use std::sync::Arc;

use crate::catalog::{Bucket, Catalog};

/// The name of the default policy.
pub(super) const AUTOGEN: &str = "autogen";

/// Returns true if a retention policy is the default one of a database.
pub(super) fn is_default(rp: &str) -> bool {
    matches!(rp, "" | AUTOGEN | "default")
}

/// Finds the bucket `db/rp`; for the default policy also `db`, then `db/autogen`.
pub(super) fn find(catalog: &Catalog, db: &str, rp: &str) -> Option<Arc<Bucket>> {
    let named = |name: &str| catalog.bucket_named(name);
    let exact = (!rp.is_empty()).then(|| named(&format!("{db}/{rp}")));
    let default = || match is_default(rp) {
        true => named(db).or_else(|| named(&format!("{db}/{AUTOGEN}"))),
        false => None,
    };
    exact.flatten().or_else(default)
}

/// The name of a bucket that is made for this database and policy.
pub(super) fn new_name(db: &str, rp: &str) -> String {
    match is_default(rp) {
        true => db.to_owned(),
        false => format!("{db}/{rp}"),
    }
}

/// The database and the policy that a bucket is.
pub(super) fn parts(bucket: &str) -> (&str, &str) {
    match bucket.split_once('/') {
        Some((db, rp)) if !db.is_empty() && !rp.is_empty() => (db, rp),
        _ => (bucket, AUTOGEN),
    }
}

#[cfg(test)]
mod tests {
    use super::{new_name, parts};

    #[test]
    fn a_bucket_is_the_policy_of_a_database() {
        for (bucket, db, rp) in [
            ("plant", "plant", "autogen"),
            ("plant/autogen", "plant", "autogen"),
            ("plant/week", "plant", "week"),
            ("plant/a/b", "plant", "a/b"),
            ("/x", "/x", "autogen"),
            ("x/", "x/", "autogen"),
        ] {
            assert_eq!(parts(bucket), (db, rp), "{bucket}");
        }
        assert_eq!(new_name("plant", "default"), "plant");
        assert_eq!(new_name("plant", "week"), "plant/week");
    }
}
