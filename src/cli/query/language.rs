//! The languages of statements, and what asks in each for the same.

use clap::ValueEnum;

/// A language of statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// SQL, over tables
    #[default]
    Sql,
    /// InfluxQL, over series
    Influxql,
}

const TABLES: &str = "SELECT table_name FROM information_schema.tables \
                      WHERE table_schema = 'iox' ORDER BY table_name";

impl Language {
    /// The name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sql => "SQL",
            Self::Influxql => "InfluxQL",
        }
    }

    /// The path of the server that answers with rows.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Sql => "/api/v3/query_sql",
            Self::Influxql => "/api/v3/query_influxql",
        }
    }

    /// The statement that asks for the measurements of a bucket.
    pub(super) fn measurements(self) -> &'static str {
        match self {
            Self::Sql => TABLES,
            Self::Influxql => "SHOW MEASUREMENTS",
        }
    }
}

/// The statements that ask in InfluxQL for what a measurement has. Its name is as in line protocol, or
/// in quotes as in a statement.
pub(super) fn keys_of(measurement: &str) -> String {
    let is_quoted =
        measurement.len() > 1 && measurement.starts_with('"') && measurement.ends_with('"');
    let name = match is_quoted {
        true => measurement.to_owned(),
        false => {
            let inner = measurement.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{inner}\"")
        }
    };
    format!("SHOW FIELD KEYS FROM {name}; SHOW TAG KEYS FROM {name}")
}

#[cfg(test)]
mod tests {
    use super::keys_of;

    #[test]
    fn a_measurement_is_named_as_in_line_protocol_or_in_quotes() {
        for (name, quoted) in [
            ("room", "\"room\""),
            ("Wind Speed", "\"Wind Speed\""),
            ("\"a.b\"", "\"a.b\""),
            ("a\"b\\", "\"a\\\"b\\\\\""),
            ("\"", "\"\\\"\""),
        ] {
            let asked = format!("SHOW FIELD KEYS FROM {quoted}; SHOW TAG KEYS FROM {quoted}");
            assert_eq!(keys_of(name), asked, "{name}");
        }
    }
}
