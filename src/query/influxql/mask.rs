//! Statements without their literals, for those who may see that a statement runs and not what it holds.

use super::lexer::{read, read_regex};
use super::token::{Kind, Symbol, Token};

/// Returns the text with `?` for each literal, one space for each gap, and no comments.
///
/// Where it cannot be told whether a slash divides or opens a regular expression, it opens one.
pub(crate) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut divides = false;
    loop {
        let (mut token, _) = read(text, at);
        if token.kind == Kind::End {
            break;
        }
        if token.is_symbol(Symbol::Slash) && !divides {
            token = read_regex(text, at).0;
        }
        if token.end <= at {
            break;
        }
        push(&token, text, &mut out);
        if !matches!(token.kind, Kind::Space | Kind::Comment) {
            divides = may_be_divided(token.kind);
        }
        at = token.end;
    }
    out.truncate(out.trim_end().len());
    out
}

fn push(token: &Token<'_>, text: &str, out: &mut String) {
    match token.kind {
        Kind::Space | Kind::Comment => {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        }
        Kind::Identifier | Kind::Parameter | Kind::Symbol(_) | Kind::Keyword(_) => {
            out.push_str(text.get(token.start..token.end).unwrap_or_default());
        }
        _ => out.push('?'),
    }
}

/// Returns true for a token after which a slash divides.
fn may_be_divided(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Identifier
            | Kind::Parameter
            | Kind::Number
            | Kind::Integer
            | Kind::Duration
            | Kind::Symbol(Symbol::ParenRight)
    )
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn no_literal_and_no_comment_is_left_in_a_masked_statement() {
        for (text, expected) in [
            (
                r#"SELECT mean("a b") FROM "m" WHERE host = 'secret\'s' AND v >= 12.5 GROUP BY time(10s) LIMIT 10"#,
                r#"SELECT mean("a b") FROM "m" WHERE host = ? AND v >= ? GROUP BY time(?) LIMIT ?"#,
            ),
            (
                "SELECT a/b, (a) / 2 FROM /secret/, m WHERE h =~ /secret x/ -- secret\nAND x = 1",
                "SELECT a/b, (a) / ? FROM ?, m WHERE h =~ ? AND x = ?",
            ),
            ("SELECT 'secret", "SELECT ?"),
            ("SELECT /secret", "SELECT ?"),
            ("SHOW /* secret */ DATABASES", "SHOW DATABASES"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }
}
