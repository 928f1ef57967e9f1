use std::sync::Arc;

use super::{Catalog, CatalogError, Limits, NewToken, Permissions, Scope, TokenHash};
use crate::clock::Clock;
use crate::id::BucketId;
use crate::storage::fault::Fault;
use crate::storage::{FaultStorage, Operation, Storage};

const LIMITS: Limits = Limits {
    buckets_max: 3,
    tokens_max: 4,
};

fn open(storage: &FaultStorage) -> Catalog {
    let storage: Arc<dyn Storage> = Arc::new(storage.clone());
    Catalog::open(storage, Clock::manual(5), LIMITS).expect("opens")
}

#[test]
fn a_bucket_that_was_answered_for_survives_a_crash_with_its_id() {
    let storage = FaultStorage::new(1);
    let bucket = open(&storage)
        .create_bucket("get started", None)
        .expect("created");
    let reopened = open(&storage.crash());
    assert_eq!(
        reopened.bucket_named("get started"),
        Some(Arc::clone(&bucket))
    );
    assert_eq!(reopened.bucket(bucket.id), Some(bucket));
}

#[test]
fn creating_a_bucket_twice_finds_the_first() {
    let catalog = open(&FaultStorage::new(1));
    let first = catalog.create_bucket("home", Some(1)).expect("created");
    let second = catalog.create_bucket("home", None).expect("found");
    assert_eq!(first, second);
    assert_eq!(catalog.buckets().len(), 1);
}

#[test]
fn names_and_numbers_of_buckets_are_limited() {
    let catalog = open(&FaultStorage::new(1));
    for name in ["", "_internal", "a\nb", &"x".repeat(256)] {
        let error = catalog.create_bucket(name, None).expect_err("refused");
        assert!(
            matches!(error, CatalogError::InvalidName(_)),
            "{name}: {error}"
        );
    }
    for name in ["a b/c", "ü", &"x".repeat(255)] {
        catalog.create_bucket(name, None).expect("fine");
    }
    let error = catalog.create_bucket("one more", None).expect_err("full");
    assert!(matches!(
        error,
        CatalogError::TooManyBuckets { buckets_max: 3 }
    ));
}

#[test]
fn the_operator_token_is_made_once_in_the_life_of_a_folder() {
    let storage = FaultStorage::new(1);
    let secret = open(&storage)
        .ensure_operator(None)
        .expect("made")
        .expect("shown");
    assert_eq!(secret.reveal().len(), 64);
    let reopened = open(&storage.crash());
    assert!(
        reopened
            .ensure_operator(Some(&"z".repeat(32)))
            .expect("nothing to do")
            .is_none()
    );
    let token = reopened
        .token(&TokenHash::of(secret.reveal().as_bytes()))
        .expect("known");
    assert!(token.permissions.is_operator() && token.permissions.allows_write("any"));
    assert!(
        reopened
            .token(&TokenHash::of("z".repeat(32).as_bytes()))
            .is_none()
    );
}

#[test]
fn a_chosen_operator_token_is_not_shown() {
    let catalog = open(&FaultStorage::new(1));
    let chosen = "0123456789abcdef0123456789abcdef";
    assert!(
        catalog
            .ensure_operator(Some(chosen))
            .expect("made")
            .is_none()
    );
    assert!(catalog.token(&TokenHash::of(chosen.as_bytes())).is_some());
}

#[test]
fn the_secret_is_on_no_disk_and_in_no_debug_text() {
    let storage = FaultStorage::new(1);
    let catalog = open(&storage);
    let (secret, token) = catalog
        .create_token(NewToken {
            description: "sensors".into(),
            permissions: Permissions {
                write: Scope::of(["home"]),
                read: Scope::of(["*"]),
                operator: false,
            },
            expires_ns: Some(10),
        })
        .expect("made");
    let file = crate::storage::read(&storage, "catalog.json").expect("read");
    let file = String::from_utf8(file.expect("there")).expect("text");
    assert!(!file.contains(secret.reveal()));
    assert!(!format!("{secret:?}{token:?}").contains(secret.reveal()));
    assert!(token.permissions.allows_write("home") && !token.permissions.allows_write("other"));
    assert!(token.permissions.allows_read("other") && !token.permissions.is_operator());
    assert!(!token.is_expired(9) && token.is_expired(10));
}

#[test]
fn a_change_that_the_disk_refused_is_not_seen() {
    let storage = FaultStorage::new(1);
    let catalog = open(&storage);
    storage.fail_always(Operation::Write, Fault::Io);
    assert!(matches!(
        catalog.create_bucket("home", None),
        Err(CatalogError::Storage(_))
    ));
    assert!(catalog.bucket_named("home").is_none());
    storage.heal();
    assert!(catalog.create_bucket("home", None).is_ok());
}

