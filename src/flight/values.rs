//! The values of a question's parameters, on their way from a client to the question.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use tidegate_query::influxql::{self, Binding};
use tidegate_query::{Parameter, Parameters, ScalarValue};
use tonic::Status;

use super::asks::Bindings;
use super::row::RowReader;
use super::status;

/// The values of a question's parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// There are none.
    None,
    /// By name.
    Named(HashMap<String, ScalarValue>),
    /// A row, as a stream of Arrow IPC.
    Row(Bytes),
}

impl Values {
    pub(super) fn named(values: HashMap<String, ScalarValue>) -> Self {
        match values.is_empty() {
            true => Self::None,
            false => Self::Named(values),
        }
    }

    pub(super) fn of_stream(stream: Bytes) -> Self {
        match stream.is_empty() {
            true => Self::None,
            false => Self::Row(stream),
        }
    }

    /// The values for the parameters of a statement of InfluxQL, as [`Values::bind`].
    pub(super) fn bindings(self, text: &str) -> Result<Bindings, Status> {
        let values = match self {
            Self::None => return Ok(Bindings::new()),
            Self::Named(values) => values,
            Self::Row(_) => match self.bind(&parameters(text))? {
                Parameters::Named(values) => values,
                Parameters::Placed(values) => {
                    let numbers = (1..).map(|number: usize| number.to_string());
                    numbers.zip(values).collect()
                }
            },
        };
        let values = values.into_iter();
        Ok(values.map(|(name, value)| (name, binding(value))).collect())
    }

    /// The values for these parameters: of a row, in the order of its columns; if the parameters
    /// have names and the columns the same ones, by name.
    pub(super) fn bind(self, parameters: &[Parameter]) -> Result<Parameters, Status> {
        match self {
            Self::None => Ok(Parameters::none()),
            Self::Named(values) => Ok(Parameters::Named(values)),
            Self::Row(stream) => {
                let row = RowReader::of_stream(&stream);
                let row = row.map_err(|error| status::invalid(error.to_string()))?;
                let row = row.ok_or_else(|| {
                    status::invalid("the prepared statement has no row of values")
                })?;
                bind_row(&row, parameters)
            }
        }
    }
}

/// The parameters of a statement of InfluxQL in the order of its text. Their types are open: a value may
/// stand wherever its kind may.
pub(super) fn parameters(text: &str) -> Vec<Parameter> {
    let names = influxql::parameters(text).into_iter();
    let parameters = names.map(|name| Parameter {
        name,
        data_type: None,
    });
    parameters.collect()
}

fn binding(value: ScalarValue) -> Binding {
    let unable = |what: &str| Binding::Invalid(format!("{what} cannot be bound in InfluxQL"));
    let data_type = value.data_type();
    let value = match value.is_null() {
        true => ScalarValue::Null,
        false => match value.cast_to(&widest(&data_type)) {
            Ok(value) => value,
            Err(_) => return unable(&format!("this value of the type {data_type}")),
        },
    };
    match value {
        ScalarValue::Utf8(Some(text)) => Binding::String(text),
        ScalarValue::Boolean(Some(value)) => Binding::Boolean(value),
        ScalarValue::Int64(Some(value)) => Binding::Integer(value),
        ScalarValue::Float64(Some(value)) if value.is_finite() => Binding::Float(value),
        ScalarValue::Float64(Some(_)) => unable("a number that is not finite"),
        // Times of InfluxQL are nanoseconds since the epoch.
        ScalarValue::TimestampNanosecond(Some(ns), _) => Binding::Integer(ns),
        ScalarValue::UInt64(Some(value)) => match i64::try_from(value) {
            Ok(value) => Binding::Integer(value),
            Err(_) => unable("a number over 64 bits with a sign"),
        },
        ScalarValue::Null => unable("null"),
        _ => unable(&format!("a value of the type {data_type}")),
    }
}

/// The type of the literals that values of this one are among, if there are some.
fn widest(data_type: &DataType) -> DataType {
    match data_type {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::UInt64 => DataType::UInt64,
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        integer if integer.is_integer() => DataType::Int64,
        other => other.clone(),
    }
}

/// The stream of a row of values.
pub(super) fn write(row: &RecordBatch) -> Result<Bytes, Status> {
    let mut bytes = Vec::new();
    let written = StreamWriter::try_new(&mut bytes, &row.schema()).and_then(|mut writer| {
        writer.write(row)?;
        writer.finish()
    });
    written.map_err(|error| status::invalid(format!("the values cannot be kept: {error}")))?;
    Ok(bytes.into())
}

