//! Options of a session, of which there are two with one value each: nothing is kept between calls.
//! JDBC sets `catalog` when it connects with one (query contract, on Flight SQL).

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use super::catalog::{CATALOG, SCHEMA};
use super::messages::{
    CloseSessionResult, CloseStatus, ErrorValue, GetSessionOptionsResult, OptionError,
    SessionOptionValue, SetSessionOptionsRequest, SetSessionOptionsResult,
};
use super::status;

const OPTIONS: [(&str, &str); 2] = [("catalog", CATALOG), ("schema", SCHEMA)];

/// Accepts the values that hold anyway. The others are named in the answer.
pub(super) fn set(body: Bytes) -> Result<Vec<u8>, Status> {
    let request = SetSessionOptionsRequest::decode(body)
        .map_err(|error| status::invalid(format!("SetSessionOptions: {error}")))?;
    let options = request.session_options.into_iter();
    let errors = options.filter_map(|(name, value)| {
        let error = OptionError {
            value: error(&name, &value)? as i32,
        };
        Some((name, error))
    });
    let result = SetSessionOptionsResult {
        errors: errors.collect(),
    };
    Ok(result.encode_to_vec())
}

fn error(name: &str, value: &SessionOptionValue) -> Option<ErrorValue> {
    let known = OPTIONS.iter().find(|(known, _)| *known == name);
    let Some((_, only)) = known else {
        return Some(ErrorValue::InvalidName);
    };
    let fits = value.string_value.as_deref() == Some(only);
    (!fits).then_some(ErrorValue::InvalidValue)
}

pub(super) fn get() -> Vec<u8> {
    let options = OPTIONS.map(|(name, value)| {
        let value = SessionOptionValue {
            string_value: Some(value.to_owned()),
        };
        (name.to_owned(), value)
    });
    let result = GetSessionOptionsResult {
        session_options: options.into(),
    };
    result.encode_to_vec()
}

pub(super) fn close() -> Vec<u8> {
    let result = CloseSessionResult {
        status: CloseStatus::Closed as i32,
    };
    result.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::{get, set};
    use crate::flight::messages::{
        ErrorValue, GetSessionOptionsResult, SessionOptionValue, SetSessionOptionsRequest,
        SetSessionOptionsResult,
    };

    #[test]
    fn an_option_takes_the_value_that_it_has_and_no_other() {
        let option = |name: &str, value: &str| {
            let value = SessionOptionValue {
                string_value: Some(value.to_owned()),
            };
            (name.to_owned(), value)
        };
        let request = SetSessionOptionsRequest {
            session_options: [
                option("catalog", "public"),
                option("schema", "other"),
                option("speed", "high"),
            ]
            .into(),
        };
        let answer = set(request.encode_to_vec().into()).expect("an answer");
        let answer = SetSessionOptionsResult::decode(answer.as_slice()).expect("a message");
        let error = |name: &str| answer.errors.get(name).map(|error| error.value());
        assert_eq!(error("catalog"), None);
        assert_eq!(error("schema"), Some(ErrorValue::InvalidValue));
        assert_eq!(error("speed"), Some(ErrorValue::InvalidName));
        let options = GetSessionOptionsResult::decode(get().as_slice()).expect("a message");
        assert_eq!(options.session_options.len(), 2);
    }
}
