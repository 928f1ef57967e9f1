//! Every comparison of integers at the edges with numbers at the edges, held against whole thousandths.

use std::collections::HashMap;

use super::number::Number;
use crate::tests::ask::{ask, of, try_ask};
use crate::{Parameters, ScalarValue};

const SIGNED: &[i64] = &[
    i64::MIN,
    i64::MIN + 1,
    -9_007_199_254_740_993,
    -9_007_199_254_740_992,
    -2,
    -1,
    0,
    1,
    2,
    9_007_199_254_740_992,
    9_007_199_254_740_993,
    i64::MAX - 1,
    i64::MAX,
];

const UNSIGNED: &[u64] = &[
    0,
    1,
    2,
    9_007_199_254_740_992,
    9_007_199_254_740_993,
    9_223_372_036_854_775_807,
    9_223_372_036_854_775_808,
    u64::MAX - 1,
    u64::MAX,
];

/// Numbers as they are written, and their thousandths.
fn numbers() -> Vec<(String, i128)> {
    let mut numbers: Vec<(String, i128)> = [
        ("18446744073709551615", 18_446_744_073_709_551_615_000),
        ("18446744073709551616", 18_446_744_073_709_551_616_000),
        ("-9223372036854775808", -9_223_372_036_854_775_808_000),
        ("-9223372036854775809", -9_223_372_036_854_775_809_000),
        ("1e3", 1_000_000),
        ("2e0", 2_000),
        ("1e19", 10_000_000_000_000_000_000_000),
        ("-(1e0)", -1_000),
        ("- -1.5", 1_500),
        ("9007199254740993e0", 9_007_199_254_740_993_000),
        ("0.00000000000000000000000000001", 1),
        ("-0.00000000000000000000000000001", -1),
        ("0.99999999999999999999999999999", 999),
        ("1.00000000000000000000000000001", 1_001),
        ("1e300", i128::MAX),
        ("-1e300", i128::MIN),
        ("1000000000000000000000000000000000000000000", i128::MAX),
    ]
    .map(|(text, thousandths)| (text.to_owned(), thousandths))
    .to_vec();
    let integers = SIGNED.iter().copied().map(i128::from);
    let integers = integers.chain(UNSIGNED.iter().copied().map(i128::from));
    for thousandths in integers.map(|integer| integer * 1_000) {
        for more in [-1, 0, 1, 500, 1_000] {
            let number: i128 = thousandths + more;
            let sign = if number < 0 { "-" } else { "" };
            let (whole, rest) = (number.abs() / 1_000, number.abs() % 1_000);
            numbers.push((format!("{sign}{whole}.{rest:03}"), number));
        }
    }
    numbers
}

