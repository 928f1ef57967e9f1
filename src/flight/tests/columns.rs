//! The columns that a client is told of, and those that it gets.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::{fetch, sql};

/// ADBC refuses rows whose columns differ from those of the info; a value's type is known only when it
/// is bound.
#[tokio::test]
async fn the_columns_of_a_prepared_statement_are_those_of_its_values() {
    let mut client = sql().await;
    let text = "SELECT ? AS number, concat(?, 'b') AS text, 1 AS one FROM cpu";
    let mut prepared = client
        .prepare(text.to_owned(), None)
        .await
        .expect("prepared");
    let values: [ArrayRef; 2] = [
        Arc::new(Int64Array::from(vec![7])),
        Arc::new(StringArray::from(vec!["a"])),
    ];
    let row = RecordBatch::try_from_iter(["0", "1"].into_iter().zip(values));
    prepared.set_parameters(row.expect("a row")).expect("bound");
    let info = prepared.execute().await.expect("an info");
    let batches = fetch(&mut client, info).await;
    let types = batches[0].schema();
    let types: Vec<_> = types
        .fields()
        .iter()
        .map(|f| f.data_type().to_string())
        .collect();
    assert_eq!(types, ["Int64", "Utf8", "Int64"]);
}

#[tokio::test]
async fn the_columns_of_a_statement_are_told_as_they_come() {
    let mut client = sql().await;
    for text in [
        "SELECT 1 AS x UNION ALL SELECT 1.5",
        "SELECT CASE WHEN usage > 1 THEN 1 ELSE usage END AS x FROM cpu",
        "SELECT a.time, b.time AS other FROM cpu AS a LEFT JOIN cpu AS b ON a.host = b.host",
        "SELECT host, max(usage), count(*) FROM cpu GROUP BY host",
        "SELECT array_agg(host) AS x, named_struct('h', max(host), 'l', array_agg(host)) AS y FROM cpu",
    ] {
        let info = client
            .execute(text.to_owned(), None)
            .await
            .expect("an info");
        assert!(!fetch(&mut client, info).await.is_empty(), "{text}");
    }
}
