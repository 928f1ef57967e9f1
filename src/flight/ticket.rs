//! Tickets: what a `DoGet` asks for (query contract, on tickets). Three forms: JSON, as the clients
//! of InfluxDB 3 write it; an `Any` with a message of ours, of InfluxDB 3 or of Flight SQL; and the
//! bare message of InfluxDB 3.

use std::collections::HashMap;

use arrow_flight::sql::Any;
use bytes::Bytes;
use prost::Message;
use serde::Deserialize;
use tidegate_query::ScalarValue;
use tonic::Status;

use super::asks::Protocol;
use super::messages::{ParamValue, QueryType, READ_INFO_URL, ReadInfo, TICKET_URL, TicketContents};
use super::status;
use super::values::Values;

/// What a ticket stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ticket {
    /// The bucket, if the ticket names it.
    pub(super) database: Option<String>,
    pub(super) subject: Subject,
    /// The protocol that its form belongs to.
    pub(super) protocol: Protocol,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    /// A question in SQL.
    Query { text: String, values: Values },
    /// A statement of InfluxQL.
    InfluxQl { text: String, values: Values },
    /// A command of Flight SQL.
    Command(Any),
}

impl Ticket {
    /// Reads a ticket of any form.
    pub(super) fn read(bytes: &Bytes) -> Result<Self, Status> {
        if bytes.trim_ascii_start().starts_with(b"{") {
            return of_json(bytes);
        }
        match Any::decode(bytes.clone()) {
            Ok(any) if any.type_url == TICKET_URL => {
                let contents = TicketContents::decode(any.value).map_err(|_| unreadable())?;
                Self::try_from(contents)
            }
            Ok(any) if any.type_url == READ_INFO_URL => {
                let info = ReadInfo::decode(any.value).map_err(|_| unreadable())?;
                Self::try_from(info)
            }
            Ok(any) if any.type_url.starts_with("type.googleapis.com/") => Ok(Self {
                database: None,
                subject: Subject::Command(any),
                protocol: Protocol::FlightSql,
            }),
            _ => Self::try_from(ReadInfo::decode(bytes.clone()).map_err(|_| unreadable())?),
        }
    }

    /// Reads the handle of a prepared statement.
    pub(super) fn of_handle(handle: &Bytes) -> Result<TicketContents, Status> {
        let contents = TicketContents::decode(handle.clone()).ok();
        contents
            .filter(|contents| !contents.query.is_empty())
            .ok_or_else(|| status::invalid("the handle of the prepared statement is not ours"))
    }
}

impl TicketContents {
    /// The ticket for this.
    pub(super) fn ticket(&self) -> Bytes {
        let any = Any {
            type_url: TICKET_URL.to_owned(),
            value: self.encode_to_vec().into(),
        };
        any.encode_to_vec().into()
    }
}

impl TryFrom<TicketContents> for Ticket {
    type Error = Status;

    fn try_from(contents: TicketContents) -> Result<Self, Status> {
        let subject = match contents.command.is_empty() {
            true if contents.influxql => Subject::InfluxQl {
                text: contents.query,
                values: Values::of_stream(contents.values),
            },
            true => Subject::Query {
                text: contents.query,
                values: Values::of_stream(contents.values),
            },
            false => Subject::Command(Any::decode(contents.command).map_err(|_| unreadable())?),
        };
        Ok(Self {
            database: Some(contents.database).filter(|name| !name.is_empty()),
            subject,
            protocol: Protocol::FlightSql,
        })
    }
}

impl TryFrom<ReadInfo> for Ticket {
    type Error = Status;

