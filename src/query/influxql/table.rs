//! Parts of series as rows of one table, for protocols that answer with Arrow (query contract,
//! section 5).
//!
//! ```text
//! iox::measurement │ time │ tags that the series are grouped by and that are not selected │ columns
//! ```
//!
//! The first part says which columns there are; those of the other parts are the same, though a field
//! may be of another type in another measurement.

use std::collections::{HashMap, HashSet};
use std::iter::repeat;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::compute::{cast, concat_batches};

use super::answer::Head;
use super::series::SeriesPart;
use crate::database::ColumnKind;
use crate::error::QueryError;
use crate::kinds;

/// The column with the names of series.
const MEASUREMENT: &str = "iox::measurement";

/// The metadata of the schema that says which columns are the tags of series.
const GROUP_KEY: &str = "iox::influxql::group_key::metadata";

/// The columns of an answer.
#[derive(Clone, Debug)]
pub struct Table {
    schema: SchemaRef,
    /// True if the first column of a part is the time.
    timed: bool,
    /// The keys of the tags that are columns of their own.
    tags: Vec<Arc<str>>,
    /// The number of columns of a part.
    width: usize,
}

impl Table {
    /// The columns of an answer with this head and this first part. One without rows has only the names
    /// of its series.
    pub fn new(head: &Head, first: Option<&SeriesPart>) -> Self {
        let mut fields = vec![Field::new(MEASUREMENT, DataType::Utf8, false)];
        let Some(part) = first else {
            return Self {
                schema: Arc::new(Schema::new(fields)),
                timed: head.timed,
                tags: Vec::new(),
                width: 0,
            };
        };
        let selected: HashSet<&str> = part.columns.iter().map(String::as_str).collect();
        let keys = part.tags.iter().flat_map(|tags| tags.0.iter());
        let keys: Vec<&Arc<str>> = keys.map(|(key, _)| key).collect();
        let own = keys.iter().filter(|key| !selected.contains(&****key));
        let tags: Vec<Arc<str>> = own.map(|key| Arc::clone(key)).collect();
        let types = part.rows.schema();
        let mut columns = part.columns.iter().zip(types.fields());
        if head.timed {
            fields.extend(columns.next().map(|(name, _)| time(name)));
        }
        fields.extend(tags.iter().map(|key| tag(key)));
        let kinds = head.kinds.iter().copied().chain(repeat(None));
        fields.extend(columns.zip(kinds).map(|((name, field), kind)| {
            let data_type = field.data_type().clone();
            match kind {
                Some(kind) => kinds::field(name, data_type, kind),
                None => Field::new(name, data_type, true),
            }
        }));
        let fields = distinct(fields);
        let metadata = match head.timed {
            true => HashMap::from([(GROUP_KEY.to_owned(), group_key(&keys, &tags, &fields))]),
            false => HashMap::new(),
        };
        Self {
            schema: Arc::new(Schema::new_with_metadata(fields, metadata)),
            timed: head.timed,
            tags,
            width: part.columns.len(),
        }
    }

