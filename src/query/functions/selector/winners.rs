//! The point that each group has chosen so far.
//!
//! The state of a group is its value and its time, both null if there is none yet: rows and states
//! are offered in the same way.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{
    Array, ArrayRef, BooleanArray, StructArray, TimestampNanosecondArray, new_empty_array,
};
use arrow_schema::{DataType, Field, Fields};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::nullif;
use datafusion::common::{ScalarValue, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::values::Values;

/// The accumulator of some kind of values.
pub(super) type Groups = Box<dyn GroupsAccumulator + Sync>;

/// What a selector chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Choice {
    First,
    Last,
    Min,
    Max,
}

impl Choice {
    /// Returns true if a point is chosen over the one that was, from how it compares with it.
    pub(crate) fn prefers(self, time: Ordering, value: Ordering) -> bool {
        match self {
            Self::First => time.then(value.reverse()).is_lt(),
            Self::Last => time.then(value).is_gt(),
            Self::Min => value.then(time).is_lt(),
            Self::Max => value.then(time.reverse()).is_gt(),
        }
    }
}

/// The parts of what a selector returns.
pub(super) fn fields(value: &DataType, time: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("value", value.clone(), true),
        Field::new("time", time.clone(), true),
    ])
}

/// The chosen point of each group.
pub(super) struct Winners<V> {
    choice: Choice,
    times: Vec<Option<i64>>,
    values: V,
    time_type: DataType,
}

impl<V: Values> Winners<V> {
    pub(super) fn make(choice: Choice, values: V, time_type: &DataType) -> Groups {
        Box::new(Self {
            choice,
            times: Vec::new(),
            values,
            time_type: time_type.clone(),
        })
    }

    fn offer(&mut self, rows: &V::Rows, row: usize, time_ns: i64, group: usize) -> Result<()> {
        let missing = || internal_datafusion_err!("a selector has no group {group}");
        let time = self.times.get_mut(group).ok_or_else(missing)?;
        let is_preferred = match *time {
            None => true,
            Some(chosen_ns) => {
                let value = self.values.compare(rows, row, group).ok_or_else(missing)?;
                self.choice.prefers(time_ns.cmp(&chosen_ns), value)
            }
        };
        if is_preferred {
            *time = Some(time_ns);
            self.values.keep(rows, row, group);
        }
        Ok(())
    }

    fn take(&mut self, emit: EmitTo) -> (ArrayRef, ArrayRef, Vec<bool>) {
        let times = emit.take_needed(&mut self.times);
        let kept: Vec<bool> = times.iter().map(Option::is_some).collect();
        let values = self.values.take(emit, &kept);
        let times: TimestampNanosecondArray = times.into_iter().collect();
        let times = times.with_data_type(self.time_type.clone());
        (values, Arc::new(times), kept)
    }
}

impl<V: Values> GroupsAccumulator for Winners<V> {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        groups_total: usize,
    ) -> Result<()> {
        self.times.resize(groups_total, None);
        self.values.resize(groups_total);
        let unexpected = || internal_datafusion_err!("a selector was offered other columns");
        let [values, times] = columns else {
            return Err(unexpected());
        };
        let rows = values.as_any().downcast_ref().ok_or_else(unexpected)?;
        let times = times.as_primitive_opt::<TimestampNanosecondType>();
        let times = times.ok_or_else(unexpected)?;
        let passes = |row| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        for (row, (group, time_ns)) in groups.iter().zip(times).enumerate() {
            if let Some(time_ns) = time_ns
                && values.is_valid(row)
                && passes(row)
            {
                self.offer(rows, row, time_ns, *group)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (values, times, kept) = self.take(emit);
        let fields = fields(values.data_type(), times.data_type());
        let nulls = NullBuffer::from(kept);
        let chosen = StructArray::try_new(fields, vec![values, times], Some(nulls))?;
        Ok(Arc::new(chosen))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (values, times, _) = self.take(emit);
        Ok(vec![values, times])
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        groups_total: usize,
    ) -> Result<()> {
        self.update_batch(states, groups, None, groups_total)
    }

    fn convert_to_state(
        &self,
        columns: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let Some(filter) = filter else {
            return Ok(columns.to_vec());
        };
        let stays_out = filter.iter().map(|passes| Some(passes != Some(true)));
        let stays_out: BooleanArray = stays_out.collect();
        let columns = columns.iter();
        columns
            .map(|column| Ok(nullif(column, &stays_out)?))
            .collect()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.times.capacity() * size_of::<Option<i64>>() + self.values.size()
    }
}

/// The chosen point of the only group.
pub(super) struct Single(Groups);

impl std::fmt::Debug for Single {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a selector")
    }
}

impl Single {
    /// Makes the group, before there are rows of these types.
    pub(super) fn make(
        groups: Groups,
        value: &DataType,
        time: &DataType,
    ) -> Result<Box<dyn Accumulator>> {
        let mut single = Self(groups);
        single.offer(&[new_empty_array(value), new_empty_array(time)])?;
        Ok(Box::new(single))
    }

    fn offer(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = columns.first().map_or(0, |column| column.len());
        self.0.update_batch(columns, &vec![0; rows], None, 1)
    }

    /// The state, which stays: a window asks for it after every row.
    fn peek(&mut self) -> Result<Vec<ArrayRef>> {
        let state = self.0.state(EmitTo::All)?;
        self.offer(&state)?;
        Ok(state)
    }
}

impl Accumulator for Single {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.offer(columns)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let state = self.peek()?;
        let chosen = self.0.evaluate(EmitTo::All)?;
        self.offer(&state)?;
        ScalarValue::try_from_array(&chosen, 0)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = self.peek()?;
        let state = state.iter();
        state
            .map(|column| ScalarValue::try_from_array(column, 0))
            .collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.offer(states)
    }
}
