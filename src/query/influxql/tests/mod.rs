//! Tests of the grammar as a whole.

mod bounds;
mod corpus;
mod errors;
mod generator;
mod parameters;
mod round_trip;
mod trees;

use super::{Environment, ParseError, ast::Query};

/// Parses a text in an environment without parameters.
fn parse(text: &str) -> Result<Query, ParseError> {
    super::parse(text, &Environment::default())
}

/// Parses a text in an environment that takes any regular expression for one.
fn parse_any(text: &str) -> Result<Query, ParseError> {
    let environment = Environment {
        check_regex: |_| Ok(()),
        ..Environment::default()
    };
    super::parse(text, &environment)
}

/// Returns the text of the error that a text has.
fn error(text: &str) -> String {
    match parse(text) {
        Ok(query) => panic!("accepted: {query}"),
        Err(error) => error.to_string(),
    }
}
