//! The statement of `/query`: in the query string, or in a form as the body.

use super::error::ParamError;
use super::form::{fill, pairs};

const FIELDS: &str = "q/db";

/// Returns `q`, from the query string if it is there.
pub fn statement_of(query: Option<&str>, form: &str) -> Result<String, ParamError> {
    let mut found = None;
    for source in [query.unwrap_or_default(), form] {
        let mut statement = None;
        for pair in pairs(source, FIELDS) {
            let (name, value) = pair?;
            if name == "q" {
                fill(&mut statement, value, FIELDS, "q")?;
            }
        }
        found = found.or(statement);
    }
    let missing = ParamError::MissingField {
        fields: FIELDS,
        name: "q",
    };
    found.filter(|text| !text.trim().is_empty()).ok_or(missing)
}

#[cfg(test)]
mod tests {
    use super::statement_of;

    #[test]
    fn the_statement_is_found_in_the_query_string_or_in_the_form() {
        let text = |query, form| statement_of(query, form).map_err(|error| error.to_string());
        let show = Ok("SHOW DATABASES".to_owned());
        assert_eq!(text(Some("q=SHOW+DATABASES&db=x"), ""), show);
        assert_eq!(text(None, "db=x&q=SHOW%20DATABASES"), show);
        assert_eq!(text(Some("q=SHOW+DATABASES"), "q=other"), show);
        let told = "failed to deserialize q/db in request: missing field `q`".to_owned();
        assert_eq!(text(Some("q=+"), ""), Err(told.clone()));
        assert_eq!(text(None, ""), Err(told));
        let told = "failed to deserialize q/db in request: duplicate field `q`".to_owned();
        assert_eq!(text(Some("q=a&q=b"), ""), Err(told));
    }
}
