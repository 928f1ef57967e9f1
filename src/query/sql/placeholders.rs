//! Placeholders without names: users of JDBC and ADBC write `?` for each value in turn.
//!
//! DataFusion reads every `?` as one and the same parameter. So they are numbered before.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::QueryError;

/// Writes `$1`, `$2` and so on for every `?` outside of strings, names and comments.
///
/// # Errors
/// The text has no tokens of SQL, or both kinds of placeholders.
pub(crate) fn number(text: &str) -> Result<String, QueryError> {
    if !text.contains('?') {
        return Ok(text.to_owned());
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, text)
        .with_unescape(false)
        .tokenize();
    let tokens = tokens.map_err(|error| QueryError::Invalid(error.to_string()))?;
    let is_nameless = |token: &Token| matches!(token, Token::Placeholder(name) if name == "?");
    let is_named = |token: &Token| matches!(token, Token::Placeholder(name) if name != "?");
    if tokens.iter().any(is_nameless) && tokens.iter().any(is_named) {
        let text = "placeholders are either all ? or all $1, $2 and so on".to_owned();
        return Err(QueryError::Invalid(text));
    }
    let mut numbers = 1_u32..;
    let written = tokens.iter().map(|token| match is_nameless(token) {
        true => format!("${}", numbers.next().unwrap_or(u32::MAX)),
        false => token.to_string(),
    });
    Ok(written.collect())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn only_placeholders_are_numbered() {
        for (text, numbered) in [
            ("SELECT 1", "SELECT 1"),
            ("SELECT ?, ? FROM m", "SELECT $1, $2 FROM m"),
            (
                "SELECT '?', \"a?\" -- ?\n, /* ? */ ? FROM m WHERE x = 'it''s ?'",
                "SELECT '?', \"a?\" -- ?\n, /* ? */ $1 FROM m WHERE x = 'it''s ?'",
            ),
        ] {
            assert_eq!(number(text).expect(text), numbered);
        }
        let error = number("SELECT ?, $1").expect_err("mixed");
        assert!(error.to_string().contains("all ?"), "{error}");
    }
}
