//! SHOW of what is stored: measurements, fields, tags, series, and how many there are.
//!
//! ```text
//! scope (ON, FROM) > names of tables and columns ──────────────────────────> parts
//!                  > filter (WHERE) > tags of a table > distinct > parts
//! ```
//!
//! Promises: answers are exact. Measurements, fields and, without WHERE, tag keys are those of the
//! tables as they are, also if none of their points is within retention any more, and no table is opened
//! for them. Everything else is of points within retention: a series, or the value of a tag, is there if
//! a point has it, at the times of WHERE if it has any, to the nanosecond. Of a table at a time its
//! distinct tags are held, in memory that is counted.
//!
//! WHERE knows the time and tags, with the rules of contract 11.8. A name that is no tag of a
//! measurement, such as one of its fields, is a tag that none of its series has.
//!
//! # What differs from 1.6.7
//!
//! - Times are exact, where 1.6.7 looks at whole shards, and may stand in SHOW MEASUREMENTS and SHOW TAG
//!   VALUES CARDINALITY.
//! - SHOW MEASUREMENTS WHERE asks for a series that fits, as the others do; 1.6.7 decides `!=`, `!~` and
//!   `''` by measurement.
//! - A tag compared to a number or a boolean never fits; 1.6.7 leaves the comparison out. Two tags are
//!   the same if their values are; in 1.6.7 if both are there. `= 'text'` on a field fits nothing; in
//!   1.6.7 all series of a measurement with the field.
//! - A database before a measurement in FROM counts in all forms; 1.6.7 leaves it out for tags.
//! - SHOW MEASUREMENTS and the estimates of cardinalities refuse a database that is not there.
//! - Cardinalities are exact without EXACT, and those of tag values know missing tags in WHERE.

mod cardinality;
mod condition;
mod groups;
mod keys;
mod measurements;
mod parts;
mod scope;
mod series;
mod tags;
mod values;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::execution::SessionState;

use super::super::ast::Show;
use super::databases::Databases;
use super::statement::Parts;
use crate::error::QueryError;

/// What a SHOW statement is asked of. Clones are of the same statement.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The databases that it may name.
    pub(crate) databases: Arc<dyn Databases>,
    /// The session in which files are read, and whose memory is taken.
    pub(crate) state: Arc<SessionState>,
    /// The time of the request, in nanoseconds since the epoch.
    pub(crate) now_ns: i64,
}

/// Begins a SHOW statement that [reads](super::reads). The parts are made as they are asked for.
///
/// # Errors
/// [`QueryError`] if it is wrong, or a database that it names cannot be had.
pub(crate) async fn begin(asked: Asked, show: &Show) -> Result<Parts, QueryError> {
    match show {
        Show::Measurements(show) => measurements::begin(asked, show).await,
        Show::FieldKeys(show) => keys::fields(asked, show).await,
        Show::TagKeys(show) => keys::tags(asked, show).await,
        Show::TagValues(show) => values::begin(asked, show).await,
        Show::Series(show) => series::begin(asked, show).await,
        Show::Cardinality(show) => cardinality::begin(asked, show).await,
        other => Err(QueryError::Internal(format!(
            "{} is not answered from points",
            other.title()
        ))),
    }
}
