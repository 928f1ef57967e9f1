//! The formats in which an answer is written, and which one it is if none is named.

use std::path::Path;

use clap::ValueEnum;

use crate::render;

/// A format of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A table for people to look at
    Table,
    /// CSV with a header; NULL is empty
    Csv,
    /// One JSON array of objects; NULL is left out
    Json,
    /// A JSON object per line
    Jsonl,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

impl Format {
    /// The format for this file, by the end of its name; CSV if it has none, and a table on a terminal.
    ///
    /// # Errors
    /// The end of the name promises something else.
    pub(super) fn usual(file: Option<&Path>, is_terminal: bool) -> Result<Self, String> {
        let Some(file) = file else {
            return Ok(match is_terminal {
                true => Self::Table,
                false => Self::Csv,
            });
        };
        if file.extension().is_none() {
            return Ok(Self::Csv);
        }
        Self::promised(file).first().copied().ok_or_else(|| {
            format!(
                "{} names no format that an answer can have: give one with --format, or end it \
                 in .csv, .txt, .json, .jsonl, .parquet or .arrow",
                file.display()
            )
        })
    }

    /// Checks that a format which was asked for may be in this file.
    ///
    /// # Errors
    /// The end of the name promises another format.
    pub(super) fn belongs_in(self, file: &Path) -> Result<(), String> {
        let promised = Self::promised(file);
        if promised.is_empty() || promised.contains(&self) {
            return Ok(());
        }
        let name = self.to_possible_value();
        let name = name.map_or_else(String::new, |value| value.get_name().to_owned());
        Err(format!(
            "{} names another format than --format {name}: leave that out, or give the file another \
             name",
            file.display()
        ))
    }

    /// The formats that the end of this name stands for, the usual one first; none if it is not known.
    fn promised(file: &Path) -> &'static [Self] {
        let end = file.extension().unwrap_or_default();
        match end.to_string_lossy().to_ascii_lowercase().as_str() {
            "csv" => &[Self::Csv],
            "txt" => &[Self::Csv, Self::Table, Self::Json, Self::Jsonl],
            "json" => &[Self::Json],
            "jsonl" | "ndjson" => &[Self::Jsonl],
            "parquet" => &[Self::Parquet],
            "arrow" | "arrows" => &[Self::Arrow],
            _ => &[],
        }
    }

    /// Returns true if it can be shown on a terminal.
    pub(super) fn is_text(self) -> bool {
        !matches!(self, Self::Parquet | Self::Arrow)
    }

    /// The one that writes it; none for a table, which knows how wide the terminal is.
    pub(super) fn rendered(self) -> Option<render::Format> {
        Some(match self {
            Self::Table => return None,
            Self::Csv => render::Format::Csv,
            Self::Json => render::Format::Json,
            Self::Jsonl => render::Format::Lines,
            Self::Parquet => render::Format::Parquet,
            Self::Arrow => render::Format::Arrow,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Format;

    #[test]
    fn a_terminal_gets_a_table_a_pipe_csv_and_a_file_what_its_name_says() {
        assert_eq!(Format::usual(None, true), Ok(Format::Table));
        assert_eq!(Format::usual(None, false), Ok(Format::Csv));
        for (name, format) in [
            ("a.csv", Format::Csv),
            ("a", Format::Csv),
            ("a.txt", Format::Csv),
            ("a.json", Format::Json),
            ("a.JSONL", Format::Jsonl),
            ("x/a.b.parquet", Format::Parquet),
            ("a.arrow", Format::Arrow),
            (".json", Format::Csv),
        ] {
            let usual = Format::usual(Some(Path::new(name)), true);
            assert_eq!(usual, Ok(format), "{name}");
        }
        // From a bug: these held CSV.
        for name in ["a.xlsx", "a.tsv", "a.json.gz", "a.orc", "a.feather"] {
            let error = Format::usual(Some(Path::new(name)), false).expect_err(name);
            assert!(error.starts_with(name), "{error}");
        }
    }

    /// From a bug: `--format csv -o y.parquet` wrote CSV.
    #[test]
    fn a_format_belongs_in_a_file_whose_name_says_nothing_else() {
        for (format, name, belongs) in [
            (Format::Csv, "y.parquet", false),
            (Format::Parquet, "y.parquet", true),
            (Format::Parquet, "y.dat", true),
            (Format::Parquet, "y", true),
            (Format::Parquet, "y.txt", false),
            (Format::Table, "y.txt", true),
            (Format::Table, "y.csv", false),
            (Format::Json, "y.JSON", true),
            (Format::Jsonl, "y.json", false),
            (Format::Arrow, "y.arrows", true),
        ] {
            let told = format.belongs_in(Path::new(name));
            assert_eq!(told.is_ok(), belongs, "{format:?} {name}: {told:?}");
        }
        let told = Format::Csv.belongs_in(Path::new("y.parquet"));
        assert!(
            told.is_err_and(|text| text.starts_with("y.parquet") && text.contains("--format csv"))
        );
    }
}
