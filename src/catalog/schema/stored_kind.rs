//! The form in which a column's kind is stored: one word.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::columnar::ColumnKind;

/// A kind that is stored as one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StoredKind(pub(super) ColumnKind);

impl Serialize for StoredKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for StoredKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        let kind = ColumnKind::from_word(&word);
        let unknown = || D::Error::custom(format_args!("unknown kind of column `{word}`"));
        kind.map(Self).ok_or_else(unknown)
    }
}
