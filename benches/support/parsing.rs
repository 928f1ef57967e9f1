//! The parts of parsing that benches measure.

use std::hint::black_box;

use tidegate::columnar::Batch;
use tidegate::ingest::{Options, columns};
use tidegate::line_protocol::{Parser, Point, Precision};

/// Parses to points, and returns the number of good ones.
pub fn points(body: &[u8]) -> usize {
    let mut parser = Parser::new(body, Precision::Nanosecond);
    let mut point = Point::default();
    let mut points = 0;
    while let Some(read) = parser.next_point(&mut point) {
        points += usize::from(read.is_ok());
        black_box(&point);
    }
    points
}

/// Parses to columns, and returns the number of rows.
pub fn rows(body: &[u8], options: &Options) -> usize {
    let columns = black_box(columns(body, Precision::Nanosecond, options));
    columns.batches.iter().map(Batch::rows).sum()
}
