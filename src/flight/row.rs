//! The row of values that a client wrote, in messages of Arrow IPC.
//!
//! ```text
//! header ─ verified ─ types that a value may have ─ lengths within the body ─ arrow's reader
//! ```
//!
//! Promises: whatever the bytes are, they are read or refused, and nothing takes more memory than they
//! have. The reader of arrow cannot promise that: it trusts its messages, takes the memory that they
//! claim (which ends the process if there is not so much), and panics at a length beyond the body and
//! at types that it does not know. So it gets only messages whose every claim was held against their
//! bytes. There is no compression, since what it would become is a claim too; and neither nested
//! values nor dictionaries, which parameters of questions have no use for.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::RecordBatchDecoder;
use arrow_ipc::{Message, MessageHeader, root_as_message};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use thiserror::Error;

use super::value_type;
use crate::narrow;

/// The mark at the beginning of a message in a stream.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// The reason for which a row of values is refused.
#[derive(Debug, Error)]
pub(super) enum RowError {
    #[error("the values cannot be read: {0}")]
    Unreadable(&'static str),
    #[error("the values cannot be read: {0}")]
    Arrow(#[from] ArrowError),
    #[error("the values cannot be read: they are compressed; send them without compression")]
    Compressed,
    #[error(
        "the value \"{0}\" has a type that cannot be bound: a value is a number, a text, bytes, a bool \
         or a time, and no list and no dictionary"
    )]
    Type(String),
    #[error("one row of values is bound at a time")]
    Rows,
}

/// Reads the one row of a stream, message by message.
#[derive(Debug, Default)]
pub(super) struct RowReader {
    schema: Option<SchemaRef>,
    row: Option<RecordBatch>,
}

impl RowReader {
    /// The row of a whole stream; none if it has no rows.
    pub(super) fn of_stream(mut stream: &[u8]) -> Result<Option<RecordBatch>, RowError> {
        let mut reader = Self::default();
        while let Some(header) = next_header(&mut stream)? {
            let message = message(header)?;
            let body = usize::try_from(message.bodyLength()).ok();
            let body = body.and_then(|bytes| stream.split_off(..bytes));
            let body = body.ok_or(RowError::Unreadable("a message is cut short"))?;
            reader.take(&message, body)?;
        }
        Ok(reader.finish())
    }

    /// Reads a message that came in two parts.
    pub(super) fn message(&mut self, header: &[u8], body: &[u8]) -> Result<(), RowError> {
        match header.is_empty() {
            // It carries a descriptor alone.
            true => Ok(()),
            false => self.take(&message(header)?, body),
        }
    }

    /// The row; none if there was none.
    pub(super) fn finish(self) -> Option<RecordBatch> {
        self.row
    }

    fn take(&mut self, message: &Message<'_>, body: &[u8]) -> Result<(), RowError> {
        match message.header_type() {
            MessageHeader::NONE => Ok(()),
            MessageHeader::Schema if self.schema.is_none() => {
                self.schema = Some(schema(message)?);
                Ok(())
            }
            MessageHeader::RecordBatch => self.batch(message, body),
            _ => Err(RowError::Unreadable(
                "a message is neither a schema nor rows, or is a second schema",
            )),
        }
    }

    fn batch(&mut self, message: &Message<'_>, body: &[u8]) -> Result<(), RowError> {
        let schema = self.schema.as_ref();
        let schema = schema.ok_or(RowError::Unreadable("there are rows before their schema"))?;
        let batch = message.header_as_record_batch();
        let batch = batch.ok_or(RowError::Unreadable("rows have no content"))?;
        match (batch.length(), &self.row) {
            (0, _) => return Ok(()),
            (1, None) => {}
            _ => return Err(RowError::Rows),
        }
        check(&batch, schema, body)?;
        let (data, version) = (Buffer::from(body), message.version());
        let dictionaries = HashMap::new();
        let decoder =
            RecordBatchDecoder::try_new(&data, batch, Arc::clone(schema), &dictionaries, &version)?;
        self.row = Some(decoder.read_record_batch()?);
        Ok(())
    }
}