    fn try_from(info: ReadInfo) -> Result<Self, Status> {
        let subject = match info.query_type() {
            QueryType::FlightSqlMessage => {
                Subject::Command(Any::decode(info.flightsql_command).map_err(|_| unreadable())?)
            }
            language => {
                let params = info.params.into_iter();
                let named = params.map(|param| (param.name, scalar(param.value)));
                let (text, values) = (info.sql_query, Values::named(named.collect()));
                match language {
                    QueryType::InfluxQl => Subject::InfluxQl { text, values },
                    _ => Subject::Query { text, values },
                }
            }
        };
        if info.database.is_empty() {
            return Err(unreadable());
        }
        let protocol = match subject {
            Subject::Query { .. } | Subject::InfluxQl { .. } => Protocol::Flight,
            Subject::Command(_) => Protocol::FlightSql,
        };
        Ok(Self {
            database: Some(info.database),
            subject,
            protocol,
        })
    }
}

fn scalar(value: Option<ParamValue>) -> ScalarValue {
    match value {
        None | Some(ParamValue::Null(_)) => ScalarValue::Null,
        Some(ParamValue::Boolean(value)) => value.into(),
        Some(ParamValue::Unsigned(value)) => value.into(),
        Some(ParamValue::Integer(value)) => value.into(),
        Some(ParamValue::Float(value)) => value.into(),
        Some(ParamValue::String(value)) => value.into(),
    }
}

/// A ticket in JSON. Other members are ignored.
#[derive(Deserialize)]
struct Json {
    #[serde(alias = "namespace_name", alias = "bucket", alias = "bucket-name")]
    database: String,
    sql_query: String,
    #[serde(default)]
    query_type: Option<String>,
    #[serde(default)]
    params: Option<HashMap<String, serde_json::Value>>,
}

fn of_json(bytes: &[u8]) -> Result<Ticket, Status> {
    let json: Json = serde_json::from_slice(bytes)
        .map_err(|error| status::invalid(format!("Invalid ticket. Error: {error}")))?;
    let language = json.query_type.as_deref().unwrap_or("sql");
    let is_influxql = language.eq_ignore_ascii_case("influxql");
    if !is_influxql && !language.eq_ignore_ascii_case("sql") {
        let text = "Invalid ticket. Error: query_type is neither \"sql\" nor \"influxql\"";
        return Err(status::invalid(text));
    }
    let params = json.params.unwrap_or_default().into_iter();
    let named = params.map(|(name, value)| {
        let value = json_scalar(&name, value)?;
        Ok((name, value))
    });
    let (text, values) = (
        json.sql_query,
        Values::named(named.collect::<Result<_, Status>>()?),
    );
    Ok(Ticket {
        database: Some(json.database),
        subject: match is_influxql {
            true => Subject::InfluxQl { text, values },
            false => Subject::Query { text, values },
        },
        protocol: Protocol::Flight,
    })
}

fn json_scalar(name: &str, value: serde_json::Value) -> Result<ScalarValue, Status> {
    use serde_json::Value;
    Ok(match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(value) => value.into(),
        Value::String(value) => value.into(),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => value.into(),
            (_, Some(value), _) => value.into(),
            (_, _, Some(value)) => value.into(),
            _ => return Err(unfit(name)),
        },
        Value::Array(_) | Value::Object(_) => return Err(unfit(name)),
    })
}

fn unfit(name: &str) -> Status {
    status::invalid(format!(
        "the parameter \"{name}\" is neither null, a bool, a number nor a string"
    ))
}

fn unreadable() -> Status {
    status::invalid("Invalid ticket. Error: Invalid ticket")
}

#[cfg(test)]
mod tests {
    use arrow_flight::sql::{Any, CommandGetTables, ProstMessageExt};
    use bytes::Bytes;
    use prost::Message;
    use tidegate_query::ScalarValue;
    use tonic::Code;

    use super::super::messages::{ParamValue, QueryParam, READ_INFO_URL, ReadInfo};
    use super::super::values::Values;
    use super::{Protocol, Subject, Ticket, TicketContents};

    fn query(text: &str, values: Values) -> Ticket {
        Ticket {
            database: Some("b".to_owned()),
            subject: Subject::Query {
                text: text.to_owned(),
                values,
            },
            protocol: Protocol::Flight,
        }
    }

