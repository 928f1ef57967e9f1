//! Answers that end well, end badly, and are not taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::{Int64Array, RecordBatch};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body::Body as _;
use http_body_util::BodyExt;

use super::{Cut, Handle, PIECES_AHEAD, Pieces, QueryError, begin_rows as begin};
use crate::render::{Format, renderer};

fn rows(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    let values = Int64Array::from_iter_values(values);
    RecordBatch::try_from_iter([("n", Arc::new(values) as _)]).expect("rows")
}

type Batches = Vec<Result<RecordBatch, QueryError>>;

async fn of(format: Format, batches: Batches) -> Result<Pieces, Cut> {
    let renderer = renderer(format, &rows([]).schema()).expect("there is room");
    begin(stream::iter(batches), renderer, &Handle::current()).await
}

/// All bytes of an answer, piece by piece.
async fn taken(pieces: Result<Pieces, Cut>) -> Vec<Bytes> {
    let pieces = pieces.expect("begins").into_data_stream();
    pieces.try_collect().await.expect("whole")
}

fn failing() -> Result<RecordBatch, QueryError> {
    Err(QueryError::Exhausted("no more".to_owned()))
}

#[tokio::test]
async fn an_answer_is_whole_or_says_that_it_is_not() {
    let pieces = of(
        Format::Json,
        vec![Ok(rows([])), Ok(rows([1])), Ok(rows([2]))],
    )
    .await;
    let pieces = taken(pieces).await;
    assert_eq!(pieces.concat(), br#"[{"n":1},{"n":2}]"#);

    let pieces = of(Format::Json, vec![Ok(rows([1])), failing()]).await;
    let mut pieces = pieces.expect("begins").into_data_stream();
    let first = pieces.next().await.expect("a piece").expect("no error");
    assert_eq!(first, br#"[{"n":1}"#.as_slice());
    let second = pieces.next().await.expect("no clean end");
    assert!(matches!(second, Err(Cut::Query(QueryError::Exhausted(_)))));
    assert!(pieces.next().await.is_none());
}

#[tokio::test]
async fn an_answer_that_fails_before_its_first_piece_does_not_begin() {
    for batches in [vec![failing()], vec![Ok(rows([])), failing()]] {
        let cut = of(Format::Json, batches).await.expect_err("fails");
        assert!(matches!(cut, Cut::Query(QueryError::Exhausted(_))), "{cut}");
    }
    // A table and a file hold their first rows back.
    for format in [Format::Table, Format::Parquet] {
        let batches = vec![Ok(rows([1])), failing()];
        assert!(of(format, batches).await.is_err(), "{format:?}");
    }
}

#[tokio::test]
async fn an_answer_without_bytes_ends_cleanly() {
    let pieces = of(Format::Lines, vec![]).await;
    assert!(taken(pieces).await.is_empty());
}

/// It leaves at once, and with its length.
#[tokio::test]
async fn the_last_bytes_are_the_last_piece() {
    let pieces = of(Format::Json, vec![]).await.expect("begins");
    assert!(!pieces.is_end_stream());
    assert_eq!(pieces.size_hint().exact(), Some(2));
    assert_eq!(taken(Ok(pieces)).await, [b"[]".as_slice()]);

    let mut pieces = of(Format::Json, vec![Ok(rows([1]))]).await.expect("begins");
    assert_eq!(pieces.size_hint().exact(), None, "the rest is not known");
    let first = pieces.frame().await.expect("a piece").expect("no error");
    assert_eq!(first.into_data().expect("bytes"), br#"[{"n":1}"#.as_slice());
    assert!(!pieces.is_end_stream());
    let last = pieces.frame().await.expect("a piece").expect("no error");
    assert_eq!(last.into_data().expect("bytes"), b"]".as_slice());
    assert!(pieces.is_end_stream(), "nobody is woken for the end alone");
}

/// A stream that panics, as the code of a library may.
#[tokio::test]
async fn a_thread_that_dies_is_no_clean_end() {
    let batches = stream::iter([1, 2]).map(|n| match n {
        1 => Ok(rows([1])),
        _ => panic!("as if by a fault of ours"),
    });
    let renderer = renderer(Format::Json, &rows([]).schema()).expect("there is room");
    let pieces = begin(batches, renderer, &Handle::current()).await;
    let mut pieces = pieces.expect("begins").into_data_stream();
    assert!(pieces.next().await.expect("a piece").is_ok());
    assert!(matches!(pieces.next().await, Some(Err(Cut::Off))));
    assert!(pieces.next().await.is_none());
}

/// From a bug: answers were written by threads that came before writes.
#[tokio::test]
async fn an_answer_is_written_by_the_threads_of_questions() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("questions")
        .enable_all()
        .build()
        .expect("a thread");
    let (told, by) = tokio::sync::oneshot::channel();
    let batches = stream::once(async move {
        let thread = std::thread::current();
        let name = thread.name().map(str::to_owned);
        told.send(name).expect("somebody waits");
        Ok(rows([1]))
    });
    let renderer = renderer(Format::Lines, &rows([]).schema()).expect("there is room");
    let pieces = begin(batches, renderer, runtime.handle()).await;
    let pieces = taken(pieces).await;
    assert_eq!(pieces.concat(), b"{\"n\":1}\n");
    assert_eq!(by.await.expect("told").as_deref(), Some("questions"));
    runtime.shutdown_background();
}

/// Counts itself for as long as it lives.
struct Held(Arc<()>);

#[tokio::test]
async fn rows_are_read_as_they_are_taken_and_not_after_the_client_has_gone() {
    let (asked, held) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let (count, alive) = (Arc::clone(&asked), Held(Arc::clone(&held)));
    // The last batch never comes: only the client's going ends that.
    let batches = stream::unfold(alive, move |alive| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if number > 20 {
                std::future::pending::<()>().await;
            }
            assert_eq!(Arc::strong_count(&alive.0), 2);
            Some((Ok(rows([1])), alive))
        }
    });
    let renderer = renderer(Format::Lines, &rows([]).schema()).expect("there is room");
    let pieces = begin(batches, renderer, &Handle::current()).await;
    let mut pieces = pieces.expect("begins").into_data_stream();
    // One was taken, some wait, and the next one is made and cannot be handed over.
    while asked.load(Ordering::SeqCst) < PIECES_AHEAD + 2 {
        tokio::task::yield_now().await;
    }
    for taken in 0..21_usize {
        let made = taken.max(1) + PIECES_AHEAD + 1;
        assert!(asked.load(Ordering::SeqCst) <= made, "after {taken}");
        assert!(pieces.next().await.expect("a piece").is_ok());
    }
    drop(pieces);
    while Arc::strong_count(&held) > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
