//! `tidegate token reset-operator`: makes a new operator token for someone who has lost theirs, in the
//! folder of a stopped server. Anyone who can write there can do everything anyway.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use thiserror::Error;

use crate::catalog::{Catalog, CatalogError, Limits, NewToken, Permissions};
use crate::clock::Clock;
use crate::storage::{DiskStorage, Storage, StorageError};

const HELP: &str = "\
The server must be stopped. The token may do everything, is printed once on standard output, and \
is kept as a hash only. Other tokens stay as they are: to end the one that was lost, revoke it \
afterwards with the new one.

Examples:
  tidegate token reset-operator --data-dir tidegate-data";

/// Make a new operator token in the folder of a stopped server.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct ResetOperator {
    /// The server's data folder.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

/// The reasons for which no token was made, or shown.
#[derive(Debug, Error)]
pub enum ResetError {
    /// The data folder.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The tokens in it.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// It was made, but nobody has seen it.
    #[error("a token was made, but could not be shown: run the command once more")]
    Unseen(#[source] io::Error),
}

impl ResetOperator {
    pub(super) fn run(self) -> Result<(), ResetError> {
        let storage = DiskStorage::open_existing(self.data_dir)?;
        let mut out = io::stdout().lock();
        reset(Arc::new(storage), &Clock::system(), &mut out)
    }
}

fn reset(storage: Arc<dyn Storage>, clock: &Clock, out: &mut dyn Write) -> Result<(), ResetError> {
    // No bucket is made here. A token is made even where there are too many: without an operator
    // nobody could revoke one.
    let limits = Limits {
        buckets_max: 0,
        tokens_max: usize::MAX,
    };
    let catalog = Catalog::open(storage, clock.clone(), limits)?;
    let new = NewToken {
        description: "operator token made by tidegate token reset-operator".to_owned(),
        permissions: Permissions::operator(),
        expires_ns: None,
    };
    let (secret, _) = catalog.create_token(new)?;
    writeln!(out, "operator token: {}", secret.reveal())
        .and_then(|()| out.flush())
        .map_err(ResetError::Unseen)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{ResetError, reset};
    use crate::catalog::{Catalog, Limits, TokenHash};
    use crate::clock::Clock;
    use crate::storage::{FaultStorage, Operation, Storage, fault::Fault};

    fn catalog(storage: &FaultStorage) -> Catalog {
        let storage: Arc<dyn Storage> = Arc::new(storage.clone());
        let limits = Limits {
            buckets_max: 10,
            tokens_max: 1,
        };
        Catalog::open(storage, Clock::manual(7), limits).expect("opens")
    }

    #[test]
    fn the_token_that_is_shown_may_do_everything_after_a_power_cut() {
        let storage = FaultStorage::new(1);
        let first = catalog(&storage)
            .ensure_operator(None)
            .expect("made")
            .expect("new");
        let mut out = Vec::new();
        reset(Arc::new(storage.clone()), &Clock::manual(8), &mut out).expect("made");
        let text = String::from_utf8(out).expect("text");
        let secret = text
            .trim_end()
            .strip_prefix("operator token: ")
            .expect("shown");
        let catalog = catalog(&storage.crash());
        for known in [secret, first.reveal()] {
            let token = catalog
                .token(&TokenHash::of(known.as_bytes()))
                .expect("known");
            assert!(token.permissions.is_operator());
        }
        assert_ne!(secret, first.reveal());
    }

    #[test]
    fn a_token_that_is_not_durable_is_not_shown() {
        let storage = FaultStorage::new(1);
        catalog(&storage).ensure_operator(None).expect("made");
        storage.fail(Operation::Sync, 0, Fault::ShortIo);
        let mut out = Vec::new();
        let failed = reset(Arc::new(storage), &Clock::manual(8), &mut out);
        assert!(matches!(failed, Err(ResetError::Catalog(_))), "{failed:?}");
        assert!(out.is_empty());
    }
}
