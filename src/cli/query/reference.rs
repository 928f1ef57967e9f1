//! The tables that a name at a prompt can stand for.
//!
//! In `\\d NAME` a name is as in line protocol, without quotes, or as in a statement, with them. A
//! measurement may have a dot in its name; so may a table have a schema before one.

/// What a name can stand for, as in a statement, the likeliest first.
pub(super) fn references(name: &str) -> Vec<String> {
    let whole = quoted(name);
    let parts = parts(name);
    let parts = parts.map(|(schema, table)| format!("{}.{}", quoted(schema), quoted(table)));
    std::iter::once(whole).chain(parts).collect()
}

/// What precedes the first dot outside of quotes, and what follows it.
fn parts(name: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let (schema, table) = name.split_once(|character| {
        is_quoted ^= character == '"';
        character == '.' && !is_quoted
    })?;
    (!schema.is_empty() && !table.is_empty()).then_some((schema, table))
}

/// A name in quotes, so that its capitals count.
fn quoted(name: &str) -> String {
    let inner = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    let plain = inner.map_or_else(|| name.to_owned(), |name| name.replace("\"\"", "\""));
    format!("\"{}\"", plain.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::references;

    #[test]
    fn a_name_is_a_table_or_a_schema_and_a_table() {
        for (name, expected) in [
            ("room", &["\"room\""][..]),
            ("CPU", &["\"CPU\""]),
            ("Wind Speed", &["\"Wind Speed\""]),
            ("\"a \"\"b\"\"\"", &["\"a \"\"b\"\"\""]),
            ("a\"b", &["\"a\"\"b\""]),
            ("\"a.b\"", &["\"a.b\""]),
            (
                "system.queries",
                &["\"system.queries\"", "\"system\".\"queries\""],
            ),
            ("a.b.c", &["\"a.b.c\"", "\"a\".\"b.c\""]),
            ("a.", &["\"a.\""]),
        ] {
            assert_eq!(references(name), expected, "{name}");
        }
        let both = references("\"iox\".\"a.b\"");
        assert_eq!(both.last().map(String::as_str), Some("\"iox\".\"a.b\""));
    }
}
