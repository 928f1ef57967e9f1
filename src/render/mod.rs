//! Record batches as bytes: what the answer to a question looks like in the format that was asked
//! for.
//!
//! ```text
//! rows > slices > a renderer > bytes
//! ```
//!
//! Promises: rows are written as they come, so what a renderer holds is bounded (one slice of rows,
//! a row group of Parquet, the first part of a table that people look at); whether a format has room
//! for a column is known before the first row. JSON and CSV are Arrow's own, which is what clients
//! of InfluxDB 3 parse: a null has no member, times without a zone have no `Z`.
//!
//! One format is read back too, the one that keeps every type: a client of ours asks for an Arrow
//! stream, and writes its rows in whichever format its user wants.
//!
//! This module does not know HTTP, nor where rows come from. It is not part of the query package, though
//! it needs nothing else of the program: that package hands out batches, whoever takes them, and the
//! command line reads and writes formats without a query engine.

mod arrow;
mod csv;
mod error;
mod format;
mod json;
mod parquet;
mod renderer;
mod slices;
mod table;
#[cfg(test)]
mod tests;

use arrow_schema::SchemaRef;

pub use arrow::Reader;
pub use error::{ReadError, RenderError};
pub use format::Format;
pub use renderer::Renderer;
pub use slices::slices;

/// Makes a renderer for rows of this schema.
///
/// # Errors
/// [`RenderError::NoRoom`] if the format has no room for one of the columns, [`RenderError::Twice`] if
/// it has none for two of one name.
pub fn renderer(format: Format, schema: &SchemaRef) -> Result<Box<dyn Renderer>, RenderError> {
    Ok(match format {
        Format::Json => Box::new(json::array(schema)?),
        Format::Lines => Box::new(json::lines(schema)?),
        Format::Csv => Box::new(csv::Csv::new(schema)?),
        Format::Table => Box::new(table::Table::new(schema)?),
        Format::Parquet => Box::new(parquet::Parquet::new(schema)?),
        Format::Arrow => Box::new(arrow::Arrow::new(schema)?),
    })
}