/// The header of the next message of a stream, whose body follows; none at the end. Old writers leave
/// the mark out.
fn next_header<'a>(stream: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RowError> {
    let cut = RowError::Unreadable("a message is cut short");
    if stream.is_empty() {
        return Ok(None);
    }
    let unmarked = stream.strip_prefix(&CONTINUATION).unwrap_or(stream);
    let Some((bytes, rest)) = unmarked.split_first_chunk() else {
        return Err(cut);
    };
    *stream = rest;
    let bytes = usize::try_from(u32::from_le_bytes(*bytes)).ok();
    match bytes {
        Some(0) => Ok(None),
        bytes => {
            let header = bytes.and_then(|bytes| stream.split_off(..bytes));
            header.map(Some).ok_or(cut)
        }
    }
}

fn message(header: &[u8]) -> Result<Message<'_>, RowError> {
    root_as_message(header).map_err(|_| RowError::Unreadable("a header is no message"))
}

fn schema(message: &Message<'_>) -> Result<SchemaRef, RowError> {
    let schema = message.header_as_schema();
    let schema = schema.ok_or(RowError::Unreadable("a schema has no content"))?;
    if schema.endianness() != arrow_ipc::Endianness::Little {
        return Err(RowError::Unreadable(
            "the bytes of numbers are turned round",
        ));
    }
    let fields = schema.fields().into_iter().flatten();
    let fields = fields.map(|field| {
        let name = field.name().unwrap_or_default();
        value_type::of(&field).ok_or_else(|| RowError::Type(name.to_owned()))
    });
    Ok(Arc::new(Schema::new(
        fields.collect::<Result<Vec<_>, _>>()?,
    )))
}

/// Holds what a message of one row claims against its body.
fn check(batch: &arrow_ipc::RecordBatch<'_>, schema: &Schema, body: &[u8]) -> Result<(), RowError> {
    if batch.compression().is_some() {
        return Err(RowError::Compressed);
    }
    let length = narrow::to_u64(body.len());
    let mut buffers = batch.buffers().into_iter().flatten();
    let within = buffers.all(|buffer| {
        let (from, bytes) = (buffer.offset(), buffer.length());
        let (from, bytes) = (u64::try_from(from), u64::try_from(bytes));
        from.ok()
            .zip(bytes.ok())
            .is_some_and(|(from, bytes)| from.checked_add(bytes).is_some_and(|end| end <= length))
    });
    match within && fits(batch, schema).is_some() {
        true => Ok(()),
        false => Err(RowError::Unreadable(
            "a message claims other lengths than it has",
        )),
    }
}

/// Holds the parts of a message of one row against its columns: each column has a node and buffers of
/// its own, a missing value has the bit that says so, and what is read as numbers holds whole ones. None
/// if they do not fit.
fn fits(batch: &arrow_ipc::RecordBatch<'_>, schema: &Schema) -> Option<()> {
    let mut nodes = batch.nodes().into_iter().flatten();
    let mut buffers = batch.buffers().into_iter().flatten();
    let mut counts = batch.variadicBufferCounts().into_iter().flatten();
    for field in schema.fields() {
        let node = nodes.next()?;
        let nulls = node.null_count();
        if node.length() != 1 || !matches!(nulls, 0 | 1) {
            return None;
        }
        let (bytes_each, others) = match field.data_type() {
            DataType::Null => continue,
            DataType::Utf8 | DataType::Binary => (4, 1),
            DataType::LargeUtf8 | DataType::LargeBinary => (8, 1),
            DataType::Utf8View | DataType::BinaryView => (16, counts.next()?),
            _ => (1, 0),
        };
        let (bits, numbers) = (buffers.next()?, buffers.next()?);
        let has_bit = nulls == 0 || bits.length() > 0;
        if !has_bit || numbers.length() % bytes_each != 0 || others < 0 {
            return None;
        }
        for _ in 0..others {
            buffers.next()?;
        }
    }
    let is_all = nodes.next().is_none() && buffers.next().is_none() && counts.next().is_none();
    is_all.then_some(())
}