fn bind_row(row: &RecordBatch, parameters: &[Parameter]) -> Result<Parameters, Status> {
    if row.num_columns() != parameters.len() {
        let text = format!(
            "{} values were bound to {} parameters",
            row.num_columns(),
            parameters.len()
        );
        return Err(status::invalid(text));
    }
    let values = row.columns().iter();
    let values = values.map(|column| ScalarValue::try_from_array(column, 0));
    let values = values
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| status::invalid(format!("a value cannot be used: {error}")))?;
    if parameters
        .iter()
        .all(|parameter| parameter.name.parse::<usize>().is_ok())
    {
        return Ok(Parameters::Placed(values));
    }
    let names: Vec<String> = row.schema_ref().fields().iter().map(named).collect();
    let all_named = parameters.iter().all(|one| names.contains(&one.name));
    let names = match all_named {
        true => names,
        false => parameters.iter().map(|one| one.name.clone()).collect(),
    };
    Ok(Parameters::Named(names.into_iter().zip(values).collect()))
}

fn named(field: &arrow_schema::FieldRef) -> String {
    field.name().trim_start_matches('$').to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use tidegate_query::influxql::Binding;
    use tidegate_query::{Parameter, Parameters, ScalarValue};
    use tonic::Code;

    use super::{Values, binding, write};

    fn row(names: [&str; 2]) -> Values {
        let columns: [ArrayRef; 2] = [
            Arc::new(Int64Array::from(vec![1])),
            Arc::new(StringArray::from(vec![Some("x")])),
        ];
        let row = RecordBatch::try_from_iter(names.into_iter().zip(columns)).expect("a row");
        Values::of_stream(write(&row).expect("written"))
    }

    fn parameters<const N: usize>(names: [&str; N]) -> [Parameter; N] {
        names.map(|name| Parameter {
            name: name.to_owned(),
            data_type: None,
        })
    }

    #[test]
    fn a_row_is_bound_by_place_and_to_names_by_name_if_it_has_the_same() {
        let (one, x) = (ScalarValue::from(1_i64), ScalarValue::from("x"));
        let bound = row(["a", "b"])
            .bind(&parameters(["1", "2"]))
            .expect("bound");
        assert!(matches!(bound, Parameters::Placed(values) if values == [one.clone(), x.clone()]));
        let bound = row(["$b", "a"])
            .bind(&parameters(["a", "b"]))
            .expect("bound");
        let Parameters::Named(values) = bound else {
            panic!("not by name");
        };
        assert_eq!((&values["a"], &values["b"]), (&x, &one));
        let bound = row(["0", "1"])
            .bind(&parameters(["a", "b"]))
            .expect("bound");
        let Parameters::Named(values) = bound else {
            panic!("not by name");
        };
        assert_eq!((&values["a"], &values["b"]), (&one, &x));
    }

    #[test]
    fn a_row_is_bound_to_the_parameters_of_influxql_in_the_order_of_the_text() {
        let text = "SELECT f FROM m WHERE f > $z AND t = $a AND g < $z";
        let bound = row(["0", "1"]).bindings(text).expect("bound");
        let (one, x) = (Binding::Integer(1), Binding::String("x".to_owned()));
        assert_eq!((&bound["z"], &bound["a"]), (&one, &x));
        let bound = row(["a", "z"]).bindings(text).expect("bound");
        assert_eq!((&bound["a"], &bound["z"]), (&one, &x), "by their names");
        let bound = row(["0", "1"]).bindings("SELECT $2 FROM m WHERE f = $1");
        let bound = bound.expect("bound");
        assert_eq!((&bound["1"], &bound["2"]), (&one, &x), "by their numbers");
        let error = row(["0", "1"]).bindings("SELECT f FROM m WHERE f = $x");
        let error = error.expect_err("two for one");
        assert!(error.message().contains("2 values"), "{error}");
    }

    #[test]
    fn values_of_every_width_are_literals_of_influxql_if_there_are_such() {
        let zone = Some("Europe/Berlin".into());
        for (value, bound) in [
            (ScalarValue::from(-3_i8), Binding::Integer(-3)),
            (ScalarValue::from(3_u32), Binding::Integer(3)),
            (ScalarValue::from(0.5_f32), Binding::Float(0.5)),
            (
                ScalarValue::LargeUtf8(Some("x".to_owned())),
                Binding::String("x".to_owned()),
            ),
            (
                ScalarValue::TimestampMicrosecond(Some(7), zone),
                Binding::Integer(7000),
            ),
        ] {
            assert_eq!(binding(value), bound);
        }
        for value in [
            ScalarValue::from(f64::NAN),
            ScalarValue::Int64(None),
            ScalarValue::TimestampSecond(Some(i64::MAX), None),
            ScalarValue::Date32(Some(1)),
        ] {
            let bound = binding(value.clone());
            assert!(matches!(bound, Binding::Invalid(_)), "{value}: {bound:?}");
        }
    }

    #[test]
    fn a_row_of_another_width_or_of_nonsense_is_refused() {
        let error = row(["a", "b"]).bind(&parameters(["1"])).expect_err("wide");
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains("2 values"), "{error}");
        let nonsense = Values::of_stream("nonsense".into());
        let error = nonsense.bind(&parameters(["1"])).expect_err("nonsense");
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}
