//! The distinct tags of random rows, against a set of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{Field, Schema};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool};

use super::{Distinct, Sorted};

type Row = [Option<String>; 3];

/// Steps of a generator of random numbers.
fn random(state: &mut u64, below: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

/// Runs of rows in one order, as files have them, with rows that are there in some of them alone.
fn files(state: &mut u64) -> Vec<Vec<Row>> {
    let value = |state: &mut u64, key: &str, of: u64| match random(state, of) {
        0 => None,
        number => Some(format!("{key}{number}")),
    };
    let all = (0..400).map(|_| {
        [
            value(state, "a", 30),
            value(state, "b", 3),
            value(state, "c", 9),
        ]
    });
    let all: BTreeSet<Row> = all.collect();
    let mut files = Vec::new();
    for _ in 0..5 {
        let mut rows = Vec::new();
        for row in &all {
            let times = random(state, 3);
            rows.extend((0..times).map(|_| row.clone()));
        }
        files.push(rows);
    }
    files
}

fn batch(rows: &[Row], is_plain: bool) -> RecordBatch {
    let columns = (0..3).map(|column| {
        let texts = rows.iter().map(|row| row[column].as_deref());
        match is_plain {
            true => Arc::new(texts.collect::<StringArray>()) as ArrayRef,
            false => Arc::new(texts.collect::<DictionaryArray<Int32Type>>()) as ArrayRef,
        }
    });
    let columns: Vec<ArrayRef> = columns.collect();
    let fields = columns
        .iter()
        .map(|column| Field::new("", column.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &options).expect("alike")
}

fn rows_of(sorted: &Sorted) -> Vec<Vec<String>> {
    let rows = sorted.rows();
    rows.map(|row| row.map(ToString::to_string).collect())
        .collect()
}

/// As 1.x orders series: by the pairs that there are.
fn as_series(row: &[String]) -> Vec<(usize, String)> {
    let pairs = row.iter().cloned().enumerate();
    pairs.filter(|(_, text)| !text.is_empty()).collect()
}

#[test]
fn rows_of_files_that_are_read_by_turns_are_there_once() {
    for seed in 0..40 {
        let mut state = seed;
        let mut files = files(&mut state);
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(1 << 20));
        let memory = MemoryConsumer::new("test").register(&pool);
        let mut distinct = Distinct::new(3, memory);
        let memory = MemoryConsumer::new("test").register(&pool);
        let mut counted = Distinct::new(3, memory);
        let passes = |row: &[&str]| row[2] != "c4";
        let mut expected: BTreeSet<Vec<String>> = BTreeSet::new();
        // The last column is asked for or only looked at.
        let columns = 3 - usize::try_from(seed % 2).expect("small");
        while let Some(place) = (!files.is_empty())
            .then(|| usize::try_from(random(&mut state, files.len() as u64)).expect("small"))
        {
            let file = &mut files[place];
            let count = usize::try_from(random(&mut state, 50)).expect("small");
            let rows: Vec<Row> = file.drain(..count.min(file.len())).collect();
            if file.is_empty() {
                files.remove(place);
            }
            let before = expected.len();
            let fitting = rows.iter().filter(|row| row[2].as_deref() != Some("c4"));
            expected.extend(fitting.map(|row| {
                let texts = row.iter().take(columns);
                texts.map(|text| text.clone().unwrap_or_default()).collect()
            }));
            let batch = batch(&rows, random(&mut state, 2) == 0);
            let places = [Some(0), Some(1), Some(2)];
            let has_new = distinct.push(&batch, &places, &passes).expect("taken");
            assert!(has_new || expected.len() == before, "{seed}");
            counted.push(&batch, &places, &passes).expect("taken");
        }
        assert_eq!(counted.count(columns), expected.len(), "{seed}");
        let mut sorted = distinct.finish(columns);
        let mut expected: Vec<Vec<String>> = expected.into_iter().collect();
        assert_eq!(rows_of(&sorted), expected, "{seed}");
        for column in 0..columns {
            let (texts, places) = sorted.column(column);
            let value = |place: Option<u32>| place.map_or("", |place| &*texts[place as usize]);
            let values: Vec<&str> = places.map(value).collect();
            let of_rows: Vec<&str> = expected.iter().map(|row| &*row[column]).collect();
            assert_eq!(values, of_rows, "{seed}: {column}");
        }
        sorted.sort_as_series();
        expected.sort_by_key(|row| as_series(row));
        assert_eq!(rows_of(&sorted), expected, "{seed}: as series");
    }
}

#[test]
fn rows_take_memory() {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(20 << 10));
    let memory = MemoryConsumer::new("test").register(&pool);
    let mut distinct = Distinct::new(3, memory);
    let all = |_: &[&str]| true;
    let places = [Some(0), None, None];
    let rows = |count: usize| -> Vec<Row> {
        let rows = (0..count).map(|row| [Some(format!("{row}")), None, None]);
        rows.collect()
    };
    assert!(
        distinct
            .push(&batch(&rows(50), false), &places, &all)
            .is_ok()
    );
    assert!(pool.reserved() > 50 * 100, "{}", pool.reserved());
    assert!(
        distinct
            .push(&batch(&rows(500), false), &places, &all)
            .is_err()
    );
}
