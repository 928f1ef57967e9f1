//! The payload of a log frame.
//!
//! ```text
//! bucket id     varint
//! batches       one after the other to the end of the payload, each of one measurement
//! ```
//!
//! No measurement occurs twice: a frame is made of scratch columns, one set per measurement, and the
//! frame's sequence alone decides which rows leave the buffer and which stay.
//!
//! A frame stands alone (design decision D3): it refers to nothing defined elsewhere but the
//! bucket's id. A frame without batches is a barrier: it becomes durable after all frames before it.

use std::collections::HashSet;

use thiserror::Error;

use crate::columnar::{Batch, DecodeError, put_varint, take_varint};
use crate::id::BucketId;

/// What most lines take that are alone in a frame, in bytes.
const LINE_BYTES: usize = 512;

/// The reason why the payload of a frame cannot be decoded.
#[derive(Debug, Error)]
pub enum FrameError {
    /// It ends too early.
    #[error("the bucket id is cut off")]
    BucketId,
    /// A batch in it is damaged.
    #[error("a batch is damaged: {0}")]
    Batch(#[from] DecodeError),
}

/// The contents of a frame of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameDescription {
    /// The bucket that it is for.
    pub bucket: BucketId,
    /// The measurements in it, each with its number of rows. Empty for a barrier.
    pub rows: Vec<(String, usize)>,
}

/// Describes the payload of a log frame.
pub fn describe_frame(payload: &[u8]) -> Result<FrameDescription, FrameError> {
    let (bucket, batches) = decode(payload)?;
    let rows = batches
        .iter()
        .map(|batch| (batch.measurement().to_owned(), batch.rows()));
    Ok(FrameDescription {
        bucket,
        rows: rows.collect(),
    })
}

/// Encodes batches of a bucket.
pub(super) fn encode<'a>(
    bucket: BucketId,
    batches: impl IntoIterator<Item = &'a Batch>,
) -> Vec<u8> {
    let mut payload = Vec::with_capacity(LINE_BYTES);
    let mut measurements = HashSet::new();
    put_varint(bucket.0, &mut payload);
    for batch in batches {
        if cfg!(debug_assertions) {
            let is_first = measurements.insert(batch.measurement());
            assert!(is_first, "one batch per measurement");
        }
        batch.encode(&mut payload);
    }
    payload
}

/// Decodes a payload that [`encode`] made.
pub(super) fn decode(payload: &[u8]) -> Result<(BucketId, Vec<Batch>), FrameError> {
    let (bucket, mut rest) = take_varint(payload).ok_or(FrameError::BucketId)?;
    let mut batches = Vec::new();
    while !rest.is_empty() {
        batches.push(Batch::decode(&mut rest)?);
    }
    Ok((BucketId(bucket), batches))
}

#[cfg(test)]
mod tests {
    use super::{decode, describe_frame, encode};
    use crate::columnar::{BatchBuilder, FieldType, FieldValue};
    use crate::id::BucketId;

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        let batch = |measurement| {
            let mut builder = BatchBuilder::new(measurement);
            let series = builder.series(&[("room", "Kitchen")]);
            let temp = builder.field_column("temp", FieldType::Float);
            builder.push_row(series, 5, &[(temp, FieldValue::Float(21.5))]);
            builder.finish()
        };
        let payload = encode(BucketId(300), [&batch("home"), &batch("yard")]);
        let described = describe_frame(&payload).expect("whole");
        let rows = ["home", "yard"].map(|name| (name.to_owned(), 1));
        assert_eq!(described.rows, rows);
        let (bucket, batches) = decode(&payload).expect("whole");
        assert_eq!((bucket, batches.len()), (BucketId(300), 2));
        assert!(decode(&payload[..payload.len() - 1]).is_err());
        assert!(decode(&[0x80]).is_err());
        assert_eq!(
            decode(&encode(BucketId(1), [])).expect("a barrier").1.len(),
            0
        );
    }
}
