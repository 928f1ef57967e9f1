//! No call makes more than its question may have, and no function of a new DataFusion goes unseen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::SessionStateDefaults;

use super::sizes;
use crate::tests::ask::{of, refusal};
use crate::tests::{limits, points::Point};
use crate::{FixedMemory, Limits, Parameters, QueryEngine, QueryError};

/// The functions that make a small multiple of what they are given, or a few bytes.
const HARMLESS: &str = "abs acos acosh array_add array_any_match array_any_value array_avg array_compact \
    array_dims array_distance array_distinct array_element array_except array_filter \
    array_first array_has array_has_all array_has_any array_intersect array_length array_max \
    array_min array_ndims array_normalize array_pop_back array_pop_front array_position \
    array_positions array_product array_remove array_remove_all array_remove_n array_reverse \
    array_scale array_slice array_sort array_subtract array_sum array_transform arrow_cast \
    arrow_field arrow_metadata arrow_try_cast arrow_typeof ascii asin asinh atan atan2 atanh \
    bit_length btrim cardinality cast_to_type cbrt ceil character_length chr coalesce \
    contains cos cosh cosine_distance cot current_date current_time date_bin date_part \
    date_trunc decode degrees digest empty encode ends_with exp factorial file_row_index \
    find_in_set flatten floor from_unixtime gcd get_field greatest initcap inner_product \
    input_file_name isnan iszero lcm least left ln log log10 log2 lower ltrim \
    make_date make_time map_entries map_extract map_keys map_values md5 nanvl now nullif nvl \
    nvl2 octet_length pi power radians random regexp_count regexp_instr regexp_like reverse \
    right round rtrim sha224 sha256 sha384 sha512 signum sin sinh split_part sqrt \
    starts_with string_to_array strpos substr substr_index substring tan tanh to_date to_hex \
    to_local_time to_time to_timestamp to_timestamp_micros to_timestamp_millis \
    to_timestamp_nanos to_timestamp_seconds to_unixtime translate trunc try_cast_to_type \
    union_extract union_tag upper uuid version with_metadata";

fn engine() -> QueryEngine {
    let limits = Limits {
        memory: Arc::new(FixedMemory::new(8 << 20)),
        ..limits()
    };
    QueryEngine::new(limits).expect("an engine")
}

/// Rows in one batch, as a scan of many points gives them.
const ROWS: &str = "WITH m AS (SELECT 'thirty letters of a message ' || value AS msg, value AS v, \
                    to_timestamp(value) AS time FROM generate_series(1, 5000))";

async fn rows(engine: &QueryEngine, text: &str) -> Result<usize, QueryError> {
    let question = engine.sql(of([]) as _, &format!("{ROWS} {text}")).await?;
    let mut answer = question.run(Parameters::none()).await?;
    let mut rows = 0;
    while let Some(batch) = answer.next_batch().await? {
        rows += batch.num_rows();
    }
    Ok(rows)
}

