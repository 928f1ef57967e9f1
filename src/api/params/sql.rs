//! Parameters of `/api/v3/query_sql` and `/api/v3/query_influxql`: in the query string, or as the members of a JSON object in the
//! body, each of them once (contract section 3.6).

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::{ParamError, echo};
use super::form::{fill, pairs};
use super::words::Words;
use crate::render::Format;

const FIELDS: &str = "db/q/format/params";

const FORMATS: Words<Option<Format>> = Words {
    meanings: &[
        ("", None),
        ("json", Some(Format::Json)),
        ("jsonl", Some(Format::Lines)),
        ("json_lines", Some(Format::Lines)),
        ("csv", Some(Format::Csv)),
        ("pretty", Some(Format::Table)),
        ("parquet", Some(Format::Parquet)),
        ("arrow", Some(Format::Arrow)),
    ],
    told: "one of `json`, `jsonl`, `csv`, `pretty`, `parquet`, `arrow`",
};

/// The question that is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlParams {
    /// The database, not empty.
    pub db: String,
    /// The question, not blank.
    pub text: String,
    /// The format; absent if the `Accept` header decides.
    pub format: Option<Format>,
    /// The values of its parameters by name: no lists, no objects.
    pub values: Map<String, Value>,
}

/// What a request gives so far.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GivenSql {
    db: Option<String>,
    q: Option<String>,
    format: Option<String>,
    params: Option<Map<String, Value>>,
}

impl GivenSql {
    /// Reads a query string. Reported first: a duplicate, bad UTF-8, or `params` that is no object,
    /// whichever comes first.
    pub fn of_query(query: Option<&str>) -> Result<Self, ParamError> {
        let mut given = Self::default();
        let mut params = None;
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            match pair? {
                (name, value) if name == "db" => fill(&mut given.db, value, FIELDS, "db")?,
                (name, value) if name == "q" => fill(&mut given.q, value, FIELDS, "q")?,
                (name, value) if name == "format" => {
                    fill(&mut given.format, value, FIELDS, "format")?;
                }
                (name, value) if name == "params" => {
                    fill(&mut params, object(&value)?, FIELDS, "params")?;
                }
                _ => {}
            }
        }
        given.params = params.flatten();
        Ok(given)
    }

    /// Adds what the body gives. Reported first: a duplicate.
    pub fn and(mut self, body: Self) -> Result<Self, ParamError> {
        let Self {
            db,
            q,
            format,
            params,
        } = body;
        add(&mut self.db, db, "db")?;
        add(&mut self.q, q, "q")?;
        add(&mut self.format, format, "format")?;
        add(&mut self.params, params, "params")?;
        Ok(self)
    }

    /// The statement of InfluxQL, which may name its database itself, with the name of the database
    /// apart. Reported first: as for [`GivenSql::complete`].
    pub fn complete_influxql(mut self) -> Result<(Option<String>, SqlParams), ParamError> {
        let db = self.db.take().filter(|db| !db.is_empty());
        self.db = Some(db.clone().unwrap_or_else(|| "-".to_owned()));
        Ok((db, self.complete()?))
    }

    /// The question. Reported first: an unknown format; then what is missing; then a value that
    /// is a list or an object.
    pub fn complete(self) -> Result<SqlParams, ParamError> {
        let format = FORMATS.read(&self.format.unwrap_or_default(), FIELDS)?;
        let db = self.db.filter(|db| !db.is_empty());
        let text = self.q.filter(|text| !text.trim().is_empty());
        let (db, text) = match (db, text) {
            (Some(db), Some(text)) => (db, text),
            (None, Some(_)) => return Err(ParamError::MissingQuestion("parameter 'db'")),
            (Some(_), None) => return Err(ParamError::MissingQuestion("parameter 'q'")),
            (None, None) => return Err(ParamError::MissingQuestion("parameters 'db' and 'q'")),
        };
        let values = self.params.unwrap_or_default();
        let nested = |value: &Value| value.is_array() || value.is_object();
        match values.iter().find(|(_, value)| nested(value)) {
            Some((name, _)) => Err(ParamError::Nested { name: echo(name) }),
            None => Ok(SqlParams {
                db,
                text,
                format,
                values,
            }),
        }
    }
}

