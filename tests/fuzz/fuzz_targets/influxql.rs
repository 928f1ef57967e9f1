//! Any text is a query or an error that says where: no panic, and what is printed of a tree parses to the
//! same tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_query::influxql::{Environment, parse};

fuzz_target!(|text: &str| {
    let environment = Environment::default();
    match parse(text, &environment) {
        Ok(query) => {
            for statement in &query.statements {
                let printed = statement.to_string();
                let again = parse(&printed, &environment);
                let again = again.unwrap_or_else(|error| panic!("{printed:?}: {error}"));
                assert_eq!(
                    again.statements.as_slice(),
                    [statement.clone()],
                    "{printed:?}"
                );
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
