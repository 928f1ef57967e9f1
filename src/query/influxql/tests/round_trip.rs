//! What is printed parses to the same tree.

use super::generator::{Random, query};
use super::{parse, parse_any};

#[test]
fn every_tree_is_printed_as_a_text_that_parses_to_it() {
    let mut random = Random::new(1);
    let trees = if cfg!(debug_assertions) {
        4_000
    } else {
        200_000
    };
    for _ in 0..trees {
        let tree = query(&mut random, 2);
        let text = tree.to_string();
        match parse_any(&text) {
            Ok(again) => assert_eq!(again, tree, "{text}"),
            Err(error) => panic!("{error}\n{text}\n{tree:#?}"),
        }
    }
}

#[test]
fn the_shortest_text_is_printed() {
    for (text, printed) in [
        (
            "select  \"value\"::FLOAT, * from \"cpu\" order by ASC limit 0 fill",
            "error parsing query: found fill, expected ; at line 1, char 59",
        ),
        (
            "select \"value\"::FLOAT as \"v\",\"a b\" from \"cpu\" where time>now()-90m order by DESC",
            "SELECT value::float AS v, \"a b\" FROM cpu WHERE time > now() - 90m ORDER BY time DESC",
        ),
        (
            "show tag values with key in (a,\"b\")",
            "SHOW TAG VALUES WITH KEY IN (a, b)",
        ),
        ("drop database \"select\"", "DROP DATABASE \"select\""),
        ("SELECT 1., .5, 007 FROM m", "SELECT 1.0, 0.5, 7 FROM m"),
    ] {
        let ours = parse(text).map_or_else(|error| error.to_string(), |query| query.to_string());
        assert_eq!(ours, printed);
    }
}
