//! Rows on their way to the client: encoded, in messages that every client accepts, and never
//! silent for long.

use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::encode::{
    FlightDataEncoder, FlightDataEncoderBuilder, GRPC_TARGET_MAX_FLIGHT_SIZE_BYTES,
};
use arrow_flight::error::FlightError;
use arrow_flight::utils::batches_to_flight_data;
use arrow_schema::SchemaRef;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use tidegate_query::{Answer, Record};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tonic::Status;

use super::asks::Rows;
use super::call::Call;
use super::pace::{Maker, Messages, PACE, paced};
use super::{status, trailers};

/// The silence after which an empty batch is sent: proxies and clients give up on silent streams.
const SILENCE: Duration = Duration::from_secs(5);

/// Sends an answer. Ready once the first rows are there, or the answer is empty, or has failed:
/// nothing is sent to the client before that.
pub(super) async fn of_answer(
    mut answer: Answer,
    call: &Call,
    maker: Maker,
) -> Result<Messages, Status> {
    let schema = answer.schema().clone();
    let waiting = answer.waiting();
    let first = call.within(first_rows(&mut answer)).await?;
    let (tell, told) = oneshot::channel();
    let rest = stream::try_unfold((answer, tell), |(mut answer, tell)| async move {
        let batch = answer.next_batch().await.map_err(status::of_query)?;
        if batch.is_none()
            && let Some(record) = answer.record()
        {
            // The stream may have been dropped.
            let _ = tell.send(record);
            return Ok(None);
        }
        Ok::<_, Status>(batch.map(|batch| (batch, (answer, tell))))
    });
    let batches = stream::iter(first.map(Ok)).chain(rest);
    let mut sending = sending(schema, batches, SILENCE, call)?;
    sending.told = Some(told);
    Ok(awaited(sending.paced(maker), waiting))
}

/// Sends rows, as [`of_answer`].
pub(super) async fn of_rows(rows: Rows, call: &Call, maker: Maker) -> Result<Messages, Status> {
    let Rows {
        schema,
        batches,
        told,
        waiter,
    } = rows;
    let mut batches = batches.map_err(status::of_query);
    let first = call.within(batches.try_next()).await?;
    let batches = stream::iter(first.map(Ok)).chain(batches);
    let mut sending = sending(schema, batches, SILENCE, call)?;
    sending.told = Some(told);
    Ok(awaited(sending.paced(maker), waiter))
}

/// Messages with what tells their question when the client goes away. They are made on threads that may not
/// notice it for long.
fn awaited(messages: Messages, waiting: impl Send + 'static) -> Messages {
    let held = move |_: &Result<FlightData, Status>| {
        let _held = &waiting;
    };
    messages.inspect(held).boxed()
}

/// Sends a batch that is there.
pub(super) fn of_batch(batch: RecordBatch, call: &Call, maker: Maker) -> Result<Messages, Status> {
    let batches = stream::iter([Ok(batch.clone())]);
    send(batch.schema(), batches, SILENCE, (call, maker))
}

async fn first_rows(answer: &mut Answer) -> Result<Option<RecordBatch>, Status> {
    loop {
        let batch = answer.next_batch().await.map_err(status::of_query)?;
        if batch.as_ref().is_none_or(|batch| batch.num_rows() > 0) {
            return Ok(batch);
        }
    }
}

/// Sends the schema, then batches, and an empty batch after each `silence`. These threads encode them.
fn send(
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, Status>> + Send + 'static,
    silence: Duration,
    (call, maker): (&Call, Maker),
) -> Result<Messages, Status> {
    Ok(sending(schema, batches, silence, call)?.paced(maker))
}

fn sending(
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, Status>> + Send + 'static,
    silence: Duration,
    call: &Call,
) -> Result<Sending, Status> {
    let pieces = batches.map(|batch| batch.and_then(|batch| pieces(&batch)));
    let pieces = pieces.map_ok(|pieces| stream::iter(pieces).map(Ok::<_, Status>));
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        // It would count the whole of a batch of which a piece is a part.
        .with_max_flight_data_size(usize::MAX)
        .build(pieces.try_flatten().map_err(FlightError::from));
    Ok(Sending {
        sign_of_life: sign_of_life(&encoder)?,
        encoder,
        call: call.clone(),
        silence,
        told: None,
        is_over: false,
    })
}

/// An answer that is being sent.
struct Sending {
    encoder: FlightDataEncoder,
    /// A batch without rows.
    sign_of_life: FlightData,
    call: Call,
    silence: Duration,
    /// Tells at the end what the answer has cost.
    told: Option<oneshot::Receiver<Record>>,
    is_over: bool,
}

impl Sending {
    fn paced(self, maker: Maker) -> Messages {
        let next = |mut sending: Self| async move { Some((sending.next().await?, sending)) };
        paced(stream::unfold(self, next), PACE, maker)
    }

    /// The next message. Nothing follows an error.
    async fn next(&mut self) -> Option<Result<FlightData, Status>> {
        if self.is_over {
            return None;
        }
        let message = tokio::select! {
            biased;
            status = self.call.ended() => Some(Err(status)),
            message = self.encoder.next() => message.map(|message| message.map_err(status::of_flight)),
            () = sleep(self.silence) => Some(Ok(self.sign_of_life.clone())),
        };
        self.is_over = !matches!(message, Some(Ok(_)));
        let Some(message) = message else {
            let record = self.told.as_mut()?.try_recv().ok()?;
            return Some(Err(trailers::of(&record)));
        };
        Some(message)
    }
}

fn sign_of_life(encoder: &FlightDataEncoder) -> Result<FlightData, Status> {
    let missing = || status::internal("the encoder of an answer does not know its schema");
    let schema = encoder.known_schema().ok_or_else(missing)?;
    let empty = RecordBatch::new_empty(schema.clone());
    let mut messages = batches_to_flight_data(&schema, vec![empty]).map_err(status::internal)?;
    messages.pop().ok_or_else(missing)
}