fn add<T>(slot: &mut Option<T>, value: Option<T>, name: &'static str) -> Result<(), ParamError> {
    value.map_or(Ok(()), |value| fill(slot, value, FIELDS, name))
}

/// An object as text; none if the text is blank or `null`.
fn object(text: &str) -> Result<Option<Map<String, Value>>, ParamError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map_err(|fault| ParamError::NoObject {
        fields: FIELDS,
        fault: echo(&fault.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Format, GivenSql, SqlParams};

    fn of(query: &str, body: &serde_json::Value) -> Result<SqlParams, String> {
        let given = GivenSql::of_query(Some(query));
        let body = serde_json::from_value(body.clone()).expect("members of these types");
        let given = given.and_then(|given| given.and(body));
        let asked = given.and_then(GivenSql::complete);
        asked.map_err(|error| error.to_string())
    }

    #[test]
    fn a_question_stands_in_the_query_string_or_in_the_body_or_in_both() {
        let expected = SqlParams {
            db: "d".to_owned(),
            text: "SELECT $a".to_owned(),
            format: Some(Format::Csv),
            values: [("a".to_owned(), json!(1.5))].into_iter().collect(),
        };
        let all = "db=d&q=SELECT+$a&format=csv&params=%7B%22a%22:1.5%7D";
        assert_eq!(of(all, &json!({})), Ok(expected.clone()));
        let body = json!({"db": "d", "q": "SELECT $a", "format": "csv", "params": {"a": 1.5}});
        assert_eq!(of("", &body), Ok(expected.clone()));
        assert_eq!(
            of("chunked=true&db=&", &json!({"q": "x"})).unwrap_err(),
            "missing query parameter 'db'"
        );
        let body = json!({"q": "SELECT $a", "params": {"a": 1.5}, "other": [1]});
        assert_eq!(of("db=d&format=csv", &body), Ok(expected));
        let bare = of("db=d&q=x&format=&params=", &json!({"params": null})).expect("complete");
        assert_eq!((bare.format, bare.values.len()), (None, 0));
    }

    #[test]
    fn a_format_has_its_names() {
        for (name, format) in [
            ("json", Format::Json),
            ("jsonl", Format::Lines),
            ("json_lines", Format::Lines),
            ("csv", Format::Csv),
            ("pretty", Format::Table),
            ("parquet", Format::Parquet),
            ("arrow", Format::Arrow),
        ] {
            let asked = of(&format!("db=d&q=x&format={name}"), &json!({}));
            assert_eq!(asked.expect("complete").format, Some(format), "{name}");
        }
    }

    #[test]
    fn what_is_missing_twice_or_unknown_is_named() {
        let prefix = "failed to deserialize db/q/format/params in request: ";
        for (query, body, told) in [
            ("", json!({}), "missing query parameters 'db' and 'q'"),
            ("q=x", json!({}), "missing query parameter 'db'"),
            ("db=d&q=+%0A", json!({}), "missing query parameter 'q'"),
            (
                "db=d&db=d",
                json!({}),
                &format!("{prefix}duplicate field `db`"),
            ),
            (
                "q=x&db=d",
                json!({"q": "x"}),
                &format!("{prefix}duplicate field `q`"),
            ),
            (
                "params=&params=",
                json!({}),
                &format!("{prefix}duplicate field `params`"),
            ),
            (
                "db=d&q=x&format=xml",
                json!({}),
                &format!(
                    "{prefix}unknown variant `xml`, expected {}",
                    super::FORMATS.told
                ),
            ),
            (
                "db=d&q=x",
                json!({"params": {"a": 1, "b": [1]}}),
                "the value of the parameter `b` is a list or an object, expected null, true, false, \
                 a number or a string",
            ),
        ] {
            assert_eq!(of(query, &body), Err(told.to_owned()), "{query} {body}");
        }
        for text in ["1", "[]", "%7B", "x"] {
            let told = of(&format!("db=d&q=x&params={text}"), &json!({})).expect_err("no object");
            assert!(
                told.starts_with(&format!("{prefix}`params` is not a JSON object: ")),
                "{told}"
            );
        }
    }
}
