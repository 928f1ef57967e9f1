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

use super::beside::Beside;
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

/// The types of the columns that a selector is given.
pub(super) struct Types {
    pub(super) value: DataType,
    pub(super) time: DataType,
    /// Of what else there is of a row.
    pub(super) beside: Vec<DataType>,
}

/// The parts of what a selector returns.
pub(super) fn fields(types: &Types) -> Fields {
    let others = types.beside.iter().enumerate();
    let others = others.map(|(place, other)| Field::new(super::other(place), other.clone(), true));
    let chosen = [
        Field::new("value", types.value.clone(), true),
        Field::new("time", types.time.clone(), true),
    ];
    chosen.into_iter().chain(others).collect()
}

/// The chosen point of each group.
pub(super) struct Winners<V> {
    choice: Choice,
    times: Vec<Option<i64>>,
    values: V,
    beside: Vec<Beside>,
    time_type: DataType,
    fields: Fields,
}

impl<V: Values> Winners<V> {
    pub(super) fn make(choice: Choice, values: V, types: &Types) -> Result<Groups> {
        let beside = types.beside.iter().map(Beside::new);
        Ok(Box::new(Self {
            choice,
            times: Vec::new(),
            values,
            beside: beside.collect::<Result<_>>()?,
            time_type: types.time.clone(),
            fields: fields(types),
        }))
    }

    /// Offers a row to a group; true if it is chosen.
    fn offer(&mut self, rows: &V::Rows, row: usize, time_ns: i64, group: usize) -> Result<bool> {
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
        Ok(is_preferred)
    }

    /// The columns of the chosen rows, and which groups have one.
    fn take(&mut self, emit: EmitTo) -> Result<(Vec<ArrayRef>, Vec<bool>)> {
        let times = emit.take_needed(&mut self.times);
        let kept: Vec<bool> = times.iter().map(Option::is_some).collect();
        let values = self.values.take(emit, &kept);
        let times: TimestampNanosecondArray = times.into_iter().collect();
        let times = times.with_data_type(self.time_type.clone());
        let mut columns = vec![values, Arc::new(times) as ArrayRef];
        for beside in &mut self.beside {
            columns.push(beside.take(emit)?);
        }
        Ok((columns, kept))
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
        for beside in &mut self.beside {
            beside.resize(groups_total);
        }
        let unexpected = || internal_datafusion_err!("a selector was offered other columns");
        let [values, times, others @ ..] = columns else {
            return Err(unexpected());
        };
        let rows = values.as_any().downcast_ref().ok_or_else(unexpected)?;
        let times = times.as_primitive_opt::<TimestampNanosecondType>();
        let times = times.ok_or_else(unexpected)?;
        let passes = |row| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        // The last one of a group may come after others that it was offered: the rest is taken once.
        let mut chosen: Vec<(usize, usize)> = Vec::new();
        for (row, (group, time_ns)) in groups.iter().zip(times).enumerate() {
            if let Some(time_ns) = time_ns
                && values.is_valid(row)
                && passes(row)
                && self.offer(rows, row, time_ns, *group)?
                && !self.beside.is_empty()
            {
                match chosen.last_mut() {
                    Some((last, chosen)) if last == group => *chosen = row,
                    _ => chosen.push((*group, row)),
                }
            }
        }
        for (beside, column) in self.beside.iter_mut().zip(others) {
            for (group, row) in &chosen {
                beside.keep(column, *row, *group)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (columns, kept) = self.take(emit)?;
        let nulls = NullBuffer::from(kept);
        let chosen = StructArray::try_new(self.fields.clone(), columns, Some(nulls))?;
        Ok(Arc::new(chosen))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(self.take(emit)?.0)
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
        let times = self.times.capacity() * size_of::<Option<i64>>();
        let beside: usize = self.beside.iter().map(Beside::size).sum();
        size_of::<Self>() + times + self.values.size() + beside
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
    pub(super) fn make(groups: Groups, types: &Types) -> Result<Box<dyn Accumulator>> {
        let mut single = Self(groups);
        let columns = [&types.value, &types.time].into_iter().chain(&types.beside);
        let columns: Vec<ArrayRef> = columns.map(new_empty_array).collect();
        single.offer(&columns)?;
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