/// The batch in pieces of at most the size of a message, or of one row. None if it has no rows.
fn pieces(batch: &RecordBatch) -> Result<Vec<RecordBatch>, Status> {
    let mut pieces = Vec::new();
    let mut rest = vec![batch.clone()];
    while let Some(piece) = rest.pop() {
        let rows = piece.num_rows();
        if rows > 1 && bytes(&piece)? > GRPC_TARGET_MAX_FLIGHT_SIZE_BYTES {
            let half = rows / 2;
            rest.push(piece.slice(half, rows - half));
            rest.push(piece.slice(0, half));
        } else if rows > 0 {
            pieces.push(piece);
        }
    }
    Ok(pieces)
}

/// The bytes of these rows alone: the batch may be a slice of a larger one.
fn bytes(batch: &RecordBatch) -> Result<usize, Status> {
    let columns = batch.columns().iter();
    let sizes = columns.map(|column| column.to_data().get_slice_memory_size());
    sizes.sum::<Result<usize, _>>().map_err(status::internal)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use arrow_flight::FlightData;
    use arrow_flight::utils::flight_data_to_batches;
    use futures_util::stream::{self, StreamExt};
    use tokio_util::sync::CancellationToken;
    use tonic::{Code, Request, Status};

    use super::{Call, Maker, pieces, send};
    use crate::auth::Identity;
    use crate::flight::tests::maker;

    fn call(cut: &CancellationToken) -> Call {
        let mut request = Request::new(());
        request.extensions_mut().insert(Identity::Anyone);
        Call::of(&request, cut).expect("a call")
    }

    fn numbers(count: i64) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
        RecordBatch::try_from_iter([("n", numbers)]).expect("a batch")
    }

    #[test]
    fn a_batch_is_cut_by_the_bytes_of_its_own_rows() {
        let large = numbers(1_000_000);
        let cut = pieces(&large).expect("cut");
        assert_eq!(cut.len(), 4, "8 MB in messages of at most 2 MiB");
        assert_eq!(
            cut.iter().map(RecordBatch::num_rows).sum::<usize>(),
            1_000_000
        );
        let slice = large.slice(500_000, 1000);
        assert_eq!(pieces(&slice).expect("small"), [slice]);
        assert!(pieces(&numbers(0)).expect("empty").is_empty());
        let wide: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(3 << 20), String::new()]));
        let wide = RecordBatch::try_from_iter([("s", wide)]).expect("a batch");
        let rows: Vec<_> = pieces(&wide).expect("cut");
        assert_eq!(rows.len(), 2, "a row is not cut");
    }

    #[tokio::test]
    async fn a_silent_answer_shows_signs_of_life_after_its_schema() {
        let cut = CancellationToken::new();
        let (go_on, hold) = tokio::sync::oneshot::channel();
        let slow = stream::once(async {
            hold.await.expect("told to go on");
            Ok(numbers(3))
        });
        let silence = Duration::from_millis(5);
        let messages = send(numbers(0).schema(), slow, silence, (&call(&cut), maker()));
        let mut messages = messages
            .expect("a stream")
            .map(|message| message.expect("sent"));
        let mut seen: Vec<FlightData> = messages.by_ref().take(3).collect().await;
        go_on.send(()).expect("waiting");
        seen.extend(messages.collect::<Vec<_>>().await);
        let batches = flight_data_to_batches(&seen).expect("a stream that clients read");
        let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows.first_chunk(), Some(&[0, 0]), "after the schema");
        assert_eq!(rows.last(), Some(&3));
    }

    /// From a bug: the threads that serve connections encoded the rows, before all writes.
    #[tokio::test]
    async fn rows_are_encoded_by_the_threads_of_questions() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("questions")
            .enable_all()
            .build()
            .expect("a thread");
        let (told, by) = tokio::sync::oneshot::channel();
        let rows = stream::once(async move {
            let thread = std::thread::current();
            told.send(thread.name().map(str::to_owned))
                .expect("somebody waits");
            Ok(numbers(3))
        });
        let second = Duration::from_secs(1);
        let call = call(&CancellationToken::new());
        let messages = send(
            numbers(0).schema(),
            rows,
            second,
            (
                &call,
                Maker {
                    threads: runtime.handle().clone(),
                    ..maker()
                },
            ),
        );
        let messages: Vec<_> = messages.expect("a stream").collect().await;
        assert_eq!(messages.len(), 2);
        assert_eq!(by.await.expect("told").as_deref(), Some("questions"));
        runtime.shutdown_background();
    }

    #[tokio::test]
    async fn nothing_follows_an_error_and_a_stop_is_one() {
        let cut = CancellationToken::new();
        let failing = stream::iter([
            Ok(numbers(1)),
            Err(Status::resource_exhausted("x")),
            Ok(numbers(1)),
        ]);
        let second = Duration::from_secs(1);
        let messages =
            send(numbers(0).schema(), failing, second, (&call(&cut), maker())).expect("a stream");
        let codes: Vec<_> = messages.map(|m| m.err().map(|e| e.code())).collect().await;
        assert_eq!(codes, [None, None, Some(Code::ResourceExhausted)]);
        let endless = stream::pending();
        let mut messages =
            send(numbers(0).schema(), endless, second, (&call(&cut), maker())).expect("a stream");
        assert!(messages.next().await.expect("the schema").is_ok());
        cut.cancel();
        let error = messages.next().await.expect("an end").expect_err("stopped");
        assert_eq!(error.code(), Code::Unavailable);
        assert!(messages.next().await.is_none());
    }
}
