//! A check says what a server with an empty bucket answers, whatever the text and however it
//! comes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::support::{LIMITS, NOW_NS, World};
use crate::ingest::{Check, CheckError, Checked, Limits, LineReport, Options, WriteOutcome};
use crate::line_protocol::Precision;
use crate::storage::FaultStorage;

const TIGHT: Limits = Limits {
    point_bytes_max: 60,
    string_bytes_max: 8,
    name_bytes_max: 6,
    tag_value_bytes_max: 8,
    columns_max: 4,
    tables_max: 3,
    series_max: 5,
    schema_bytes_max: 2000,
    integer_into_float: true,
    schemas_bytes_max: 1 << 20,
};

fn check(limits: Limits) -> Check {
    // As `World` has them.
    let options = Options {
        limits,
        slice_bytes_max: 4096,
        inline_bytes_max: 1024,
        bucket_bytes_max: 128 << 20,
        log_bytes_max: 1 << 30,
    };
    Check::new(options, Precision::Nanosecond, NOW_NS)
}

/// Checks a body that comes in steps of this many bytes.
fn checked(limits: Limits, body: &[u8], step: usize) -> (u64, u64, Vec<LineReport>) {
    let mut check = check(limits);
    let (mut start, mut end) = (0, 0);
    let (mut accepted, mut rejected, mut reports) = (0, 0, Vec::new());
    loop {
        let text = &body[start..end];
        match check
            .slice(text, end == body.len())
            .expect("lines are short")
        {
            Some(slice) => {
                start += slice.bytes;
                accepted += slice.accepted;
                rejected += slice.rejected;
                reports.extend(slice.reports);
            }
            None if end == body.len() => return (accepted, rejected, reports),
            None => end = body.len().min(end + step),
        }
    }
}

fn written(limits: Limits, body: &str) -> WriteOutcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("threads");
    runtime.block_on(async {
        let world = World::with(FaultStorage::new(1), limits);
        world.write(body).await
    })
}

fn lines() -> impl Strategy<Value = String> {
    let lines: &[&str] = &[
        "m f=1 1",
        "m f=1i 2",
        "m,t=a f=2 3",
        "m,t=b g=2u 3",
        "m,t=c,u=d f=2 3",
        "m t=5 3",
        "m f=t,g=f,h=1,i=2,j=3 4",
        "m h=1",
        "m i=\"x\"",
        "n f=\"a\nb\" 5",
        "n,t=a f=\"toolong is it\" 5",
        "n f=1,time=5 5",
        "n time=5",
        "n,time=5 f=1",
        "o f=1i",
        "o,f=1 f=1i",
        "p f=1",
        "p f=2,f=3i",
        "q,t=a f=1",
        "averylongname f=1",
        "# comment",
        "",
        "m f=\"stray",
        "m f=",
        "\u{feff}m f=1",
        "m f=1,long=11111111111111,longer=1111111111111111111111111111111111 5",
    ];
    vec(select(lines), 0..500).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn a_check_says_what_a_fresh_server_answers(body in lines(), step in 1..6000_usize) {
        let (accepted, rejected, reports) = checked(TIGHT, body.as_bytes(), step);
        let outcome = written(TIGHT, &body);
        prop_assert_eq!((accepted, rejected), (outcome.accepted, outcome.rejected));
        let first: Vec<_> = reports.iter().take(100).cloned().collect();
        prop_assert_eq!(&first, &outcome.reports);
        // Beyond the hundred a server may count a line twice: as one whose field `time` was
        // dropped and as one that was rejected after all.
        let told = outcome.more + outcome.reports.len() as u64;
        prop_assert!(reports.len() as u64 <= told);
    }
}

#[test]
fn every_line_is_named_not_only_the_first_hundred() {
    let body: String = (0..3000)
        .map(|n| format!("m f={}\n", ["1", "\"x\"", ""][n % 3]))
        .collect();
    let (accepted, rejected, reports) = checked(LIMITS, body.as_bytes(), 5000);
    assert_eq!((accepted, rejected, reports.len()), (1000, 2000, 2000));
    assert!(reports.is_sorted_by(|a, b| a.line < b.line));
    assert_eq!((reports[1999].line, reports[1999].column), (3000, 5));
}

#[test]
fn a_string_that_nobody_closes_costs_its_line_even_if_the_rest_cannot_be_held() {
    let line = "m f=1 1\n";
    let mut body = format!("m f=\"stray\n{}", line.repeat((65 << 20) / line.len()));
    let slice = check(LIMITS)
        .slice(body.as_bytes(), false)
        .expect("lines are short");
    let slice = slice.expect("enough text");
    assert_eq!((slice.rejected, slice.first_line), (1, 1));
    assert_eq!(slice.reports[0].column, 5);
    assert!(slice.accepted > 400, "{}", slice.accepted);
    body.insert(20 << 20, '"');
    let needs_all = check(LIMITS).slice(&body.as_bytes()[..10 << 20], false);
    assert_eq!(needs_all.expect("lines are short"), None);
}

#[test]
fn a_line_that_nobody_can_hold_ends_the_check() {
    let body = "m f=1 1\n".to_owned() + &"x".repeat(65 << 20);
    let mut check = check(LIMITS);
    let first: Checked = check
        .slice(body.as_bytes(), false)
        .expect("a line")
        .expect("enough");
    assert_eq!((first.bytes, first.accepted), (8, 1));
    let error = check
        .slice(&body.as_bytes()[8..], false)
        .expect_err("too long");
    assert!(
        matches!(error, CheckError::LineTooLong { line: 2 }),
        "{error}"
    );
}
