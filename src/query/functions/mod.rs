//! The functions of SQL that people know from InfluxDB 3 and that DataFusion does not have.
//!
//! Source of the rules: query contract, section 13.

pub(crate) mod gapfill;

use datafusion::error::Result;
use datafusion::execution::SessionState;

/// Gives a session its functions.
///
/// # Errors
/// A function cannot be registered.
pub(crate) fn register(session: &mut SessionState) -> Result<()> {
    gapfill::register(session)
}
