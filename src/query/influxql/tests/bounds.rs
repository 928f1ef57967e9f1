//! Limits, and texts that are no queries. Stacks are those of a worker of the server: 2 MiB.

use super::super::ast::Query;
use super::super::validate::{self, Clock};
use super::super::{
    DEPTH_MAX, HEIGHT_MAX, LENGTH_MAX_BYTES, ParseError, STATEMENTS_MAX, SUBQUERY_LEVELS,
};
use super::generator::{Random, query};
use super::parse_any as parse;

fn with_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(test)
        .unwrap();
    thread.join().unwrap();
}

/// Checks the statements of a tree; what is found does not matter here.
fn check(query: &Query) {
    let clock = Clock {
        now_ns: i64::MAX,
        to_utc_ns: |_, local_ns| local_ns,
    };
    for statement in &query.statements {
        let _ = validate::statement(statement, &clock);
    }
}

/// Walks a tree in every way that recurses.
fn walk(query: &Query) {
    check(query);
    let copy = query.clone();
    assert_eq!(&copy, query);
    assert!(!format!("{copy}{copy:?}").is_empty());
    assert_eq!(parse(&copy.to_string()).as_ref(), Ok(query));
}

#[test]
fn deep_texts_end_in_an_error_and_not_in_a_stack_overflow() {
    with_small_stack(|| {
        let deep = 100_000;
        for (open, close) in [
            ("(", ")"),
            ("-(", ")"),
            ("abs(", ")"),
            ("x + (", ")"),
            ("x AND (y OR ", ")"),
        ] {
            let text = format!(
                "SELECT y FROM m WHERE {}x{}",
                open.repeat(deep),
                close.repeat(deep)
            );
            assert!(
                matches!(parse(&text), Err(ParseError::Depth { .. })),
                "{open}"
            );
            let text = format!("SELECT y FROM m WHERE {}", open.repeat(deep));
            assert!(
                matches!(parse(&text), Err(ParseError::Depth { .. })),
                "{open}"
            );
        }
        let text = format!("SELECT {}x FROM m", "x + ".repeat(deep));
        assert!(matches!(parse(&text), Err(ParseError::Depth { .. })));
        let text = format!("SELECT x FROM {}m", "(SELECT x FROM ".repeat(deep));
        assert!(matches!(parse(&text), Err(ParseError::Depth { .. })));
    });
}

#[test]
fn the_deepest_texts_that_are_accepted_can_be_walked() {
    with_small_stack(|| {
        let depth = DEPTH_MAX;
        for (open, close) in [("(", ")"), ("abs(", ")"), ("x + (", ")")] {
            let depth = if open.starts_with('x') {
                depth / 2
            } else {
                depth
            };
            let text = format!(
                "SELECT y FROM m WHERE {}x{}",
                open.repeat(depth),
                close.repeat(depth)
            );
            walk(&parse(&text).unwrap());
        }
        walk(&parse(&format!("SELECT {}x FROM m", "x * ".repeat(HEIGHT_MAX - 1))).unwrap());
        let depth = DEPTH_MAX / SUBQUERY_LEVELS;
        let (open, close) = ("(SELECT x FROM ".repeat(depth), ")".repeat(depth));
        walk(&parse(&format!("SELECT x FROM {open}m{close}")).unwrap());
    });
}

#[test]
fn a_long_list_of_alternatives_is_flat() {
    with_small_stack(|| {
        let text = format!(
            "SELECT x FROM m WHERE {}host = 'z'",
            "host = 'a' OR ".repeat(20_000)
        );
        walk(&parse(&text).unwrap());
    });
}

#[test]
fn long_lists_of_statements_and_long_texts_are_refused() {
    let text = "SHOW USERS;".repeat(STATEMENTS_MAX);
    assert_eq!(parse(&text).unwrap().statements.len(), STATEMENTS_MAX);
    let error = parse(&format!("{text}SHOW USERS")).unwrap_err();
    assert_eq!(
        error,
        ParseError::Statements {
            limit: STATEMENTS_MAX
        }
    );
    let error = parse(&" ".repeat(LENGTH_MAX_BYTES + 1)).unwrap_err();
    assert!(matches!(error, ParseError::Length { .. }));
}

#[test]
fn a_long_text_is_parsed_in_time_in_proportion_to_its_length() {
    let text = format!("SELECT x FROM m WHERE a = '{}'", "é\\'".repeat(200_000));
    walk(&parse(&text).unwrap());
    let text = format!(
        "SELECT {} FROM m",
        vec!["mean(x) AS \"a b\""; 20_000].join(", ")
    );
    walk(&parse(&text).unwrap());
    assert!(parse(&format!("SELECT x FROM {}", "/* */".repeat(200_000))).is_err());
}

/// Changes a text at random: characters come, go and change places.
fn mutate(text: &str, random: &mut Random) -> String {
    const JUNK: &[&str] = &[
        "'",
        "\"",
        "/",
        "\\",
        "(",
        ")",
        ",",
        ".",
        ":",
        "::",
        ";",
        "*",
        "=",
        "~",
        "!",
        "<",
        "-",
        "--",
        "/*",
        "*/",
        "$",
        "$a",
        "é",
        "\u{0}",
        "\n",
        "\r",
        "日",
        "µ",
        "1",
        "1h",
        " ",
        " FROM ",
        " SELECT ",
        " WHERE ",
        " GROUP BY ",
        "fill(",
        "tz(",
        "\u{feff}",
    ];
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(chars.len() + 1);
        match random.below(4) {
            0 => drop(chars.splice(at..at, JUNK[random.below(JUNK.len())].chars())),
            1 => chars.truncate(at),
            2 if at < chars.len() => drop(chars.remove(at)),
            _ if at < chars.len() => {
                let other = random.below(chars.len());
                chars.swap(at, other);
            }
            _ => {}
        }
    }
    chars.into_iter().collect()
}

/// A million texts in a release build, some thousand otherwise.
#[test]
fn no_text_makes_the_parser_panic_and_every_tree_can_be_printed() {
    let (trees, texts) = if cfg!(debug_assertions) {
        (400, 20)
    } else {
        (50_000, 20)
    };
    with_small_stack(move || {
        let mut random = Random::new(7);
        let mut accepted = 0;
        for _ in 0..trees {
            let text = query(&mut random, 1).to_string();
            for _ in 0..texts {
                let text = mutate(&text, &mut random);
                if let Ok(tree) = parse(&text) {
                    check(&tree);
                    assert_eq!(
                        parse(&tree.to_string()).as_ref(),
                        Ok(&tree),
                        "{text}\n{tree}"
                    );
                    accepted += 1;
                }
            }
        }
        assert!(
            accepted > trees,
            "{accepted} of {} were accepted",
            trees * texts
        );
    });
}
