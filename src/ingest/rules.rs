//! The rules for lines beyond the grammar: reserved names, limits, retention.
//!
//! They are checked for a line as a whole before any of it reaches a column, so that a rejected line
//! leaves no trace.

use std::fmt;

use chrono::{DateTime, SecondsFormat};

use crate::catalog::schema::Ground;
use crate::certain::Certain;
use crate::columnar::FieldType;
use crate::line_protocol::{Name, Point, Value};
use crate::narrow;

/// Limits on lines and tables (contract section 6).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A point's text, in bytes.
    pub point_bytes_max: usize,
    /// A string value, in bytes, unescaped.
    pub string_bytes_max: usize,
    /// A measurement, a tag key or a field key, in bytes, unescaped.
    pub name_bytes_max: usize,
    /// A tag value, in bytes, unescaped.
    pub tag_value_bytes_max: usize,
    /// Tags and fields of a table.
    pub columns_max: usize,
    /// Tables of a bucket.
    pub tables_max: usize,
    /// Series of a bucket that are in memory.
    pub series_max: u64,
    /// Memory that the names of a bucket's measurements, tags and fields take, in bytes.
    pub schema_bytes_max: u64,
    /// If true, an integer that is sent to a column of floats is stored as a float of its value.
    pub integer_into_float: bool,
    /// Memory that the names of all buckets' measurements, tags and fields take, in bytes.
    pub schemas_bytes_max: u64,
}

/// The rules that a line is checked against while it is parsed.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineRules {
    pub(super) limits: Limits,
    /// The earliest time that the bucket keeps, in nanoseconds since the epoch; absent if it keeps
    /// all.
    pub(super) oldest_ns: Option<i64>,
    /// The time of points that have none, in nanoseconds since the epoch.
    pub(super) default_ns: i64,
}

/// The reason why a line that the grammar accepts is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    ReservedTag {
        key: String,
    },
    OnlyTime,
    Limit {
        name: &'static str,
        what: &'static str,
        limit: u64,
        found: u64,
    },
    /// The names of measurements, tags and fields take too much memory.
    Schemas {
        whose: &'static str,
        key: &'static str,
        limit: u64,
        found: u64,
    },
    FieldTwice {
        key: String,
        first: FieldType,
        second: FieldType,
    },
    Retention {
        time_ns: i64,
        oldest_ns: i64,
    },
}

impl LineRules {
    /// The time of a point, if the bucket keeps it.
    pub(super) fn time(&self, point: &Point<'_>) -> Result<i64, RejectedAt> {
        let time_ns = point.timestamp.unwrap_or(self.default_ns);
        match self.oldest_ns {
            Some(oldest_ns) if time_ns < oldest_ns => {
                Err(Rejection::Retention { time_ns, oldest_ns }.at(1))
            }
            _ => Ok(time_ns),
        }
    }
}

impl Rejection {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::ReservedTag { .. } | Self::OnlyTime => "reserved_name",
            Self::Limit { .. } | Self::Schemas { .. } => "limit",
            Self::FieldTwice { .. } => "type_conflict",
            Self::Retention { .. } => "retention",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedTag { key } => {
                write!(f, "\"{}\" is reserved and cannot be a tag, rename the tag", Echo(key))
            }
            Self::OnlyTime => f.write_str(
                "\"time\" is reserved and is the only field, rename it (the timestamp stands at the end of the line)",
            ),
            Self::Limit { name, what, limit, found } => {
                write!(f, "{what} is {found}, the limit is {limit} (limits.{name})")
            }
            Self::Schemas { whose, key, limit, found } => write!(
                f,
                "the names of measurements, tags and fields of {whose} would take {found} bytes of memory, the limit is {limit} ({key}): names that never repeat belong into values"
            ),
            Self::FieldTwice { key, first, second } => {
                let key = Echo(key);
                write!(f, "field \"{key}\" comes twice in this line, as {first} and as {second}")
            }
            Self::Retention { time_ns, oldest_ns } => write!(
                f,
                "time {} is older than the bucket's retention, which begins at {}",
                rfc3339(*time_ns),
                rfc3339(*oldest_ns),
            ),
        }
    }
}

/// A time in the form that people read.
fn rfc3339(ns: i64) -> String {
    DateTime::from_timestamp_nanos(ns).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The bytes of a name that are repeated to the client at most (contract section 1.3).
const ECHO_BYTES_MAX: usize = 64;

/// A name, shortened: names may have many kilobytes, and one answer may contain a hundred of them.
pub(super) struct Echo<'a>(pub(super) &'a str);

impl fmt::Display for Echo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.floor_char_boundary(ECHO_BYTES_MAX);
        let (shown, rest) = self.0.split_at_checked(end).certain("it is a boundary");
        f.write_str(shown)?;
        f.write_str(if rest.is_empty() { "" } else { "…" })
    }
}

/// A rejection, and the column of the key that caused it.
#[derive(Debug)]
pub(super) struct RejectedAt {
    pub(super) rejection: Rejection,
    /// The 1-based byte in the line.
    pub(super) column: u32,
}

