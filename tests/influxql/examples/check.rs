//! Parses one text per line, a JSON string each, and prints `ok` or the error as a JSON string.
//! With `--validate` it also checks the statements, with `--parameters` it binds some, with `--tree`
//! it prints what it understood, with `--constant` the time that is asked for.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::io::BufRead;

use iql::Binding;

fn main() {
    let mut environment = iql::Environment::default();
    if std::env::args().any(|argument| argument == "--parameters") {
        environment.parameters = parameters();
    }
    let has = |name: &str| std::env::args().any(|argument| argument == name);
    let validate = has("--validate");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let text = unescape(&line);
        match iql::parse(&text, &environment) {
            Ok(query) if has("--tree") => println!("{query}"),
            Ok(query) if has("--constant") => println!("{}", constant(&query)),
            Ok(query) if validate => println!("{}", judge(&query)),
            Ok(query) => {
                let again = iql::parse(&query.to_string(), &environment);
                if again.as_ref() == Ok(&query) {
                    println!("ok");
                } else {
                    println!("printed differently: {query}");
                }
            }
            Err(error) => println!("{}", escape(&error.to_string())),
        }
    }
}

/// The values that `oracle/compare.py --parameters` sends to the other server.
fn parameters() -> std::collections::HashMap<String, Binding> {
    let text = |text: &str| Binding::String(text.to_owned());
    [
        ("i", Binding::of_object("identifier", text("host"))),
        ("q", Binding::of_object("ident", text("a b"))),
        ("s", text("text")),
        ("r", Binding::of_object("regex", text("a.b"))),
        ("n", Binding::Integer(5)),
        ("neg", Binding::Integer(-7)),
        ("f", Binding::Float(1.5)),
        ("d", Binding::of_object("duration", text("1h"))),
        (
            "dn",
            Binding::of_object("duration", Binding::Integer(90_000_000_000)),
        ),
        ("b", Binding::Boolean(true)),
        ("bad", Binding::of_object("identifier", Binding::Integer(1))),
    ]
    .map(|(name, binding)| (name.to_owned(), binding))
    .into()
}

/// Returns the first error of the statements, as they would be run.
fn judge(query: &iql::ast::Query) -> String {
    let clock = iql::validate::Clock {
        now_ns: 1_795_000_000_000_000_000,
        to_utc_ns: |_, local_ns| local_ns,
    };
    let mut statements = query.statements.iter();
    let error = statements.find_map(|found| iql::validate::statement(found, &clock).err());
    error.map_or_else(|| "ok".to_owned(), |error| escape(&error.to_string()))
}

/// Returns the earliest time that the first statement asks for.
fn constant(query: &iql::ast::Query) -> String {
    let clock = iql::validate::Clock {
        now_ns: 0,
        to_utc_ns: |_, local_ns| local_ns,
    };
    let Some(iql::ast::Statement::Select(select)) = query.statements.first() else {
        return escape("no SELECT");
    };
    match iql::validate::select(select, &clock) {
        Ok(summary) => summary
            .split
            .range
            .min_ns
            .map_or_else(String::new, |ns| ns.to_string()),
        Err(error) => escape(&error.to_string()),
    }
}

/// Reads a JSON string as Python's `json.dumps(…, ensure_ascii=False)` writes it.
fn unescape(line: &str) -> String {
    let inner = line.trim().trim_start_matches('"');
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).unwrap_or(0);
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
