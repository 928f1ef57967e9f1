use std::io::{Cursor, Read};

use super::cutter::{Batch, CutError, Cutter, Rules};
use super::ledger::Ledger;
use crate::cli::progress::Progress;
use crate::line_protocol::{Parser, Point, Precision};

fn rules(batch_bytes: usize) -> Rules {
    Rules {
        precision: Precision::Nanosecond,
        batch_bytes,
        default_time: 77,
    }
}

/// Gives a few bytes at a time, as a pipe does.
struct Dripping<'a>(Cursor<&'a [u8]>);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let few = buffer.len().min(3);
        self.0.read(&mut buffer[..few])
    }
}

fn cut(text: &[u8], batch_bytes: usize) -> Vec<Batch> {
    let mut cutter = Cutter::new(Dripping(Cursor::new(text)), rules(batch_bytes));
    let mut batches = Vec::new();
    while let Some(batch) = cutter.next().expect("readable") {
        batches.push(batch);
    }
    batches
}

fn texts(batches: &[Batch]) -> Vec<&str> {
    batches
        .iter()
        .map(|batch| std::str::from_utf8(&batch.text).expect("text"))
        .collect()
}

#[test]
fn text_is_cut_behind_points_and_lines_are_counted() {
    let text = b"a f=1 1\n# c\n\nb f=2 2\nc f=\"x\ny\n\" 3\nd f=4 4";
    let batches = cut(text, 1);
    assert_eq!(
        texts(&batches),
        [
            "a f=1 1\n",
            "# c\n\nb f=2 2\n",
            "c f=\"x\ny\n\" 3\n",
            "d f=4 4"
        ]
    );
    let places: Vec<_> = batches
        .iter()
        .map(|b| (b.first_line, b.lines, b.points))
        .collect();
    assert_eq!(places, [(1, 1, 1), (2, 3, 1), (5, 3, 1), (8, 1, 1)]);
    assert_eq!(
        batches.iter().map(|b| b.progress).sum::<u64>(),
        text.len() as u64
    );
    assert_eq!(cut(text, 1 << 20).len(), 1);
    assert!(cut(b"", 10).is_empty());
}

#[test]
fn points_without_a_timestamp_get_one_and_bad_lines_are_left_alone() {
    let text = b"\xef\xbb\xbfa f=1\r\n# c\nb f=2  \nc f=\nd f=3 3\ne f=\"1\n2\"\nf f=4";
    let batches = cut(text, 1 << 20);
    assert_eq!(
        texts(&batches),
        ["\u{feff}a f=1 77\r\n# c\nb f=2   77\nc f=\nd f=3 3\ne f=\"1\n2\" 77\nf f=4 77"]
    );
    let batch = &batches[0];
    assert_eq!((batch.points, batch.lines), (6, 8));
    assert_eq!(batch.progress, text.len() as u64);
}

/// The parser's judgement of a text: the line of each point, and true if it is a bad one. (The
/// words of the reason depend on how much text follows.)
fn judgement(text: &[u8], lines_before: u64) -> Vec<(u64, bool)> {
    let mut parser = Parser::new(text, Precision::Nanosecond);
    let mut point = Point::default();
    let mut found = Vec::new();
    while let Some(parsed) = parser.next_point(&mut point) {
        found.push(match parsed {
            Ok(()) => (lines_before + u64::from(point.line), false),
            Err(error) => (lines_before + u64::from(error.line), true),
        });
    }
    found
}

#[test]
fn batches_are_judged_as_the_whole_would_be_wherever_they_are_cut() {
    let text =
        b"a f=1 1\nb f=\"x\ny\" 2\nc f=\"stray 3\nd f=4 4\ne s=\"q\" 5\nf f=\"un\nclosed 6\n\
                 g f=7 7\ng f=\"stray 7\ng f=\" blank\" 7\nh f=\xff 8\ni f=\"\xff\n\" 9\nj f=10 10\nk f=\"\\\"\n\\\\\" 11\n";
    let whole = judgement(text, 0);
    assert_eq!(
        whole.iter().filter(|(_, is_bad)| *is_bad).count(),
        7,
        "{whole:?}"
    );
    for batch_bytes in 1..text.len() {
        let batches = cut(text, batch_bytes);
        let parts: Vec<_> = batches
            .iter()
            .flat_map(|batch| judgement(&batch.text, batch.first_line - 1))
            .collect();
        assert_eq!(parts, whole, "{batch_bytes}");
        let points: u64 = batches.iter().map(|batch| batch.points).sum();
        assert_eq!(points, whole.len() as u64);
    }
}

#[test]
fn a_string_that_is_longer_than_a_batch_is_not_taken_for_unterminated() {
    let long = "0123456789\n".repeat(50_000);
    let good = "b f=1 1\n".repeat(30_000);
    let text = format!("a s=\"{long}\" 1\n{good}c s=\"stray 1\n{good}d s=\"{long}\" 2\n");
    let whole = judgement(text.as_bytes(), 0);
    assert_eq!(whole.iter().filter(|(_, is_bad)| *is_bad).count(), 1);
    let batches = cut(text.as_bytes(), 50_000);
    assert!(batches.len() > 10 && batches[0].lines == 50_001);
    let parts: Vec<_> = batches
        .iter()
        .flat_map(|batch| judgement(&batch.text, batch.first_line - 1))
        .collect();
    assert!(parts == whole);
}

#[test]
fn a_batch_of_very_short_lines_is_bounded_too() {
    let batches = cut(&b"x\n".repeat(45_000), 1 << 20);
    let points: Vec<u64> = batches.iter().map(|batch| batch.points).collect();
    assert_eq!(points, [20_000, 20_000, 5_000]);
}

#[test]
fn a_line_without_end_is_an_error_and_not_all_memory() {
    let endless = std::io::repeat(b'x');
    let error = Cutter::new(endless, rules(1024))
        .next()
        .expect_err("no line");
    assert!(matches!(error, CutError::LineTooLong), "{error}");
}

/// The thread that delivers a batch may end by a panic: the rest of the import must not be a success.
#[test]
#[should_panic(expected = "every batch comes back")]
fn an_import_that_lost_a_batch_does_not_end_well() {
    let ledger = Ledger::new(vec!["a.lp".to_owned()]);
    let _ = ledger.close(&Progress::hidden(), false);
}