    /// The columns of an answer without rows.
    pub fn without_rows() -> Self {
        Self::new(&Head::default(), None)
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// These parts as one batch.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] if a column has values of several types that do not go together.
    pub fn batch(&self, parts: &[SeriesPart]) -> Result<RecordBatch, QueryError> {
        let batches = parts.iter().map(|part| self.rows(part));
        let batches: Vec<RecordBatch> = batches.collect::<Result<_, _>>()?;
        concat_batches(&self.schema, &batches).map_err(fault)
    }

    fn rows(&self, part: &SeriesPart) -> Result<RecordBatch, QueryError> {
        if part.rows.num_columns() != self.width {
            let text = format!("a part of series {} has other columns", part.name);
            return Err(QueryError::Internal(text));
        }
        let rows = part.rows.num_rows();
        let repeat = |value: Option<&str>| -> ArrayRef {
            Arc::new(StringArray::from_iter(std::iter::repeat_n(value, rows)))
        };
        let mut columns = vec![repeat(Some(&part.name))];
        let mut values = part.rows.columns().iter().cloned();
        columns.extend(values.by_ref().take(usize::from(self.timed)));
        columns.extend(self.tags.iter().map(|key| {
            let value = part.tags.as_ref().and_then(|tags| tags.get(key));
            repeat(value.filter(|value| !value.is_empty()))
        }));
        columns.extend(values);
        let fields = self.schema.fields().iter();
        let columns = columns.into_iter().zip(fields);
        let columns = columns.map(|(column, field)| fitted(column, field));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(fault)
    }
}

fn fault(error: ArrowError) -> QueryError {
    QueryError::Internal(error.to_string())
}

fn time(name: &str) -> Field {
    let data_type = DataType::Timestamp(TimeUnit::Nanosecond, None);
    kinds::field(name, data_type, ColumnKind::Time)
}

fn tag(key: &str) -> Field {
    kinds::field(key, DataType::Utf8, ColumnKind::Tag)
}

/// Fields of different names: Arrow lets them repeat, and its readers do not.
fn distinct(fields: Vec<Field>) -> Vec<Field> {
    let mut taken: HashSet<String> = HashSet::new();
    let distinct = fields.into_iter().map(|field| {
        let mut name = field.name().clone();
        let mut number = 0;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{}_{number}", field.name());
        }
        field.with_name(name)
    });
    distinct.collect()
}

fn group_key(keys: &[&Arc<str>], own: &[Arc<str>], fields: &[Field]) -> String {
    let columns = keys.iter().filter_map(|key| {
        let index = fields.iter().position(|field| field.name() == &***key)?;
        Some(serde_json::json!({
            "tag_key": &***key,
            "column_index": index,
            "is_projected": !own.contains(key),
        }))
    });
    let columns: Vec<_> = columns.collect();
    let key = serde_json::json!({
        "measurement_column_index": 0,
        "tag_key_columns": columns,
    });
    key.to_string()
}