impl Rejection {
    pub(super) fn at(self, column: u32) -> RejectedAt {
        RejectedAt {
            rejection: self,
            column,
        }
    }
}

/// A limit on the length of a text: its name in the configuration, and the bytes.
#[derive(Clone, Copy)]
struct LengthLimit {
    name: &'static str,
    bytes_max: usize,
}

impl Limits {
    /// Checks what does not depend on the series: the sizes of the point, its field keys and strings.
    pub(super) fn check_fields(&self, point: &Point<'_>, bytes: usize) -> Result<(), RejectedAt> {
        if bytes > self.point_bytes_max {
            let what = "the point's length in bytes";
            let rejection = limit("point_bytes_max", what, self.point_bytes_max, bytes);
            return Err(rejection.at(1));
        }
        for field in &point.fields {
            self.check_name(field.key, "the field key's length in bytes", field.column)?;
            if let Value::String(text) = field.value {
                let (what, max) = ("the string value's length in bytes", self.string_bytes_max);
                if text.raw().len() > max && text.decode().len() > max {
                    let rejection = limit("string_bytes_max", what, max, text.decode().len());
                    return Err(rejection.at(field.column));
                }
            }
        }
        Ok(())
    }

    /// Checks the parts of the series: measurement and tags. Once per distinct text.
    pub(super) fn check_series(&self, point: &Point<'_>) -> Result<(), RejectedAt> {
        self.check_name(point.measurement, "the measurement's length in bytes", 1)?;
        for tag in &point.tags {
            // None of them can be written with an escape.
            if let key @ ("time" | "_measurement" | "_field") = tag.key.raw() {
                let key = key.to_owned();
                return Err(Rejection::ReservedTag { key }.at(tag.column));
            }
            self.check_name(tag.key, "the tag key's length in bytes", tag.column)?;
            let max = LengthLimit {
                name: "tag_value_bytes_max",
                bytes_max: self.tag_value_bytes_max,
            };
            let what = "the tag value's length in bytes";
            check_text(tag.value, what, max, tag.column)?;
        }
        Ok(())
    }

    fn check_name(
        &self,
        name: Name<'_>,
        what: &'static str,
        column: u32,
    ) -> Result<(), RejectedAt> {
        let max = LengthLimit {
            name: "name_bytes_max",
            bytes_max: self.name_bytes_max,
        };
        check_text(name, what, max, column)
    }
}

fn check_text(
    text: Name<'_>,
    what: &'static str,
    max: LengthLimit,
    column: u32,
) -> Result<(), RejectedAt> {
    if text.raw().len() <= max.bytes_max {
        return Ok(());
    }
    let bytes = text.decode().len();
    if bytes <= max.bytes_max {
        return Ok(());
    }
    Err(limit(max.name, what, max.bytes_max, bytes).at(column))
}

/// The schemas that leave no room: a rejection for them is provisional while new ones are on their
/// way.
#[derive(Debug)]
pub(super) enum Full {
    /// The schemas of the bucket.
    OfBucket(Rejection),
    /// The schemas of all buckets.
    OfAll(Rejection),
}

/// The memory that schemas take, and what they may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    bucket_bytes: u64,
    bucket_bytes_max: u64,
    all_bytes: u64,
    all_bytes_max: u64,
}

impl Room {
    pub(super) fn of(limits: &Limits, ground: &Ground) -> Self {
        Self {
            bucket_bytes: ground.bucket_bytes,
            bucket_bytes_max: limits.schema_bytes_max,
            all_bytes: ground.all_bytes,
            all_bytes_max: limits.schemas_bytes_max,
        }
    }

    /// Checks whether there is room for names that take `more` bytes.
    pub(super) fn check(&self, more: u64) -> Result<(), Full> {
        let found = self.bucket_bytes.saturating_add(more);
        if found > self.bucket_bytes_max {
            return Err(Full::OfBucket(Rejection::Schemas {
                whose: "the bucket",
                key: "limits.schema_bytes_max",
                limit: self.bucket_bytes_max,
                found,
            }));
        }
        let found = self.all_bytes.saturating_add(more);
        if found > self.all_bytes_max {
            return Err(Full::OfAll(Rejection::Schemas {
                whose: "all buckets",
                key: "half of memory.budget_bytes",
                limit: self.all_bytes_max,
                found,
            }));
        }
        Ok(())
    }

    pub(super) fn take(&mut self, bytes: u64) {
        self.bucket_bytes = self.bucket_bytes.saturating_add(bytes);
        self.all_bytes = self.all_bytes.saturating_add(bytes);
    }
}

/// The rejection of a value beyond a limit: the limit's name in the configuration, what was counted,
/// and both numbers.
pub(super) fn limit(
    name: &'static str,
    what: &'static str,
    limit: usize,
    found: usize,
) -> Rejection {
    Rejection::Limit {
        name,
        what,
        limit: narrow::to_u64(limit),
        found: narrow::to_u64(found),
    }
}
