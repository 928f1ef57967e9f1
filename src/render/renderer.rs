//! What all formats have in common.

use arrow_array::RecordBatch;

use super::error::RenderError;

/// Something that turns rows into bytes of one format.
pub trait Renderer: Send {
    /// Appends rows to `out`, or holds them back until there are more.
    ///
    /// # Errors
    /// [`RenderError::Internal`]: nothing more can be written.
    fn write(&mut self, rows: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RenderError>;

    /// Appends what was held back, and the end. Nothing may be written afterwards.
    ///
    /// # Errors
    /// [`RenderError::Internal`]: the end cannot be written.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RenderError>;
}