/// How an integer compares with a number, and what that must be.
type Comparison = (&'static str, fn(i128, i128) -> bool);

const COMPARISONS: &[Comparison] = &[
    ("i = #", |i, n| i == n),
    ("# = i", |i, n| i == n),
    ("i <> #", |i, n| i != n),
    ("i < #", |i, n| i < n),
    ("i <= #", |i, n| i <= n),
    ("i > #", |i, n| i > n),
    ("i >= #", |i, n| i >= n),
    ("# < i", |i, n| n < i),
    ("# >= i", |i, n| n >= i),
    ("i BETWEEN # AND 1e30", |i, n| i >= n),
    ("i BETWEEN -1e30 AND #", |i, n| i <= n),
    ("i NOT BETWEEN # AND #", |i, n| i != n),
    ("i IN (#)", |i, n| i == n),
    ("i NOT IN (#, 0.5)", |i, n| i != n),
    ("i IN (#, 2, 18446744073709551615, -1)", |i, n| {
        i == n || [2_000, -1_000, 18_446_744_073_709_551_615_000].contains(&i)
    }),
    ("i IS DISTINCT FROM #", |i, n| i != n),
    ("i IS NOT DISTINCT FROM (#)", |i, n| i == n),
    ("CASE i WHEN # THEN true ELSE false END", |i, n| i == n),
    ("NOT (i < #)", |i, n| i >= n),
];

async fn holds(integers: &[i128], sql_type: &str) {
    let database = of([]);
    let rows = integers.iter();
    let rows: Vec<_> = rows
        .map(|integer| format!("(CAST({integer} AS {sql_type}))"))
        .collect();
    let rows = rows.join(", ");
    for (text, number) in numbers() {
        let said = COMPARISONS.iter().enumerate();
        let said =
            said.map(|(place, (said, _))| format!("{} AS c{place}", said.replace('#', &text)));
        let said: Vec<_> = said.collect();
        let said = said.join(", ");
        let question = format!("SELECT {said} FROM (VALUES {rows}) AS m(i)");
        let answer = ask(&database, &question).await;
        for (integer, row) in integers.iter().zip(&answer) {
            for ((said, must), is) in COMPARISONS.iter().zip(row.split(',')) {
                let must = must(integer * 1_000, number).to_string();
                assert_eq!(is, must, "{said} for i = {integer}, # = {text}");
            }
        }
        assert_eq!(answer.len(), integers.len(), "{question}");
        let question =
            format!("SELECT i FROM (VALUES {rows}) AS m(i) WHERE i >= {text} AND i <> {text}");
        let must = integers.iter().filter(|integer| **integer * 1_000 > number);
        let must: Vec<_> = must.map(ToString::to_string).collect();
        assert_eq!(ask(&database, &question).await, must, "{question}");
    }
}

/// From a bug: `u < 18446744073709551616` lost the largest values, which are equal to it as floats.
#[tokio::test]
async fn integers_are_compared_with_the_numbers_that_are_written() {
    let signed: Vec<_> = SIGNED.iter().copied().map(i128::from).collect();
    holds(&signed, "BIGINT").await;
    let unsigned: Vec<_> = UNSIGNED.iter().copied().map(i128::from).collect();
    holds(&unsigned, "BIGINT UNSIGNED").await;
}

#[tokio::test]
async fn what_has_no_value_is_neither_less_nor_in_a_list() {
    let database = of([]);
    for condition in [
        "i < 18446744073709551616",
        "i = 0.5",
        "i IN (0.5)",
        "i NOT IN (0.5, 1e300)",
        "i NOT IN (2.5, NULL)",
        "i BETWEEN 0.5 AND 1e300",
    ] {
        let question =
            format!("SELECT ({condition}) IS NULL FROM (VALUES (CAST(NULL AS BIGINT))) AS m(i)");
        assert_eq!(ask(&database, &question).await, ["true"], "{question}");
    }
}

#[tokio::test]
async fn floats_are_compared_as_floats() {
    let database = of([]);
    for (question, must) in [
        (
            "SELECT v = 9007199254740993.0, v < 9007199254740992.5, v IN (9007199254740993.0, 1) \
             FROM (VALUES (CAST(9007199254740992 AS DOUBLE))) AS m(v)",
            "true,false,true",
        ),
        (
            "SELECT CAST(i AS DOUBLE) = 9007199254740992.0, i = CAST(9007199254740992 AS DOUBLE), i * 1.0 = i, i + 0.5 \
             FROM (VALUES (9007199254740993)) AS m(i)",
            "true,true,true,9007199254740992.0",
        ),
        (
            "SELECT i < CAST('NaN' AS DOUBLE), i < 1e999, 9007199254740993.0 FROM (VALUES (1)) AS m(i)",
            "true,true,9007199254740992.0",
        ),
    ] {
        assert_eq!(ask(&database, question).await, [must], "{question}");
    }
}

#[tokio::test]
async fn values_of_parameters_are_compared_as_they_are() {
    let database = of([]);
    let question = "SELECT i FROM (VALUES (1), (2), (9223372036854775807)) AS m(i) WHERE i > $n";
    for (value, must) in [
        (1.5, &["2", "9223372036854775807"][..]),
        (9_223_372_036_854_775_807.0, &[]),
        (9_223_372_036_854_774_784.0, &["9223372036854775807"]),
    ] {
        let values = HashMap::from([("n".to_owned(), ScalarValue::from(value))]);
        let rows = try_ask(&database, question, Parameters::Named(values)).await;
        assert_eq!(rows.expect("answered"), must, "{value}");
    }
}

#[test]
fn what_is_no_number_has_no_place() {
    for text in [
        "", "-", ".", "e5", "1e", "1e+", "inf", "NaN", "0x1", "1.2.3", "1 ", "--1",
    ] {
        assert_eq!(Number::of_text(text), None, "{text}");
    }
    assert_eq!(Number::of_float(f64::NAN), None);
    assert_eq!(Number::of_float(f64::INFINITY), None);
    for text in ["0", "-0.0", "0e99999999999999999999", "000", ".0", "0."] {
        assert_eq!(Number::of_text(text), Number::of_float(0.0), "{text}");
    }
    assert_eq!(
        Number::of_text("1e-99999999999999999999"),
        Number::of_float(0.5)
    );
    assert_eq!(Number::of_text("-1e-9"), Number::of_float(-0.5));
    assert_eq!(
        Number::of_text("1e99999999999999999999"),
        Number::of_float(1e300)
    );
    assert_eq!(Number::of_text("-12.5e-1"), Number::of_float(-1.25));
}
