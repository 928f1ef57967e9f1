//! Rows of values that a client wrote to do harm. What they claim is never taken at its word: neither
//! the memory for it is, nor do the threads end that read it.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, StringViewArray, TimestampNanosecondArray,
};
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandPreparedStatementQuery, ProstMessageExt};
use arrow_flight::utils::batches_to_flight_data;
use arrow_flight::{FlightData, FlightDescriptor};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use prost::Message;
use tidegate_query::{Parameter, Parameters};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::plain;
use crate::flight::messages::TicketContents;
use crate::flight::values::{Values, write};
use crate::storage::fault::SplitMix;

/// Lengths that no message has.
const CLAIMS: [i64; 5] = [1 << 62, 1 << 31, 1 << 24, i64::MAX, -1];

fn row() -> RecordBatch {
    let long = "text".repeat(20);
    let columns: [(&str, ArrayRef); 7] = [
        ("a", Arc::new(Int64Array::from(vec![7]))),
        ("b", Arc::new(StringArray::from(vec![long.as_str()]))),
        ("c", Arc::new(TimestampNanosecondArray::from(vec![None]))),
        ("d", Arc::new(StringViewArray::from(vec![long.as_str()]))),
        ("e", Arc::new(LargeStringArray::from(vec![Some("x")]))),
        ("f", Arc::new(BooleanArray::from(vec![Some(true)]))),
        ("g", Arc::new(Decimal128Array::from(vec![5]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .expect("a row")
}

/// What a handle with this stream of values leads to.
fn bind(stream: &[u8]) -> Result<Parameters, Status> {
    let parameters = ["1", "2", "3", "4", "5", "6", "7"].map(|name| Parameter {
        name: name.to_owned(),
        data_type: None,
    });
    Values::of_stream(Bytes::copy_from_slice(stream)).bind(&parameters)
}

/// These bytes with others in this place.
fn patched(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let end = (at + patch.len()).min(bytes.len());
    bytes[at..end].copy_from_slice(&patch[..end - at]);
    bytes
}

/// From a bug: the length of a body was taken from the client, and asked of the allocator, whose refusal
/// ends the process.
#[test]
fn a_length_that_is_claimed_in_a_handle_costs_nothing() {
    let stream = write(&row()).expect("written");
    bind(&stream).expect("the row is bound as it is");
    let mut refused = 0;
    for at in 0..stream.len() {
        for claim in CLAIMS {
            refused += usize::from(bind(&patched(&stream, at, &claim.to_le_bytes())).is_err());
            let short = claim.to_le_bytes();
            refused += usize::from(bind(&patched(&stream, at, &short[..4])).is_err());
        }
    }
    assert!(refused > stream.len(), "{refused} of {}", stream.len());
}

#[test]
fn a_handle_that_is_cut_short_has_no_values() {
    let stream = write(&row()).expect("written");
    // The last eight bytes say that nothing follows.
    for end in 1..stream.len() - 8 {
        let error = bind(&stream[..end]).expect_err("cut short");
        assert_eq!(error.code(), Code::InvalidArgument, "{end}: {error}");
    }
}

#[test]
fn whatever_the_bytes_of_a_handle_are_nothing_panics() {
    let stream = write(&row()).expect("written");
    let mut random = SplitMix::new(11);
    let mut below = |count: usize| random.below(count);
    let mut refused = 0;
    for _ in 0..50_000 {
        let mut bytes = stream.to_vec();
        for _ in 0..=below(4) {
            let at = below(bytes.len());
            bytes[at] ^= 1 << below(8);
        }
        refused += usize::from(bind(&bytes).is_err());
        let garbage: Vec<u8> = (0..below(200)).map(|_| bytes[below(bytes.len())]).collect();
        refused += usize::from(!garbage.is_empty() && bind(&garbage).is_err());
    }
    assert!(refused > 50_000, "{refused}");
}

#[test]
fn compressed_rows_and_several_rows_are_refused() {
    let stream = |row: &RecordBatch, compression| {
        let options = IpcWriteOptions::default().try_with_compression(compression);
        let mut bytes = Vec::new();
        let writer = StreamWriter::try_new_with_options(
            &mut bytes,
            &row.schema(),
            options.expect("there is this compression"),
        );
        let mut writer = writer.expect("a writer");
        writer.write(row).expect("written");
        writer.finish().expect("finished");
        drop(writer);
        bytes
    };
    let one = row();
    let two: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let two = RecordBatch::try_from_iter([("a", two)]).expect("rows");
    bind(&stream(&one, None)).expect("bound");
    let refused = [
        (stream(&one, Some(CompressionType::LZ4_FRAME)), "compress"),
        (stream(&two, None), "one row"),
    ];
    for (stream, text) in refused {
        let error = bind(&stream).expect_err("refused");
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains(text), "{error}");
    }
}

/// Binds the row of these messages.
async fn put(client: &mut FlightServiceClient<Channel>, mut data: Vec<FlightData>) -> Code {
    let asked = TicketContents {
        database: "b".to_owned(),
        query: "SELECT ?, ?, ?, ?, ?, ?, ?".to_owned(),
        ..TicketContents::default()
    };
    let prepared = CommandPreparedStatementQuery {
        prepared_statement_handle: asked.encode_to_vec().into(),
    };
    let command = FlightDescriptor::new_cmd(prepared.as_any().encode_to_vec());
    data[0].flight_descriptor = Some(command);
    let answer = client.do_put(futures_util::stream::iter(data)).await;
    answer.map_or_else(|error| error.code(), |_| Code::Ok)
}

#[tokio::test]
async fn a_length_that_is_claimed_while_values_are_bound_costs_nothing() {
    let mut client = plain().await;
    let row = row();
    let data = batches_to_flight_data(&row.schema(), vec![row]).expect("messages");
    assert_eq!(put(&mut client, data.clone()).await, Code::Ok);
    for message in 0..data.len() {
        for at in (0..data[message].data_header.len()).step_by(4) {
            for claim in CLAIMS {
                let mut data = data.clone();
                let header = &data[message].data_header;
                data[message].data_header = patched(header, at, &claim.to_le_bytes()).into();
                let code = put(&mut client, data).await;
                let known = [Code::Ok, Code::InvalidArgument].contains(&code);
                assert!(known, "{code:?}: message {message}, {claim} at {at}");
            }
        }
    }
}
