//! The place in a statement that an error of the server names, marked below its line.

use crate::cli::terminal::{visible, width};

/// A line and a column of a statement, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    line: usize,
    column: usize,
}

/// The most columns of a line that are shown before the place.
const BEFORE_MAX: usize = 60;

/// The most characters that are shown from the place on.
const AFTER_MAX: usize = 20;

impl Place {
    /// The place in a text that ends in `Line: 1, Column: 8`, as those about the grammar of SQL do, or
    /// in `line 1, char 8`, as those about InfluxQL.
    pub(super) fn named_in(message: &str) -> Option<Self> {
        let of_sql = || message.rsplit_once("Line: ")?.1.split_once(", Column: ");
        let of_influxql = || message.rsplit_once(" at line ")?.1.split_once(", char ");
        let (line, column) = of_sql().or_else(of_influxql)?;
        let column = column.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self {
            line: line.parse().ok()?,
            column: column.parse().ok()?,
        })
    }

    /// That line and a line with a mark below it; none if there is no such place.
    pub(super) fn shown_in(self, statement: &str) -> Option<String> {
        let line = statement.split('\n').nth(self.line.saturating_sub(1));
        let line: Vec<char> = line.unwrap_or_default().chars().collect();
        let at = self.column.saturating_sub(1);
        if at > line.len() || line.is_empty() {
            return None;
        }
        let (before, after) = line.split_at(at);
        let cut = before.len().saturating_sub(BEFORE_MAX);
        let part =
            |characters: &mut dyn Iterator<Item = &char>| visible(&characters.collect::<String>());
        let before = part(&mut before.iter().skip(cut));
        let after = part(&mut after.iter().take(AFTER_MAX));
        let blanks = " ".repeat(width(&before));
        Some(format!("  {before}{after}\n  {blanks}^"))
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    fn shown(message: &str, statement: &str) -> Option<String> {
        Place::named_in(message)?.shown_in(statement)
    }

    #[test]
    fn the_place_of_an_error_is_marked_below_its_line() {
        let told = |text: &str| Some(text.to_owned());
        assert_eq!(
            shown(
                "Expected: x, found: FORM at Line: 2, Column: 3",
                "SELECT\n\t温FORM x"
            ),
            told("  \\t温FORM x\n      ^")
        );
        assert_eq!(
            shown("found: EOF at Line: 1, Column: 7", "SELECT"),
            told("  SELECT\n        ^")
        );
        let influxql = "error parsing query: found FROM, expected identifier at line 1, char 8";
        assert_eq!(
            shown(influxql, "SELECT FROM m"),
            told("  SELECT FROM m\n         ^")
        );
        let long = format!("{}FORM {}", "x".repeat(100), "y".repeat(100));
        assert_eq!(
            shown("at Line: 1, Column: 101", &long),
            told(&format!(
                "  {}FORM {}\n  {}^",
                "x".repeat(60),
                "y".repeat(15),
                " ".repeat(60)
            ))
        );
    }

    #[test]
    fn what_names_no_place_or_one_that_is_not_there_shows_none() {
        for message in [
            "no field named x",
            "Line: x, Column: 1",
            "Line: 1, Column: ",
        ] {
            assert_eq!(shown(message, "SELECT 1"), None, "{message}");
        }
        for message in ["at Line: 2, Column: 1", "at Line: 1, Column: 90"] {
            assert_eq!(shown(message, "SELECT 1"), None, "{message}");
        }
    }
}
