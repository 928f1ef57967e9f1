//! SLIMIT and SOFFSET: which groups of series a measurement is read for.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use futures_util::TryStreamExt;

use super::super::analysis::{MeasurementSource, SeriesCut};
use super::condition;
use super::convert::Values;
use super::function;
use super::level::Session;
use super::names::Names;
use crate::error::QueryError;

/// Returns a condition that holds for the rows of the series that are read. `all` are all rows of the
/// table: the series are counted whatever times they have points at.
///
/// # Errors
/// The series cannot be read.
pub(super) async fn within(
    session: &Session,
    all: LogicalPlanBuilder,
    source: &MeasurementSource,
    cut: &SeriesCut,
    names: &Names,
) -> std::result::Result<Expr, QueryError> {
    let tags: Vec<Option<Expr>> = cut.tags.iter().map(|key| names.tag(key)).collect();
    let present: Vec<Expr> = tags.iter().flatten().cloned().collect();
    let places = Places {
        cut: cut.clone(),
        present: tags.iter().map(Option::is_some).collect(),
    };
    if present.is_empty() {
        // All points are of one group.
        return Ok(lit(cut.offset == 0));
    }
    let rows = all.filter(condition::expression(&source.condition, names))?;
    let groups = rows
        .aggregate(present.clone(), Vec::<Expr>::new())?
        .build()?;
    let mut groups = session.run(groups).await?;
    let mut keys = BTreeSet::new();
    while let Some(batch) = groups.try_next().await? {
        let values = batch.columns().iter().map(Values::new);
        let values: Vec<Values> = values.collect::<Result<_>>()?;
        keys.extend((0..batch.num_rows()).map(|row| places.key(&values, row)));
    }
    let most = match cut.limit {
        0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let left_out = usize::try_from(cut.offset).unwrap_or(usize::MAX);
    let kept: HashSet<String> = keys.into_iter().skip(left_out).take(most).collect();
    let work = move |arguments: &[ArrayRef]| {
        let values = arguments.iter().map(Values::new);
        let values: Vec<Values> = values.collect::<Result<_>>()?;
        let rows = values.first().map_or(0, Values::len);
        let is_kept = (0..rows).map(|row| Some(kept.contains(&places.key(&values, row))));
        Ok(Arc::new(is_kept.collect::<BooleanArray>()) as ArrayRef)
    };
    Ok(function::call(
        "series_is_read",
        DataType::Boolean,
        present,
        Arc::new(work),
    ))
}

/// Where the tags of a cut are among columns.
struct Places {
    cut: SeriesCut,
    /// Which of the tags have a column.
    present: Vec<bool>,
}

impl Places {
    fn key(&self, columns: &[Values], row: usize) -> String {
        let mut columns = columns.iter();
        let values = self.present.iter().map(|is_present| {
            let column = is_present.then(|| columns.next()).flatten();
            column.and_then(|column| column.text(row)).unwrap_or("")
        });
        let values: Vec<&str> = values.collect();
        self.cut.key(values)
    }
}
