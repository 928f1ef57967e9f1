//! What stands beside the value in the row that each group has chosen.

use arrow_array::{ArrayRef, new_empty_array};
use arrow_schema::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;

/// A column of the chosen rows.
pub(super) struct Beside {
    data_type: DataType,
    /// Of a group without a row.
    none: ScalarValue,
    values: Vec<ScalarValue>,
    /// What the values have elsewhere.
    bytes: usize,
}

impl Beside {
    /// # Errors
    /// There are no such values.
    pub(super) fn new(data_type: &DataType) -> Result<Self> {
        Ok(Self {
            data_type: data_type.clone(),
            none: ScalarValue::try_from(data_type)?,
            values: Vec::new(),
            bytes: 0,
        })
    }

    /// Makes room for this many groups.
    pub(super) fn resize(&mut self, groups: usize) {
        self.values.resize(groups, self.none.clone());
    }

    /// Takes the value of a row for a group.
    pub(super) fn keep(&mut self, column: &ArrayRef, row: usize, group: usize) -> Result<()> {
        if let Some(kept) = self.values.get_mut(group) {
            let value = ScalarValue::try_from_array(column, row)?;
            self.bytes += elsewhere(&value);
            self.bytes -= elsewhere(kept);
            *kept = value;
        }
        Ok(())
    }

    /// Takes the values out.
    pub(super) fn take(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let values = emit.take_needed(&mut self.values);
        self.bytes -= values.iter().map(elsewhere).sum::<usize>();
        match values.is_empty() {
            true => Ok(new_empty_array(&self.data_type)),
            false => ScalarValue::iter_to_array(values),
        }
    }

    /// Bytes of memory in use.
    pub(super) fn size(&self) -> usize {
        self.values.capacity() * size_of::<ScalarValue>() + self.bytes
    }
}

fn elsewhere(value: &ScalarValue) -> usize {
    value.size().saturating_sub(size_of::<ScalarValue>())
}
