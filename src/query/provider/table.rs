//! A table of a database as a table of a plan.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use super::files;
use super::filters::{Condition, understand};
use super::in_order::{self, InOrder, RUNS_MAX};
use super::scan::Pieces;
use crate::database::{Files, Merged, Piece, Scan, Table};
use crate::kinds;
use crate::logical::newest;
use crate::times::TimeBounds;

/// A table, whose columns stand in bytewise order of their names.
#[derive(Debug)]
pub(super) struct Provider {
    table: Arc<dyn Table>,
    schema: SchemaRef,
    /// True if the rows are wanted in the order of series and time.
    is_in_order: bool,
    /// A scan that was planned and is still to be run.
    kept: Mutex<Option<(Scan, Arc<dyn ExecutionPlan>)>>,
}

impl Provider {
    pub(super) fn new(table: Arc<dyn Table>) -> Self {
        let schema = kinds::schema(table.columns());
        Self {
            table,
            schema,
            is_in_order: false,
            kept: Mutex::default(),
        }
    }

    /// The same rows, wanted in the order of series and time.
    pub(super) fn in_order(self) -> Self {
        Self {
            is_in_order: true,
            ..self
        }
    }

    /// Keeps a scan for who asks for the same next.
    ///
    /// # Errors
    /// Conditions that a scan cannot decide.
    pub(super) fn keep(
        &self,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        plan: Arc<dyn ExecutionPlan>,
    ) -> Result<()> {
        let (_, scan) = self.asked(projection, filters)?;
        *self.kept() = Some((scan, plan));
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Option<(Scan, Arc<dyn ExecutionPlan>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The columns and the rows that are asked for.
    fn asked(
        &self,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<(SchemaRef, Scan)> {
        let schema = match projection {
            Some(places) => Arc::new(self.schema.project(places)?),
            None => self.schema(),
        };
        let (mut times, mut tags) = (TimeBounds::default(), Vec::new());
        let newest = filters.iter().find_map(newest::asked);
        let filters = filters.iter();
        for filter in filters.filter(|filter| newest::asked(filter).is_none()) {
            match understand(filter, &self.schema) {
                Some(Condition::Times(more)) => times = times.and(more),
                Some(Condition::Tag(filter)) => tags.push(filter),
                None => return Err(unexpected(filter)),
            }
        }
        let columns = schema.fields().iter();
        let scan = Scan {
            columns: columns.map(|field| field.name().clone()).collect(),
            times: times.times(),
            tags,
            newest: newest.as_ref().map(|present| {
                let present = present.iter();
                present.map(|column| (*column).to_owned()).collect()
            }),
        };
        Ok((schema, scan))
    }

    /// The order in which rows with these columns are wanted, if all of these pieces have it and are few
    /// enough to be read side by side.
    fn order(
        &self,
        (schema, scan): (&Schema, &Scan),
        merged: &[Arc<dyn Merged>],
        files: &[Files],
    ) -> Option<InOrder> {
        let are_in_order = merged.iter().all(|rows| rows.is_in_order());
        let are_few = merged.len() <= RUNS_MAX && files.len() <= 1;
        if !(self.is_in_order && are_in_order && are_few) {
            return None;
        }
        let is_one_series = self.table.has_one_series(&scan.times);
        in_order::of(&self.schema, schema, is_one_series)
    }
}

#[async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let decide = |filter: &&Expr| match understand(filter, &self.schema) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(decide).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (schema, scan) = self.asked(projection, filters)?;
        if let Some((_, plan)) = self
            .kept()
            .take_if(|(kept, _)| *kept == scan && limit.is_none())
        {
            return Ok(plan);
        }
        let newest: Option<Vec<&str>> = scan.newest.as_ref().map(|present| {
            let present = present.iter();
            present.map(String::as_str).collect()
        });
        let pieces = self.table.scan(scan.clone()).await;
        let pieces = pieces.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let (mut merged, mut files) = (Vec::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Merged(rows) => merged.push(rows),
                Piece::Files(some) => files.push(some),
            }
        }
        let mut order = self.order((&schema, &scan), &merged, &files);
        let mut plans = Vec::new();
        for files in files {
            let asked = files::Asked {
                schema: &self.schema,
                projection,
                tags: &scan.tags,
                newest: newest.as_deref(),
                limit,
                is_bounded: scan.times != (i64::MIN..=i64::MAX),
                order: order.as_ref(),
                runs_max: RUNS_MAX.saturating_sub(merged.len()),
            };
            let of_files = files::plans(state, &asked, files).await?;
            order = order.filter(|_| of_files.are_in_order);
            plans.extend(of_files.plans);
        }
        if plans.is_empty() || !merged.is_empty() {
            let merged = match order {
                Some(order) => Pieces::in_order(scan, schema, merged, order, limit),
                None => {
                    let partitions = state.config().target_partitions();
                    Pieces::new(scan, schema, merged, partitions, limit)
                }
            };
            plans.push(DataSourceExec::from_data_source(merged));
        }
        match <[_; 1]>::try_from(plans) {
            Ok([plan]) => Ok(plan),
            Err(plans) => UnionExec::try_new(plans),
        }
    }
}

/// A condition arrived that was not promised to be decided here.
fn unexpected(filter: &Expr) -> DataFusionError {
    DataFusionError::Internal(format!("a scan cannot decide {filter}"))
}
