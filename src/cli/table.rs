//! Rows below their heads, in columns two spaces apart.
//!
//! In a table that is wider than the terminal, cells are broken between words into several lines; if
//! that does not help, every row becomes a record, one line per cell. Without a terminal nothing is
//! broken, so that a row is one line for programs.

use super::terminal::{self, char_width, visible, width};

/// The columns between two cells.
const GAP: usize = 2;

/// Words up to this many columns, such as ids and times, are not broken in a cell.
const WORD_COLUMNS_MAX: usize = 24;

/// Cells up to this many columns, such as `76.15 KiB`, are not broken at all.
const CELL_COLUMNS_MIN: usize = 12;

/// A record's values are not broken to less than this, in columns.
const VALUE_COLUMNS_MIN: usize = 16;

/// The table for standard output.
pub(super) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    render(heads, rows, terminal::columns())
}

fn render<const N: usize>(
    heads: [&str; N],
    rows: &[[String; N]],
    columns: Option<usize>,
) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| visible(cell)))
        .collect();
    let columns = columns.unwrap_or(usize::MAX);
    let text = match fit(&heads, &rows, columns) {
        Some(widths) => {
            let heads = heads.map(str::to_owned);
            let rows = std::iter::once(&heads).chain(&rows);
            rows.map(|row| lines(row, &widths)).collect()
        }
        None => records(&heads, &rows, columns),
    };
    text.trim_end().to_owned()
}

/// The width of each column so that all fit; none if they cannot.
fn fit<const N: usize>(
    heads: &[&str; N],
    rows: &[[String; N]],
    columns: usize,
) -> Option<[usize; N]> {
    let widest = |place: usize, head: &str, of: &dyn Fn(&str) -> usize| {
        let cells = rows.iter().filter_map(|row| row.get(place));
        let widths = cells.map(|cell| of(cell));
        widths.fold(width(head), usize::max)
    };
    let mut place = 0;
    let mut widths = heads.map(|head| {
        let wide = widest(place, head, &|cell| width(cell));
        let narrow = widest(place, head, &|cell| {
            let words = words(cell).map(|word| width(word.trim_end()));
            let whole = width(cell).min(CELL_COLUMNS_MIN);
            let words = words.max().unwrap_or(0).min(WORD_COLUMNS_MAX);
            words.max(whole)
        });
        place += 1;
        (wide, narrow)
    });
    let gaps = GAP * N.saturating_sub(1);
    while gaps + widths.iter().map(|(now, _)| now).sum::<usize>() > columns {
        let can = widths.iter_mut().filter(|(now, narrow)| now > narrow);
        let (widest, _) = can.max_by_key(|(now, _)| *now)?;
        *widest -= 1;
    }
    Some(widths.map(|(now, _)| now))
}

/// A row, with its line feeds.
fn lines<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let cells = row.iter().zip(widths);
    let cells: Vec<(Vec<String>, usize)> = cells
        .map(|(cell, width)| (wrap(cell, *width), *width))
        .collect();
    let count = cells.iter().map(|(lines, _)| lines.len()).max();
    let mut text = String::new();
    for line in 0..count.unwrap_or(0) {
        let mut written = String::new();
        for (cell, columns) in &cells {
            let part = cell.get(line).map_or("", String::as_str);
            let blanks = columns.saturating_sub(width(part)) + GAP;
            written.push_str(part);
            written.push_str(&" ".repeat(blanks));
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    text
}

/// A line per cell, a blank one between two rows.
fn records<const N: usize>(heads: &[&str; N], rows: &[[String; N]], columns: usize) -> String {
    let widest = heads.iter().map(|head| width(head)).max().unwrap_or(0);
    let value = columns.saturating_sub(widest + GAP).max(VALUE_COLUMNS_MIN);
    let mut text = String::new();
    for row in rows {
        for (head, cell) in heads.iter().zip(row) {
            let cell = [(*head).to_owned(), cell.clone()];
            text.push_str(&lines(&cell, &[widest, value]));
        }
        text.push('\n');
    }
    text
}

/// A cell in lines of at most this many columns; at least one line.
fn wrap(cell: &str, columns: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in words(cell) {
        if !line.is_empty() && width(&line) + width(word.trim_end()) > columns {
            lines.push(std::mem::take(&mut line));
        }
        for character in word.chars() {
            let is_full = width(&line) + char_width(character) > columns;
            if is_full && character != ' ' && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// The parts between which a cell may be broken, each with its separator.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split_inclusive([' ', ','])
}

#[cfg(test)]
mod tests {
    use super::{render, width};

    fn rows<const N: usize>(rows: &[[&str; N]]) -> Vec<[String; N]> {
        rows.iter().map(|row| row.map(str::to_owned)).collect()
    }

    const TOKENS: [[&str; 4]; 2] = [
        [
            "1",
            "operator token made by tidegate token reset-operator",
            "everything",
            "2026-11-23T10:00:00Z",
        ],
        [
            "12",
            "grafana",
            "read home,garden,kitchen,cellar,attic",
            "2026-11-23T10:00:00Z",
        ],
    ];

    #[test]
    fn columns_are_aligned_and_what_cannot_be_seen_is_shown() {
        let rows = rows(&[
            ["äöü", "1"],
            ["\x1b[31m\n", ""],
            ["温度", "2"],
            ["a\u{202e}", "3"],
        ]);
        assert_eq!(
            render(["NAME", "N"], &rows, None),
            "NAME          N\näöü           1\n\\u{1b}[31m\\n\n温度          2\na\\u{202e}     3"
        );
    }

    #[test]
    fn a_row_is_a_line_for_programs_however_long_it_is() {
        let rows = rows(&[["a b ".repeat(100).trim(), "1"]]);
        assert_eq!(render(["NAME", "N"], &rows, None).lines().count(), 2);
    }

    #[test]
    fn a_table_wider_than_the_terminal_breaks_its_cells_between_words() {
        let heads = ["ID", "DESCRIPTION", "PERMITS", "CREATED"];
        let expected = "\
ID  DESCRIPTION                 PERMITS                     CREATED
1   operator token made by      everything                  2026-11-23T10:00:00Z
    tidegate token
    reset-operator
12  grafana                     read home,garden,kitchen,   2026-11-23T10:00:00Z
                                cellar,attic";
        let text = render(heads, &rows(&TOKENS), Some(80));
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
        assert_eq!(text, expected);
        let text = render(heads, &rows(&TOKENS), Some(60));
        assert!(text.lines().all(|line| width(line) <= 60), "{text}");
        assert!(text.starts_with("ID  DESCRIPTION"), "{text}");
        for whole in ["2026-11-23T10:00:00Z", "reset-operator"] {
            assert!(text.contains(whole), "{text}");
        }
    }

    #[test]
    fn a_table_that_cannot_be_made_narrow_enough_becomes_records() {
        let rows = rows(&[
            ["home", "00000000000000ab", "2026-11-23T10:00:00Z"],
            ["温度 und mehr", "1", "-"],
        ]);
        assert_eq!(
            render(["NAME", "ID", "CREATED"], &rows, Some(30)),
            "\
NAME     home
ID       00000000000000ab
CREATED  2026-11-23T10:00:00Z

NAME     温度 und mehr
ID       1
CREATED  -"
        );
        assert_eq!(render(["NAME", "ID", "CREATED"], &rows[..0], Some(4)), "");
        let sizes = [["home".to_owned(), "76.15 KiB".to_owned()]];
        let text = render(["NAME", "SIZE"], &sizes, Some(12));
        assert_eq!(text, "NAME  home\nSIZE  76.15 KiB");
    }
}
