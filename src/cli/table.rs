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

/// The side of its column on which a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    #[cfg_attr(
        not(feature = "query"),
        allow(dead_code, reason = "only answers have numbers")
    )]
    Right,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    name: String,
    side: Side,
}

impl Head {
    /// A head with this name, whose cells stand on this side.
    pub(super) fn new(name: &str, side: Side) -> Self {
        let name = visible(name);
        Self { name, side }
    }
}

/// The table for standard output.
pub(super) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let heads = heads.map(|head| Head::new(head, Side::Left));
    render(&heads, rows, terminal::columns())
}

/// The table of rows that have as many cells as there are heads, for a terminal of this many columns.
pub(super) fn render<Row: AsRef<[String]>>(
    heads: &[Head],
    rows: &[Row],
    columns: Option<usize>,
) -> String {
    let seen = |row: &Row| row.as_ref().iter().map(|cell| visible(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(seen).collect();
    let columns = columns.unwrap_or(usize::MAX);
    let text = match fit(heads, &rows, columns) {
        Some(widths) => {
            let names = heads.iter().map(|head| head.name.clone()).collect();
            let sides: Vec<Side> = heads.iter().map(|head| head.side).collect();
            let rows = std::iter::once(&names).chain(&rows);
            rows.map(|row| lines(row, &widths, &sides)).collect()
        }
        None => records(heads, &rows, columns),
    };
    text.trim_end().to_owned()
}

/// The width of each column so that all fit; none if they cannot.
fn fit(heads: &[Head], rows: &[Vec<String>], columns: usize) -> Option<Vec<usize>> {
    let widest = |place: usize, head: &Head, of: &dyn Fn(&str) -> usize| {
        let cells = rows.iter().filter_map(|row| row.get(place));
        let widths = cells.map(|cell| of(cell));
        widths.fold(width(&head.name), usize::max)
    };
    let widths = heads.iter().enumerate().map(|(place, head)| {
        let wide = widest(place, head, &|cell| width(cell));
        let narrow = match head.side {
            Side::Left => widest(place, head, &narrowest),
            // A number in two lines would be read as two.
            Side::Right => wide,
        };
        (wide, narrow)
    });
    let mut widths: Vec<(usize, usize)> = widths.collect();
    let gaps = GAP * heads.len().saturating_sub(1);
    while gaps + widths.iter().map(|(now, _)| now).sum::<usize>() > columns {
        let can = widths.iter_mut().filter(|(now, narrow)| now > narrow);
        let (widest, _) = can.max_by_key(|(now, _)| *now)?;
        *widest -= 1;
    }
    Some(widths.into_iter().map(|(now, _)| now).collect())
}

/// The columns that a cell needs at least.
fn narrowest(cell: &str) -> usize {
    let words = words(cell).map(|word| width(word.trim_end()));
    let words = words.max().unwrap_or(0).min(WORD_COLUMNS_MAX);
    words.max(width(cell).min(CELL_COLUMNS_MIN))
}

/// A row, with its line feeds.
fn lines(row: &[String], widths: &[usize], sides: &[Side]) -> String {
    let cells = row.iter().zip(widths).zip(sides);
    let cells: Vec<(Vec<String>, usize, Side)> = cells
        .map(|((cell, width), side)| (wrap(cell, *width), *width, *side))
        .collect();
    let count = cells.iter().map(|(lines, ..)| lines.len()).max();
    let mut text = String::new();
    for line in 0..count.unwrap_or(0) {
        let mut written = String::new();
        for (cell, columns, side) in &cells {
            let part = cell.get(line).map_or("", String::as_str);
            let blanks = " ".repeat(columns.saturating_sub(width(part)));
            match side {
                Side::Left => written.extend([part, &blanks]),
                Side::Right => written.extend([&blanks, part]),
            }
            written.push_str(&" ".repeat(GAP));
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    text
}

/// A line per cell, a blank one between two rows.
fn records(heads: &[Head], rows: &[Vec<String>], columns: usize) -> String {
    let widest = heads
        .iter()
        .map(|head| width(&head.name))
        .max()
        .unwrap_or(0);
    let value = columns.saturating_sub(widest + GAP).max(VALUE_COLUMNS_MIN);
    let mut text = String::new();
    for row in rows {
        for (head, cell) in heads.iter().zip(row) {
            let cell = [head.name.clone(), cell.clone()];
            text.push_str(&lines(&cell, &[widest, value], &[Side::Left; 2]));
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
    use super::{Head, Side, width};

    fn render<const N: usize>(
        heads: [&str; N],
        rows: &[[String; N]],
        columns: Option<usize>,
    ) -> String {
        let heads = heads.map(|head| Head::new(head, Side::Left));
        super::render(&heads, rows, columns)
    }

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
    fn numbers_stand_on_the_right_and_are_not_broken() {
        let heads = [("note", Side::Left), ("n\t", Side::Right)];
        let heads = heads.map(|(name, side)| Head::new(name, side));
        let number = "-1234567890123456789012345";
        let cells = rows(&[["so it is, and was", number], ["", "5"]]);
        let expected = [
            format!("{:12}  {:>26}", "note", "n\\t"),
            format!("{:12}  {number}", "so it is,"),
            "and was".to_owned(),
            format!("{:12}  {:>26}", "", "5"),
        ];
        let text = super::render(&heads, &cells, Some(40));
        assert_eq!(text, expected.join("\n"));
        let narrow = super::render(&heads, &cells, Some(39));
        assert!(
            narrow.starts_with("note  so it is, and was\nn\\t   -1234"),
            "{narrow}"
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
