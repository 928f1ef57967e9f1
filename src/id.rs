//! The names of durable things. Numbers are never reused: a bucket that is deleted and created
//! again under the same name has another id, so that old log frames cannot resurrect its points
//! (design decisions D13 and D14). A table is named by its bucket and its measurement.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The permanent name of a bucket. Clients see it as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BucketId(pub u64);

impl fmt::Display for BucketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl BucketId {
    /// Reads the form that clients see: exactly 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| u64::from_str_radix(text, 16).ok().map(Self))
            .flatten()
    }
}

/// The name of a table: the points of one measurement in one bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId {
    /// The bucket.
    pub bucket: BucketId,
    /// The measurement, unescaped.
    pub measurement: Arc<str>,
}

impl TableId {
    /// The table of a measurement.
    pub fn new(bucket: BucketId, measurement: impl Into<Arc<str>>) -> Self {
        Self {
            bucket,
            measurement: measurement.into(),
        }
    }
}

/// The position of a frame in the order of all writes of this node. Starts at 1; 0 means "before
/// the first frame".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Returns the sequence that follows this one.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::BucketId;

    #[test]
    fn a_bucket_id_reads_what_it_prints() {
        let id = BucketId(0x00ab_cdef_0123_4567);
        assert_eq!(BucketId::parse(&id.to_string()), Some(id));
        for other in ["", "abc", "00abcdef012345678", "+0abcdef01234567", "zz"] {
            assert_eq!(BucketId::parse(other), None, "{other}");
        }
    }
}