    fn read(text: &str) -> Result<Ticket, tonic::Status> {
        Ticket::read(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_ticket_in_json_names_its_bucket_in_one_of_four_ways() {
        let expected = query("SELECT 1", Values::None);
        for name in ["database", "namespace_name", "bucket", "bucket-name"] {
            let plain = format!(r#"{{"{name}":"b","sql_query":"SELECT 1"}}"#);
            let full = format!(
                r#" {{"query_type":"SQL","is_debug":true,"new":[],"sql_query":"SELECT 1","params":null,"{name}":"b"}}"#
            );
            assert_eq!(read(&plain).expect(name), expected);
            assert_eq!(read(&full).expect(name), expected);
        }
    }

    #[test]
    fn parameters_in_json_are_plain_values() {
        let text = r#"{"database":"b","sql_query":"q","params":
            {"a":null,"b":true,"c":-1,"d":18446744073709551615,"e":1.5,"f":"x"}}"#;
        let named = [
            ("a", ScalarValue::Null),
            ("b", ScalarValue::from(true)),
            ("c", ScalarValue::from(-1_i64)),
            ("d", ScalarValue::from(u64::MAX)),
            ("e", ScalarValue::from(1.5)),
            ("f", ScalarValue::from("x")),
        ];
        let named = named.map(|(name, value)| (name.to_owned(), value)).into();
        assert_eq!(read(text).expect("read"), query("q", Values::Named(named)));
        for nested in ["[1]", "{}"] {
            let text = format!(r#"{{"database":"b","sql_query":"q","params":{{"x":{nested}}}}}"#);
            let error = read(&text).expect_err(nested);
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().contains("\"x\""), "{error}");
        }
    }

    #[test]
    fn a_ticket_of_influxdb_may_be_bare_or_wrapped() {
        let info = ReadInfo {
            database: "b".to_owned(),
            sql_query: "q".to_owned(),
            params: vec![QueryParam {
                name: "x".to_owned(),
                value: Some(ParamValue::Integer(5)),
            }],
            ..ReadInfo::default()
        };
        let named = [("x".to_owned(), ScalarValue::from(5_i64))].into();
        let expected = query("q", Values::Named(named));
        let bare = Bytes::from(info.encode_to_vec());
        assert_eq!(Ticket::read(&bare).expect("bare"), expected);
        let any = Any {
            type_url: READ_INFO_URL.to_owned(),
            value: bare,
        };
        let wrapped = any.encode_to_vec().into();
        assert_eq!(Ticket::read(&wrapped).expect("wrapped"), expected);
        let influxql = ReadInfo {
            query_type: 2,
            ..info
        };
        let read = Ticket::read(&influxql.encode_to_vec().into()).expect("influxql");
        assert!(matches!(read.subject, Subject::InfluxQl { text, .. } if text == "q"));
    }

    #[test]
    fn a_ticket_of_ours_holds_all_that_it_stands_for() {
        let contents = TicketContents {
            database: "b".to_owned(),
            query: "q".to_owned(),
            ..TicketContents::default()
        };
        let read = Ticket::read(&contents.ticket()).expect("a query");
        let ours = Ticket {
            protocol: Protocol::FlightSql,
            ..query("q", Values::None)
        };
        assert_eq!(read, ours);
        let command = CommandGetTables::default().as_any();
        let contents = TicketContents {
            command: command.encode_to_vec().into(),
            query: String::new(),
            ..contents
        };
        let read = Ticket::read(&contents.ticket()).expect("a command");
        assert_eq!(read.database.as_deref(), Some("b"));
        assert_eq!(read.subject, Subject::Command(command));
    }

    #[test]
    fn what_is_no_ticket_is_refused_as_such() {
        for text in [
            "",
            "x",
            "{",
            "{}",
            r#"{"database":"b"}"#,
            r#"{"database":"b","sql_query":"q","query_type":"flux"}"#,
            "\u{0}\u{1}",
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.code(), Code::InvalidArgument, "{text}");
            assert!(error.message().starts_with("Invalid ticket"), "{error}");
        }
    }
}