#[test]
fn damaged_and_newer_files_are_refused_by_name() {
    let storage = FaultStorage::new(1);
    for (text, expected) in [
        ("{", "catalog.json is damaged"),
        (
            "{\"format\":2,\"what\":1}",
            "catalog.json has format 2, but this version reads formats only up to 1",
        ),
    ] {
        crate::storage::replace(&storage, "catalog.json", text.as_bytes()).expect("written");
        let dynamic: Arc<dyn Storage> = Arc::new(storage.clone());
        let error = Catalog::open(dynamic, Clock::system(), LIMITS).expect_err("refused");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn a_deleted_bucket_stays_gone_and_its_id_is_never_given_again() {
    let storage = FaultStorage::new(1);
    let catalog = open(&storage);
    let first = catalog.create_new_bucket("home", None).expect("created");
    let taken = catalog.create_new_bucket("home", None).expect_err("taken");
    assert_eq!(taken.to_string(), "bucket \"home\" exists already");
    catalog.delete_bucket(first.id).expect("deleted");
    assert_eq!(catalog.bucket(first.id), None);
    let reopened = open(&storage.crash());
    assert_eq!(reopened.bucket_named("home"), None);
    let again = reopened.create_new_bucket("home", None).expect("created");
    assert_ne!(again.id, first.id);
    let error = reopened.delete_bucket(first.id).expect_err("unknown");
    let expected = format!("bucket \"{}\" not found", first.id);
    assert_eq!(error.to_string(), expected);
    // Not the one that has its name now (issue 8, B5).
    assert_eq!(reopened.bucket_named("home"), Some(again));
}

#[test]
fn a_retention_that_was_changed_survives_a_crash() {
    let storage = FaultStorage::new(1);
    let catalog = open(&storage);
    let bucket = catalog.create_bucket("home", Some(5)).expect("created");
    let changed = catalog.set_retention(bucket.id, Some(7)).expect("changed");
    assert_eq!(changed.retention_ns, Some(7));
    let reopened = open(&storage.crash());
    assert_eq!(reopened.bucket_named("home"), Some(changed));
    let kept = reopened.set_retention(bucket.id, None).expect("changed");
    assert_eq!(kept.retention_ns, None);
    assert!(reopened.set_retention(BucketId(99), None).is_err());
}

fn new_token(permissions: Permissions, expires_ns: Option<i64>) -> NewToken {
    NewToken {
        description: String::new(),
        permissions,
        expires_ns,
    }
}

#[test]
fn a_revoked_token_stays_revoked_but_the_last_working_operator_stays() {
    let storage = FaultStorage::new(1);
    let catalog = open(&storage);
    let make = |permissions, expires_ns| {
        let (_, token) = catalog
            .create_token(new_token(permissions, expires_ns))
            .expect("made");
        token.id
    };
    let operator = make(Permissions::operator(), None);
    // The clock says 5: this one has ended.
    let ended = make(Permissions::operator(), Some(5));
    let writer = make(
        Permissions {
            write: Scope::All,
            ..Permissions::default()
        },
        None,
    );
    let refused = catalog.revoke_token(operator).expect_err("the last one");
    assert!(matches!(refused, CatalogError::LastOperator), "{refused}");
    for id in [ended, writer] {
        catalog.revoke_token(id).expect("revoked");
        let error = catalog.revoke_token(id).expect_err("gone");
        assert_eq!(error.to_string(), format!("token \"{id}\" not found"));
    }
    // One that works now, but not for ever, is no replacement.
    let soon = make(Permissions::operator(), Some(4_000_000_000));
    let refused = catalog.revoke_token(operator).expect_err("the last one");
    assert!(matches!(refused, CatalogError::LastOperator), "{refused}");
    catalog.revoke_token(soon).expect("revoked");
    let second = make(Permissions::operator(), None);
    catalog.revoke_token(operator).expect("there is another");
    let left: Vec<_> = open(&storage.crash())
        .tokens()
        .iter()
        .map(|t| t.id)
        .collect();
    assert_eq!(left, [second]);
}

#[test]
fn a_change_that_was_told_to_have_failed_is_not_there_after_a_crash_either() {
    for seed in 0..50 {
        let storage = FaultStorage::new(seed);
        let catalog = open(&storage);
        let bucket = catalog.create_bucket("home", None).expect("created");
        for operation in [
            Operation::Write,
            Operation::Sync,
            Operation::Rename,
            Operation::SyncDir,
        ] {
            storage.fail(operation, 0, Fault::Io);
            catalog.delete_bucket(bucket.id).expect_err("told");
            assert_eq!(catalog.bucket(bucket.id), Some(Arc::clone(&bucket)));
            let reopened = open(&storage.crash());
            assert_eq!(
                reopened.bucket(bucket.id).as_ref(),
                Some(&bucket),
                "{operation}"
            );
        }
        catalog.delete_bucket(bucket.id).expect("deleted");
        assert_eq!(open(&storage.crash()).bucket(bucket.id), None);
    }
}

#[test]
fn tokens_are_limited_and_revoking_makes_room() {
    let catalog = open(&FaultStorage::new(1));
    let make = || catalog.create_token(new_token(Permissions::operator(), None));
    for _ in 0..4 {
        make().expect("room");
    }
    let refused = make().expect_err("full");
    assert!(
        matches!(refused, CatalogError::TooManyTokens { tokens_max: 4 }),
        "{refused}"
    );
    catalog.revoke_token(2).expect("revoked");
    let (_, token) = make().expect("room again");
    assert_eq!(
        token.id, 5,
        "refused requests use up no id, and none comes twice"
    );
}
