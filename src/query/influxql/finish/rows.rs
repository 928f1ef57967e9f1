//! Rows of an answer, gathered to record batches.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::super::series::ROWS_MAX;
use super::super::value::{Value, ValueType};
use super::number::cast;
use super::plan::Plan;

/// Slots of a row, with the value that stands for a missing one.
#[derive(Debug)]
pub(super) struct Slots {
    pub(super) values: Vec<Option<Value>>,
    /// What a missing value becomes, per slot.
    defaults: Vec<Option<Value>>,
    /// Whether a missing value leaves the one of the row before.
    keeps: bool,
}

/// Gathers rows.
#[derive(Debug)]
pub(super) struct Rows {
    schema: SchemaRef,
    times: Vec<i64>,
    columns: Vec<Column>,
}

/// The values of one column.
#[derive(Debug)]
enum Column {
    Float(Float64Builder),
    Integer(Int64Builder),
    Unsigned(UInt64Builder),
    Boolean(BooleanBuilder),
    String(StringBuilder),
}

impl Slots {
    pub(super) fn new(plan: &Plan) -> Self {
        use super::super::ast::Fill;
        let types = plan.slot_types();
        let default = |value_type: &Option<ValueType>| match plan.fill {
            Fill::Value(number) => cast(&super::fill::value_of(number), (*value_type)?),
            _ => None,
        };
        Self {
            defaults: types.iter().map(default).collect(),
            values: vec![None; types.len()],
            keeps: plan.fill == Fill::Previous,
        }
    }

    /// Puts a value into a slot; a missing one becomes what the fill says.
    pub(super) fn put(&mut self, index: usize, value: Option<Value>) {
        if value.is_none() && self.keeps {
            return;
        }
        let default = || self.defaults.get(index).cloned().flatten();
        let value = value.or_else(default);
        if let Some(slot) = self.values.get_mut(index) {
            *slot = value;
        }
    }
}

impl Rows {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            schema: schema(plan),
            times: Vec::new(),
            columns: plan
                .outputs
                .iter()
                .map(|output| Column::new(output.value_type))
                .collect(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.times.len() >= ROWS_MAX
    }

    /// Adds a row of the columns of a plan.
    pub(super) fn push(&mut self, time_ns: i64, plan: &Plan, slots: &Slots) {
        self.times.push(time_ns);
        for (column, output) in self.columns.iter_mut().zip(&plan.outputs) {
            column.push(output.expression.evaluate(&slots.values).as_deref());
        }
    }

    /// Returns what was gathered; `None` if there is nothing.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.times.is_empty() {
            return Ok(None);
        }
        let times = std::mem::take(&mut self.times);
        let times: ArrayRef = Arc::new(arrow_array::Int64Array::from(times));
        let columns = self.columns.iter_mut().map(Column::finish);
        let arrays = std::iter::once(times).chain(columns).collect();
        RecordBatch::try_new(self.schema.clone(), arrays).map(Some)
    }
}

impl Column {
    fn new(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Float => Self::Float(Float64Builder::new()),
            ValueType::Integer => Self::Integer(Int64Builder::new()),
            ValueType::Unsigned => Self::Unsigned(UInt64Builder::new()),
            ValueType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ValueType::String => Self::String(StringBuilder::new()),
        }
    }

    /// NaN becomes null; a number of another type is cast.
    fn push(&mut self, value: Option<&Value>) {
        match self {
            Self::Float(column) => {
                let number = value.and_then(Value::as_float);
                column.append_option(number.filter(|number| !number.is_nan()));
            }
            Self::Integer(column) => {
                let value = value.and_then(|value| cast(value, ValueType::Integer));
                column.append_option(value.and_then(|value| match value {
                    Value::Integer(number) => Some(number),
                    _ => None,
                }));
            }
            Self::Unsigned(column) => {
                let value = value.and_then(|value| cast(value, ValueType::Unsigned));
                column.append_option(value.and_then(|value| match value {
                    Value::Unsigned(number) => Some(number),
                    _ => None,
                }));
            }
            Self::Boolean(column) => column.append_option(match value {
                Some(Value::Boolean(truth)) => Some(*truth),
                _ => None,
            }),
            Self::String(column) => column.append_option(match value {
                Some(Value::String(text)) => Some(text),
                _ => None,
            }),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Float(column) => Arc::new(column.finish()),
            Self::Integer(column) => Arc::new(column.finish()),
            Self::Unsigned(column) => Arc::new(column.finish()),
            Self::Boolean(column) => Arc::new(column.finish()),
            Self::String(column) => Arc::new(column.finish()),
        }
    }
}

/// Returns the schema of the parts of a plan: the names are numbers, since columns may repeat.
pub(super) fn schema(plan: &Plan) -> SchemaRef {
    let time = Field::new("0", DataType::Int64, false);
    let outputs =
        plan.outputs.iter().enumerate().map(|(index, output)| {
            Field::new((index + 1).to_string(), output.value_type.into(), true)
        });
    let fields: Vec<Field> = std::iter::once(time).chain(outputs).collect();
    Arc::new(Schema::new(fields))
}
