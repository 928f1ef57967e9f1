//! The text of a question as it is recorded.
//!
//! A literal may be a secret, and so may a comment. Whoever asked sees the text as it was sent; all
//! others see `?` for each literal and no comments. Names stay, but for those in double quotes of a text
//! that was not understood: whoever is used to other quotes writes literals in them.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use crate::influxql::mask::masked;

/// The most bytes of a text that are kept.
const BYTES_MAX: usize = 2000;

/// The most bytes of a text in which literals are looked for.
const LOOK_BYTES_MAX: usize = 64 << 10;

/// The beginning of a text, and a sign if there is more.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= BYTES_MAX {
        return text.to_owned();
    }
    let ends = (0..=BYTES_MAX).rev();
    let start = ends.filter_map(|end| text.get(..end)).next();
    format!("{} …", start.unwrap_or_default())
}

/// The language of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Sql,
    InfluxQl,
}

/// The text with `?` for each literal and one blank for each gap, then cut. A text that has no tokens
/// of SQL, or is very long, is not shown at all.
pub(super) fn mask(text: &str, language: Language, is_understood: bool) -> String {
    match language {
        _ if text.len() > LOOK_BYTES_MAX => format!("(a text of {} bytes)", text.len()),
        Language::Sql => mask_sql(text, is_understood),
        // Its quotes mean what they mean in every text that was parsed.
        Language::InfluxQl => cut(&masked(text)),
    }
}

fn mask_sql(text: &str, is_understood: bool) -> String {
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, text)
        .with_unescape(false)
        .tokenize();
    let Ok(tokens) = tokens else {
        return "(a text that is not SQL)".to_owned();
    };
    let mut masked = String::with_capacity(text.len());
    for token in tokens {
        match token {
            Token::Whitespace(
                Whitespace::Space
                | Whitespace::Newline
                | Whitespace::Tab
                | Whitespace::SingleLineComment { .. }
                | Whitespace::MultiLineComment(_),
            ) => {
                if !masked.is_empty() && !masked.ends_with(' ') {
                    masked.push(' ');
                }
            }
            Token::Word(word) if word.quote_style.is_some() && !is_understood => {
                masked.push_str("\"?\"");
            }
            // Those have a name or a sign of their own.
            Token::Word(_) | Token::Placeholder(_) => masked.push_str(&token.to_string()),
            token if is_sign(&token) => masked.push_str(&token.to_string()),
            _ => masked.push('?'),
        }
    }
    cut(masked.trim_end())
}

/// Returns true for an operator or a bracket: a token without letters and digits.
fn is_sign(token: &Token) -> bool {
    let text = token.to_string();
    !text.contains(|c: char| c.is_alphanumeric() || c == '\'' || c == '"')
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Language, cut};

    fn mask(text: &str, is_understood: bool) -> String {
        super::mask(text, Language::Sql, is_understood)
    }

    #[test]
    fn no_literal_and_no_comment_is_left_in_a_masked_text() {
        for (text, masked) in [
            (
                "SELECT \"a b\", v FROM m WHERE host = 'secret' AND v >= 12.5 LIMIT 10;",
                "SELECT \"a b\", v FROM m WHERE host = ? AND v >= ? LIMIT ?;",
            ),
            (
                "SELECT 'it''s', E'se\\'cret', N'secret', X'5ec7', $$secret$$, $x$secret$x$, U&'secret'",
                "SELECT ?, ?, ?, ?, ?, ?, ?",
            ),
            (
                "SELECT 1 -- secret\n\t/* secret */ FROM m WHERE h = $1 OR h = $h",
                "SELECT ? FROM m WHERE h = $1 OR h = $h",
            ),
            (
                "SELECT date_bin(interval '1 minute', time)::text || 'x', a[1]['v'] FROM m",
                "SELECT date_bin(interval ?, time)::text || ?, a[?][?] FROM m",
            ),
            ("SELECT 'secret", "(a text that is not SQL)"),
        ] {
            assert_eq!(mask(text, true), masked, "{text}");
        }
        let long = format!("SELECT '{}'", "x".repeat(100_000));
        assert_eq!(mask(&long, true), "(a text of 100009 bytes)");
    }

    #[test]
    fn names_in_quotes_are_left_only_in_a_text_that_was_understood() {
        let text = "SELECT \"a b\" FROM m WHERE host = \"secret\"";
        let masked = mask(text, false);
        assert_eq!(masked, "SELECT \"?\" FROM m WHERE host = \"?\"");
        assert_eq!(mask(text, true), text);
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(BYTES_MAX);
        let kept = cut(&long);
        assert!(
            kept.ends_with("ä …") && kept.len() <= BYTES_MAX + 4,
            "{}",
            kept.len()
        );
        let odd = format!("x{long}");
        assert!(cut(&odd).ends_with("ä …"));
    }
}
