//! What commands print: lines, aligned columns for people, or the server's JSON as it came.

use std::io::{self, Write as _};

use super::CliError;
use crate::client::Answer;

/// One line of standard output.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(CliError::Output)
}

/// A remark for people, on standard error. If that is gone nobody misses it.
pub(super) fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The answer's JSON, as the server gives it.
pub(super) fn json(answer: &Answer) -> Result<(), CliError> {
    line(String::from_utf8_lossy(&answer.body).trim_end())
}

/// Rows below their heads, in columns two spaces apart.
pub(super) fn table<const N: usize>(
    heads: [&str; N],
    rows: &[[String; N]],
) -> Result<(), CliError> {
    line(render(heads, rows).trim_end())
}

fn render<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = std::iter::once(heads.map(str::to_owned))
        .chain(
            rows.iter()
                .map(|row| row.each_ref().map(|cell| visible(cell))),
        )
        .collect();
    let mut text = String::new();
    for row in &rows {
        let mut written = String::new();
        for (column, cell) in row.iter().enumerate() {
            let widths = rows.iter().filter_map(|row| row.get(column));
            let width = widths.map(|cell| cell.chars().count()).max().unwrap_or(0);
            written.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    text
}

/// Text that others chose, without what a terminal would obey.
pub(super) fn visible(text: &str) -> String {
    let show = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn columns_are_aligned_and_control_characters_are_shown() {
        let rows = [
            ["äöü".to_owned(), "1".to_owned()],
            ["\x1b[31m\n".to_owned(), String::new()],
        ];
        assert_eq!(
            render(["NAME", "N"], &rows),
            "NAME          N\näöü           1\n\\u{1b}[31m\\n\n"
        );
    }
}
