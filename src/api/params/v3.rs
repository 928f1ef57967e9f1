//! Parameters of `POST /api/v3/write_lp` (contract section 3.2).

use super::error::ParamError;
use super::form::{fill, pairs};
use super::words::{Words, YES_OR_NO};
use crate::line_protocol::Precision;

const FIELDS: &str = "db/precision/accept_partial/no_sync";

const PRECISIONS: Words<Precision> = Words {
    meanings: &[
        ("", Precision::Auto),
        ("auto", Precision::Auto),
        ("nanosecond", Precision::Nanosecond),
        ("ns", Precision::Nanosecond),
        ("n", Precision::Nanosecond),
        ("microsecond", Precision::Microsecond),
        ("us", Precision::Microsecond),
        ("u", Precision::Microsecond),
        ("millisecond", Precision::Millisecond),
        ("ms", Precision::Millisecond),
        ("second", Precision::Second),
        ("s", Precision::Second),
    ],
    told: "one of `auto`, `nanosecond`, `microsecond`, `millisecond`, `second`, \
                          `ns`, `n`, `us`, `u`, `ms`, `s`",
};

/// The parameters of a v3 write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V3WriteParams {
    /// The database, not empty.
    pub db: String,
    /// Unit of the timestamps.
    pub precision: Precision,
    /// True if valid lines are written even if others are rejected.
    pub accept_partial: bool,
    /// True if the answer need not wait for the disk.
    pub no_sync: bool,
}

impl V3WriteParams {
    /// Reads the parameters. Reported first: a duplicate, bad UTF-8 or an unknown word, whichever
    /// comes first; then the database.
    pub fn parse(query: Option<&str>) -> Result<Self, ParamError> {
        let (mut db, mut unit, mut partial, mut no_sync) = (None, None, None, None);
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            let (name, value) = pair?;
            match name.as_str() {
                "db" => fill(&mut db, value, FIELDS, "db")?,
                "precision" => fill(
                    &mut unit,
                    PRECISIONS.read(&value, FIELDS)?,
                    FIELDS,
                    "precision",
                )?,
                "accept_partial" => {
                    let value = YES_OR_NO.read(&value, FIELDS)?;
                    fill(&mut partial, value, FIELDS, "accept_partial")?;
                }
                "no_sync" => fill(
                    &mut no_sync,
                    YES_OR_NO.read(&value, FIELDS)?,
                    FIELDS,
                    "no_sync",
                )?,
                _ => {}
            }
        }
        let missing = ParamError::MissingField {
            fields: FIELDS,
            name: "db",
        };
        Ok(Self {
            db: db.filter(|db: &String| !db.is_empty()).ok_or(missing)?,
            precision: unit.unwrap_or(Precision::Auto),
            accept_partial: partial.unwrap_or(true),
            no_sync: no_sync.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Precision, V3WriteParams};

    const PREFIX: &str = "failed to deserialize db/precision/accept_partial/no_sync in request: ";

    fn of(query: &str) -> Result<V3WriteParams, String> {
        V3WriteParams::parse(Some(query)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_database_is_enough_and_the_rest_has_defaults() {
        let defaults = V3WriteParams {
            db: "d".to_owned(),
            precision: Precision::Auto,
            accept_partial: true,
            no_sync: false,
        };
        assert_eq!(of("db=d"), Ok(defaults));
        let all = of("db=d&precision=second&accept_partial=false&no_sync=true").expect("valid");
        assert_eq!(all.precision, Precision::Second);
        assert!(!all.accept_partial && all.no_sync);
        for query in ["", "db="] {
            assert_eq!(of(query), Err(format!("{PREFIX}missing field `db`")));
        }
    }

    #[test]
    fn precisions_are_known_by_long_and_short_names() {
        for (text, precision) in [
            ("", Precision::Auto),
            ("auto", Precision::Auto),
            ("n", Precision::Nanosecond),
            ("ns", Precision::Nanosecond),
            ("nanosecond", Precision::Nanosecond),
            ("u", Precision::Microsecond),
            ("us", Precision::Microsecond),
            ("microsecond", Precision::Microsecond),
            ("ms", Precision::Millisecond),
            ("millisecond", Precision::Millisecond),
            ("s", Precision::Second),
        ] {
            let params = of(&format!("db=d&precision={text}")).expect("valid");
            assert_eq!(params.precision, precision, "{text}");
        }
        assert!(of("db=d&precision=m").is_err() && of("db=d&no_sync=1").is_err());
    }
}