/// The values of a column in the type that the table has for it.
fn fitted(column: ArrayRef, field: &Field) -> Result<ArrayRef, QueryError> {
    let (found, wanted) = (column.data_type(), field.data_type());
    let is_time = matches!(wanted, DataType::Timestamp(..)) && *found == DataType::Int64;
    let is_number = |kind: &DataType| kind.is_numeric();
    if found == wanted {
        return Ok(column);
    }
    if column.null_count() == column.len() {
        return Ok(new_null_array(wanted, column.len()));
    }
    if is_time || (is_number(found) && *wanted == DataType::Float64) {
        return cast(&column, wanted).map_err(fault);
    }
    Err(QueryError::Invalid(format!(
        "the column {} has values of the types {wanted} and {found}: ask for one measurement at a time, \
         or over /query",
        field.name()
    )))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};

    use super::super::answer::Head;
    use super::super::series::{SeriesPart, Tags};
    use super::{ColumnKind, GROUP_KEY, Table};

    fn part(room: &str, columns: &[&str], rows: Vec<ArrayRef>) -> SeriesPart {
        let named = rows.into_iter().enumerate();
        let named = named.map(|(at, column)| (at.to_string(), column));
        SeriesPart {
            name: Arc::from("boiler"),
            tags: Some(Tags::new([("room", room)])),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: RecordBatch::try_from_iter(named).expect("columns of one length"),
        }
    }

    fn shown(table: &Table, parts: &[SeriesPart]) -> String {
        let batch = table.batch(parts).expect("rows");
        let shown = datafusion::arrow::util::pretty::pretty_format_batches(&[batch]);
        shown.expect("text").to_string()
    }

    fn timed() -> Head {
        Head {
            timed: true,
            ..Head::default()
        }
    }

    #[test]
    fn series_become_rows_with_their_names_and_tags() {
        let times: ArrayRef = Arc::new(Int64Array::from(vec![0, 10]));
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None]));
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
        let columns = ["time", "mean", "mean"];
        let first = part(
            "",
            &columns,
            vec![times.clone(), floats.clone(), integers.clone()],
        );
        let second = part("a", &columns, vec![times, integers.clone(), integers]);
        let table = Table::new(&timed(), Some(&first));
        let expected = "\
+------------------+-------------------------------+------+------+--------+
| iox::measurement | time                          | room | mean | mean_1 |
+------------------+-------------------------------+------+------+--------+
| boiler           | 1970-01-01T00:00:00           |      | 1.5  | 7      |
| boiler           | 1970-01-01T00:00:00.000000010 |      |      | 8      |
| boiler           | 1970-01-01T00:00:00           | a    | 7.0  | 7      |
| boiler           | 1970-01-01T00:00:00.000000010 | a    | 8.0  | 8      |
+------------------+-------------------------------+------+------+--------+";
        assert_eq!(shown(&table, &[first, second]), expected);
        let key = r#"{"measurement_column_index":0,"tag_key_columns":[{"column_index":2,"is_projected":false,"tag_key":"room"}]}"#;
        assert_eq!(table.schema().metadata()[GROUP_KEY], key);
    }

    #[test]
    fn a_tag_that_is_selected_is_one_column() {
        let times: ArrayRef = Arc::new(Int64Array::from(vec![0]));
        let rooms: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        let first = part("a", &["time", "room"], vec![times, rooms]);
        let table = Table::new(&timed(), Some(&first));
        let names: Vec<_> = table.schema().fields().iter().map(|f| f.name()).collect();
        assert_eq!(names, ["iox::measurement", "time", "room"]);
        assert!(table.schema().metadata()[GROUP_KEY].contains(r#""is_projected":true"#));
    }

    /// Clients of InfluxDB 3 tell tags from fields by it.
    #[test]
    fn columns_of_tables_say_what_they_are_and_computed_ones_do_not() {
        let columns = ["time", "usage", "rack", "sum"];
        let rows: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![0])),
            Arc::new(Float64Array::from(vec![1.5])),
            Arc::new(StringArray::from(vec!["r"])),
            Arc::new(Int64Array::from(vec![7])),
        ];
        let head = Head {
            kinds: Arc::new([Some(ColumnKind::Field), Some(ColumnKind::Tag), None]),
            ..timed()
        };
        let table = Table::new(&head, Some(&part("a", &columns, rows)));
        let fields = table.schema().fields().iter();
        let told: Vec<_> = fields
            .map(|field| {
                field
                    .metadata()
                    .get("iox::column::type")
                    .map(String::as_str)
            })
            .collect();
        let told: Vec<_> = told.into_iter().map(Option::unwrap_or_default).collect();
        assert_eq!(
            told,
            [
                "",
                "iox::column_type::timestamp",
                "iox::column_type::tag",
                "iox::column_type::field::float",
                "iox::column_type::tag",
                ""
            ]
        );
    }

    #[test]
    fn an_answer_without_rows_has_the_names_of_series_alone() {
        let table = Table::new(&timed(), None);
        assert_eq!(table.schema().fields().len(), 1);
        assert_eq!(table.batch(&[]).expect("no rows").num_rows(), 0);
    }

    #[test]
    fn a_text_is_no_number_of_another_measurement() {
        let times: ArrayRef = Arc::new(Int64Array::from(vec![0]));
        let of = |column: ArrayRef| part("", &["time", "v"], vec![times.clone(), column]);
        let texts = of(Arc::new(StringArray::from(vec!["x"])));
        let numbers = of(Arc::new(Int64Array::from(vec![1])));
        let table = Table::new(&timed(), Some(&numbers));
        let refused = table.batch(&[numbers, texts]).expect_err("two types");
        assert!(
            refused.to_string().contains("the column v has values"),
            "{refused}"
        );
    }
}
