//! Parameters of v1's `POST /write` (contract section 3.1).

use super::error::ParamError;
use super::form::{fill, pairs};
use super::words::Words;
use crate::line_protocol::Precision;

const FIELDS: &str = "db/rp/precision";

const PRECISIONS: Words<Precision> = Words {
    meanings: &[
        ("", Precision::Nanosecond),
        ("n", Precision::Nanosecond),
        ("ns", Precision::Nanosecond),
        ("u", Precision::Microsecond),
        ("us", Precision::Microsecond),
        ("µ", Precision::Microsecond),
        ("ms", Precision::Millisecond),
        ("s", Precision::Second),
        ("m", Precision::Minute),
        ("h", Precision::Hour),
    ],
    told: "one of `n`, `ns`, `u`, `us`, `µ`, `ms`, `s`, `m`, `h`",
};

/// The parameters of a v1 write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V1WriteParams {
    /// The database, not empty.
    pub db: String,
    /// The retention policy; empty for the database's own.
    pub rp: String,
    /// Unit of the timestamps.
    pub precision: Precision,
}

impl V1WriteParams {
    /// Reads the parameters. Reported first: a duplicate, bad UTF-8 or an unknown word, whichever
    /// comes first; then the database. Credentials and `consistency` are ignored here.
    pub fn parse(query: Option<&str>) -> Result<Self, ParamError> {
        let (mut db, mut rp, mut unit) = (None, None, None);
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            match pair? {
                (name, value) if name == "db" => fill(&mut db, value, FIELDS, "db")?,
                (name, value) if name == "rp" => fill(&mut rp, value, FIELDS, "rp")?,
                (name, value) if name == "precision" => {
                    fill(
                        &mut unit,
                        PRECISIONS.read(&value, FIELDS)?,
                        FIELDS,
                        "precision",
                    )?;
                }
                _ => {}
            }
        }
        let missing = ParamError::MissingField {
            fields: FIELDS,
            name: "db",
        };
        Ok(Self {
            db: db.filter(|db: &String| !db.is_empty()).ok_or(missing)?,
            rp: rp.unwrap_or_default(),
            precision: unit.unwrap_or(Precision::Nanosecond),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Precision, V1WriteParams};

    const PREFIX: &str = "failed to deserialize db/rp/precision in request: ";

    fn of(query: &str) -> Result<V1WriteParams, String> {
        V1WriteParams::parse(Some(query)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_database_is_enough_and_must_be_there() {
        let params = of("db=my+db&u=me&p=a&p=b&consistency=all").expect("valid");
        assert_eq!((params.db.as_str(), params.rp.as_str()), ("my db", ""));
        for query in ["", "db=", "rp=x&precision=s"] {
            assert_eq!(
                of(query),
                Err(format!("{PREFIX}missing field `db`")),
                "{query}"
            );
        }
        let told = Err(format!("{PREFIX}duplicate field `rp`"));
        assert_eq!(of("rp=a&rp=b"), told);
    }

    #[test]
    fn v1_has_nine_words_for_six_precisions() {
        for (text, precision) in [
            ("", Precision::Nanosecond),
            ("n", Precision::Nanosecond),
            ("ns", Precision::Nanosecond),
            ("u", Precision::Microsecond),
            ("us", Precision::Microsecond),
            ("%C2%B5", Precision::Microsecond),
            ("ms", Precision::Millisecond),
            ("s", Precision::Second),
            ("m", Precision::Minute),
            ("h", Precision::Hour),
        ] {
            let params = of(&format!("db=d&precision={text}")).expect("valid");
            assert_eq!(params.precision, precision, "{text}");
        }
        let told = of("precision=d").expect_err("unknown");
        assert_eq!(
            told,
            format!(
                "{PREFIX}unknown variant `d`, expected {}",
                super::PRECISIONS.told
            )
        );
    }
}