/// Waits until questions have no memory.
async fn is_given_back(engine: &QueryEngine) {
    let given_back = async {
        while engine.memory_used_bytes() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let given_back = tokio::time::timeout(Duration::from_secs(60), given_back).await;
    given_back.expect("all memory is given back");
}

/// From a bug: such a question took gigabytes beside what it may have.
#[tokio::test]
async fn an_expression_that_makes_more_than_its_question_may_have_is_refused() {
    let doubled = (0..12).fold("SELECT msg AS s FROM m".to_owned(), |inner, _| {
        format!("SELECT s || s AS s FROM ({inner}) d")
    });
    let listed = (0..12).fold("SELECT ARRAY[v] AS s FROM m".to_owned(), |inner, _| {
        format!("SELECT array_concat(s, s) AS s FROM ({inner}) d")
    });
    for text in [
        "SELECT length(repeat('x', 1000000000))",
        "SELECT length(lpad('x', 1000000000))",
        "SELECT length(rpad('x', 100000000, 'é'))",
        "SELECT cardinality(range(1, 100000000))",
        "SELECT cardinality(generate_series(1, 100000000, 1))",
        "SELECT cardinality(range(DATE '0001-01-01', DATE '9000-01-01', INTERVAL '1 day'))",
        "SELECT cardinality(array_repeat(1, 100000000))",
        "SELECT cardinality(array_resize(ARRAY[1], 100000000, 0))",
        "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))",
        "SELECT length(regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g'))",
        "SELECT length(array_to_string(range(1, 10000), repeat('y', 100000)))",
        "SELECT sum(length(repeat(msg, 3000))) FROM m",
        "SELECT sum(length(lpad(msg, 30000))) FROM m",
        "SELECT sum(length(to_char(time, repeat('%c', 3000)))) FROM m",
        "SELECT sum(cardinality(range(1, 3000 + v))) FROM m",
        "SELECT * FROM (VALUES (repeat('x', 1000000000)))",
        "SELECT v FROM m WHERE v IN (SELECT length(repeat(msg, 3000)) FROM m)",
        &format!("SELECT max(length(s)) FROM ({doubled}) d"),
        &format!("SELECT max(cardinality(s)) FROM ({listed}) d"),
    ] {
        let engine = engine();
        let refused = rows(&engine, text).await;
        let refused = refused.expect_err(text);
        assert!(
            matches!(refused, QueryError::Exhausted(_)),
            "{text}: {refused}"
        );
        assert!(refused.to_string().contains("would make"), "{refused}");
        is_given_back(&engine).await;
    }
}

/// Where the planner wants a constant it says that there is none.
#[tokio::test]
async fn a_constant_that_makes_too_much_is_refused_wherever_it_stands() {
    for text in [
        "SELECT * FROM generate_series(1, length(repeat('x', 1000000000)))",
        "SELECT v FROM m LIMIT length(repeat('x', 1000000000))",
    ] {
        let engine = engine();
        let refused = rows(&engine, text).await;
        assert!(refused.is_err(), "{text}: {refused:?}");
        is_given_back(&engine).await;
    }
}

/// What is made of many columns adds up, though each fits.
#[tokio::test]
async fn what_is_made_counts_until_it_is_dropped() {
    let engine = engine();
    let column = |times: i32| format!("repeat(msg, {times})");
    let columns = |count: i32| (1..=count).map(column).collect::<Vec<_>>().join(", ");
    let few = rows(&engine, &format!("SELECT {} FROM m", columns(4))).await;
    assert_eq!(few.expect("it fits"), 5_000);
    let many = rows(&engine, &format!("SELECT {} FROM m", columns(12))).await;
    let many = many.expect_err("9 MB and more");
    assert!(matches!(many, QueryError::Exhausted(_)), "{many}");
}

#[tokio::test]
async fn a_cast_to_values_of_any_width_is_refused() {
    let text = "SELECT arrow_cast(msg::bytea, 'FixedSizeBinary(2000000000)') FROM m";
    let refused = refusal(
        &of([Point::new("m", &[("msg", "a")], 1, &[("v", 1.0)])]),
        text,
    )
    .await;
    assert!(refused.to_string().contains("fixed size"), "{refused}");
}

#[test]
fn every_function_of_datafusion_is_bounded_or_known_to_be_harmless() {
    let all = SessionStateDefaults::default_scalar_functions();
    let unknown: BTreeSet<_> = all
        .iter()
        .map(|function| function.name())
        .filter(|name| {
            sizes::of(name).is_none() && !HARMLESS.split_whitespace().any(|known| known == *name)
        })
        .collect();
    assert!(
        unknown.is_empty(),
        "neither in `sizes` nor harmless: {unknown:?}"
    );
}

/// From a review: one call kept all threads of questions for minutes, past the time of its question.
#[tokio::test]
async fn texts_whose_comparison_would_take_long_are_refused() {
    let engine = engine();
    let compared = |length: usize| {
        let few = "(SELECT msg FROM m LIMIT 9)";
        format!("SELECT levenshtein(left(repeat(msg, 90), {length}), repeat(msg, 10)) FROM {few}")
    };
    assert_eq!(rows(&engine, &compared(100)).await.expect("short"), 9);
    let refused = rows(&engine, &compared(200)).await.expect_err("long");
    assert!(matches!(refused, QueryError::Invalid(_)), "{refused:?}");
    assert!(
        refused.to_string().contains("they have 200 and"),
        "{refused}"
    );
}
