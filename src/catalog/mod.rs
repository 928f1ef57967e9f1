//! The small durable state: buckets, tokens and the schemas of tables.
//!
//! ```text
//! catalog.json   buckets and tokens: replaced as a whole, synced, before an answer names a change
//! schemas.json   a checkpoint of the schemas at a log sequence; the log is the truth (D4)
//! ```
//!
//! Promises: a bucket or a token that was answered for is there after any crash, and in force for
//! the next request; a bucket id is never given twice (D13); only hashes of tokens are stored
//! (D11). Schemas change with the log, not with these files: [`schema`] holds what is durable
//! together with what is still provisional, and the writer decides when to roll back.
//!
//! This module does not know HTTP, lines or points.

mod bucket;
mod error;
mod file;
mod permissions;
pub mod schema;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::clock::Clock;
use crate::id::BucketId;
use crate::storage::Storage;

pub use bucket::{Bucket, InvalidBucketName, valid_bucket_name};
pub use error::CatalogError;
pub use permissions::{Permissions, Scope};
pub use token::{NewToken, Secret, Token, TokenHash, TokenId};

use file::Contents;

/// The files of a data folder that hold all this. A missing one is treated as empty.
pub const FILES: [&str; 2] = [file::PATH, schema::CHECKPOINT_PATH];

/// Buckets and tokens, shared by everyone who serves requests.
#[derive(Clone, Debug)]
pub struct Catalog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    storage: Arc<dyn Storage>,
    clock: Clock,
    limits: Limits,
    /// The index for the look-ups of requests.
    index: RwLock<Index>,
    /// The contents of the file; this lock is held while the file is replaced, the index's is not.
    contents: Mutex<Contents>,
}

/// The limits of the catalog.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of buckets.
    pub buckets_max: usize,
    /// The maximum number of tokens, expired ones included.
    pub tokens_max: usize,
}

#[derive(Debug, Default)]
struct Index {
    by_name: HashMap<String, Arc<Bucket>>,
    by_id: HashMap<BucketId, Arc<Bucket>>,
    tokens: HashMap<TokenHash, Arc<Token>>,
}

impl Index {
    fn of(contents: &Contents) -> Self {
        let mut index = Self::default();
        for bucket in &contents.buckets {
            let bucket = Arc::new(bucket.clone());
            index
                .by_name
                .insert(bucket.name.clone(), Arc::clone(&bucket));
            index.by_id.insert(bucket.id, bucket);
        }
        for token in &contents.tokens {
            index.tokens.insert(token.hash(), Arc::new(token.clone()));
        }
        index
    }
}

impl Catalog {
    /// Reads the catalog of a data folder, or starts an empty one.
    pub fn open(
        storage: Arc<dyn Storage>,
        clock: Clock,
        limits: Limits,
    ) -> Result<Self, CatalogError> {
        let contents = Contents::read(storage.as_ref())?;
        let index = RwLock::new(Index::of(&contents));
        let contents = Mutex::new(contents);
        Ok(Self {
            shared: Arc::new(Shared {
                storage,
                clock,
                limits,
                index,
                contents,
            }),
        })
    }

    /// Returns the bucket of this name.
    pub fn bucket_named(&self, name: &str) -> Option<Arc<Bucket>> {
        self.index().by_name.get(name).cloned()
    }

    /// Returns the bucket with this id.
    pub fn bucket(&self, id: BucketId) -> Option<Arc<Bucket>> {
        self.index().by_id.get(&id).cloned()
    }

    /// Returns true if a bucket ever had this id, in this catalog or in the one it was restored
    /// from.
    pub fn has_given(&self, id: BucketId) -> bool {
        self.contents().has_given(id)
    }

    /// Returns all buckets, ordered by name.
    pub fn buckets(&self) -> Vec<Arc<Bucket>> {
        let mut buckets: Vec<_> = self.index().by_id.values().cloned().collect();
        buckets.sort_by(|a, b| a.name.cmp(&b.name));
        buckets
    }

    /// Returns all tokens, expired ones included, in the order of their creation.
    pub fn tokens(&self) -> Vec<Arc<Token>> {
        let mut tokens: Vec<_> = self.index().tokens.values().cloned().collect();
        tokens.sort_by_key(|token| token.id);
        tokens
    }

    /// Returns the token with this hash, expired or not.
    pub fn token(&self, hash: &TokenHash) -> Option<Arc<Token>> {
        self.index().tokens.get(hash).cloned()
    }

    /// Creates a bucket that keeps its points for `retention_ns` (for ever if absent), or finds
    /// the one of that name. Durable when it returns; blocks on the disk.
    pub fn create_bucket(
        &self,
        name: &str,
        retention_ns: Option<i64>,
    ) -> Result<Arc<Bucket>, CatalogError> {
        self.create(name, retention_ns, |taken| Ok(taken.clone()))
    }

    /// Creates a bucket like [`Catalog::create_bucket`], but refuses a name that is taken.
    pub fn create_new_bucket(
        &self,
        name: &str,
        retention_ns: Option<i64>,
    ) -> Result<Arc<Bucket>, CatalogError> {
        self.create(name, retention_ns, |taken| {
            Err(CatalogError::BucketExists(taken.name.clone()))
        })
    }

