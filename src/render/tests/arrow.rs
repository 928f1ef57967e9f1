//! The Arrow stream, read back as it was written.

use arrow_array::RecordBatch;
use bytes::Bytes;

use super::{Format, kinds, nested, pieces};
use crate::render::{ReadError, Reader};

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    pieces(Format::Arrow, &batches[0].schema(), batches).concat()
}

/// The rows of a stream that comes in pieces of this many bytes.
fn read(stream: &[u8], bytes: usize) -> Result<Vec<RecordBatch>, ReadError> {
    let mut reader = Reader::default();
    let mut batches = Vec::new();
    for piece in stream.chunks(bytes) {
        batches.extend(reader.read(Bytes::copy_from_slice(piece))?);
    }
    reader.finish()?;
    Ok(batches)
}

#[test]
fn a_stream_gives_the_rows_back_however_its_bytes_come() {
    let stream = stream(&[kinds(), kinds()]);
    for bytes in [1, 7, 64, stream.len()] {
        let batches = read(&stream, bytes).expect("a stream");
        assert_eq!(batches, [kinds(), kinds()], "{bytes}");
    }
}

#[test]
fn a_stream_without_rows_has_its_columns() {
    for batch in [kinds().slice(0, 0), RecordBatch::new_empty(nested())] {
        let mut reader = Reader::default();
        let read = reader.read(stream(std::slice::from_ref(&batch)).into());
        assert!(
            read.expect("a stream")
                .iter()
                .all(|rows| rows.num_rows() == 0)
        );
        reader.finish().expect("whole");
        assert_eq!(reader.schema(), Some(batch.schema()));
    }
}

#[test]
fn what_is_cut_or_something_else_is_no_stream() {
    let stream = stream(&[kinds()]);
    for length in [0, 3, stream.len() / 2] {
        let cut = read(&stream[..length], 64);
        assert!(matches!(cut, Err(ReadError::Short)), "{length}: {cut:?}");
    }
    let other = read(b"{\"error\":\"this is JSON and no stream\"}", 1000);
    assert!(other.is_err(), "{other:?}");
}
