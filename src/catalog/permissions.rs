//! The permissions of a token (contract section 2): everything, or read and write on named buckets.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The buckets that a permission covers, by name: it outlives deletion and re-creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// No bucket.
    #[default]
    Nothing,
    /// Every bucket, future ones included: `*`.
    All,
    /// These buckets.
    Buckets(BTreeSet<String>),
}

impl Scope {
    /// Returns the buckets of these names; `*` means all.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
        match () {
            () if names.contains("*") => Self::All,
            () if names.is_empty() => Self::Nothing,
            () => Self::Buckets(names),
        }
    }

    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Buckets(names) => names.contains(name),
        }
    }
}

/// The permissions of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// Everything; only this permits the management of tokens and buckets.
    #[serde(default)]
    pub operator: bool,
    /// Buckets that may be read.
    #[serde(default)]
    pub read: Scope,
    /// Buckets that may be written, and created by a first write.
    #[serde(default)]
    pub write: Scope,
}

impl Permissions {
    /// Everything.
    pub fn operator() -> Self {
        Self {
            operator: true,
            ..Self::default()
        }
    }

    /// Returns true if this permits management.
    pub fn is_operator(&self) -> bool {
        self.operator
    }

    /// Returns true if the bucket of this name may be written, and created by a first write.
    pub fn allows_write(&self, name: &str) -> bool {
        self.operator || self.write.covers(name)
    }

    /// Returns true if the bucket of this name may be read.
    pub fn allows_read(&self, name: &str) -> bool {
        self.operator || self.read.covers(name)
    }
}