    /// Changes how long a bucket keeps its points, for ever if `retention_ns` is absent. Durable
    /// when it returns; blocks on the disk.
    pub fn set_retention(
        &self,
        id: BucketId,
        retention_ns: Option<i64>,
    ) -> Result<Arc<Bucket>, CatalogError> {
        self.change(|contents| {
            let mut buckets = contents.buckets.iter_mut();
            let bucket = buckets.find(|bucket| bucket.id == id);
            let bucket = bucket.ok_or_else(|| CatalogError::UnknownBucket(id.to_string()))?;
            bucket.retention_ns = retention_ns;
            Ok(Arc::new(bucket.clone()))
        })
    }

    /// Deletes a bucket, whose id is never given again; another bucket that got its name meanwhile
    /// stays. Durable when it returns; blocks on the disk. The holders of its points free them.
    pub fn delete_bucket(&self, id: BucketId) -> Result<(), CatalogError> {
        self.change(|contents| {
            let mut buckets = contents.buckets.iter();
            let place = buckets.position(|bucket| bucket.id == id);
            let place = place.ok_or_else(|| CatalogError::UnknownBucket(id.to_string()))?;
            contents.buckets.remove(place);
            Ok(())
        })
    }

    /// Ends a token: its next request is refused, on open connections too. Durable when it
    /// returns; blocks on the disk. The last operator token that does not expire stays, and
    /// without one the last that works, or nobody could manage the server.
    pub fn revoke_token(&self, id: TokenId) -> Result<(), CatalogError> {
        let now_ns = self.shared.clock.now_ns();
        self.change(|contents| {
            let place = contents.tokens.iter().position(|token| token.id == id);
            let place = place.ok_or(CatalogError::UnknownToken(id))?;
            let revoked = contents.tokens.remove(place);
            let works = |token: &Token| token.is_operator() && !token.is_expired(now_ns);
            let lasts = |token: &Token| token.is_operator() && token.expires_ns.is_none();
            let is_last =
                |is: &dyn Fn(&Token) -> bool| is(&revoked) && !contents.tokens.iter().any(is);
            if is_last(&works) || is_last(&lasts) {
                return Err(CatalogError::LastOperator);
            }
            Ok(())
        })
    }

    /// Creates a token. The secret is not stored: this is the only time that it is seen.
    pub fn create_token(&self, new: NewToken) -> Result<(Secret, Arc<Token>), CatalogError> {
        let secret = Secret::random();
        let secret = secret.map_err(|error| CatalogError::Random(error.to_string()))?;
        let token = self.add_token(new, &secret)?;
        Ok((secret, token))
    }

    /// Ensures that a folder which never had a token gets an operator token: `chosen`, or a
    /// random one, which is returned to be shown once. Later starts change nothing.
    pub fn ensure_operator(&self, chosen: Option<&str>) -> Result<Option<Secret>, CatalogError> {
        if self.contents().tokens_ever > 0 {
            return Ok(None);
        }
        let new = NewToken {
            description: "operator token of the first start".to_owned(),
            permissions: Permissions::operator(),
            expires_ns: None,
        };
        match chosen {
            Some(text) => self.add_token(new, &Secret::chosen(text)).map(|_| None),
            None => self.create_token(new).map(|(secret, _)| Some(secret)),
        }
    }

    fn create(
        &self,
        name: &str,
        retention_ns: Option<i64>,
        if_taken: impl FnOnce(&Bucket) -> Result<Bucket, CatalogError>,
    ) -> Result<Arc<Bucket>, CatalogError> {
        valid_bucket_name(name)?;
        let buckets_max = self.shared.limits.buckets_max;
        self.change(|contents| {
            let mut buckets = contents.buckets.iter();
            if let Some(taken) = buckets.find(|bucket| bucket.name == name) {
                return if_taken(taken).map(Arc::new);
            }
            if contents.buckets.len() >= buckets_max {
                return Err(CatalogError::TooManyBuckets { buckets_max });
            }
            let bucket = Bucket {
                id: contents.take_bucket_id(),
                name: name.to_owned(),
                retention_ns,
                created_ns: self.shared.clock.now_ns(),
            };
            contents.buckets.push(bucket.clone());
            Ok(Arc::new(bucket))
        })
    }

    fn add_token(&self, new: NewToken, secret: &Secret) -> Result<Arc<Token>, CatalogError> {
        let hash = secret.hash();
        let tokens_max = self.shared.limits.tokens_max;
        self.change(|contents| {
            if contents.tokens.len() >= tokens_max {
                return Err(CatalogError::TooManyTokens { tokens_max });
            }
            let id = contents.take_token_id();
            let created_ns = self.shared.clock.now_ns();
            let token = Token::new(id, hash, new, created_ns);
            contents.tokens.push(token.clone());
            Ok(Arc::new(token))
        })
    }

    /// Changes a copy, makes the copy durable, and only then lets requests see it.
    fn change<T>(
        &self,
        edit: impl FnOnce(&mut Contents) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        let mut contents = self.contents();
        let mut edited = contents.clone();
        let result = edit(&mut edited)?;
        if edited != *contents {
            let storage = self.shared.storage.as_ref();
            if let Err(error) = edited.write(storage) {
                contents.restore(storage);
                return Err(error);
            }
            *self
                .shared
                .index
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Index::of(&edited);
            *contents = edited;
        }
        Ok(result)
    }

    fn index(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.shared
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.shared
            .contents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
