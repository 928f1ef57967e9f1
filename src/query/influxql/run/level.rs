//! A level of a query: a SELECT over one measurement, of which subqueries are levels of their own.
//!
//! Series bear the name of their measurement, so that each can be answered without the others.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use datafusion::datasource::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};

use super::super::analysis::{Analysed, Call, Source};
use super::super::finish::{Plan, Prepared};
use super::schema::Known;
use crate::error::QueryError;
use crate::physical::direct;

/// What makes a table of the rows of a subquery, which needs everything that answers a query.
pub(super) type Subquery =
    fn(&Arc<Session>, &Analysed, &Arc<str>) -> Result<Arc<dyn TableProvider>, DataFusionError>;

/// What all levels of a statement share.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) known: Known,
    pub(super) state: SessionState,
    pub(super) memory: Arc<dyn MemoryPool>,
    /// Where random numbers start.
    pub(super) seed: u64,
    /// Makes a table of the rows of a subquery over one measurement.
    pub(super) subquery: Subquery,
    /// Where the plans that are run are noted, if anybody wants to see them. Plans hold the session, so
    /// the session does not hold them.
    pub(super) plans: Weak<Plans>,
}

/// Plans in the order in which they began to run.
pub(super) type Plans = Mutex<Vec<Arc<dyn ExecutionPlan>>>;

impl Session {
    /// Makes a session that knows no table yet.
    pub(super) fn new(state: SessionState, now_ns: i64, subquery: Subquery) -> Self {
        Self {
            subquery,
            known: Known::default(),
            memory: Arc::clone(&state.runtime_env().memory_pool),
            state,
            seed: now_ns.cast_unsigned(),
            plans: Weak::new(),
        }
    }

    /// Plans and begins to run.
    ///
    /// # Errors
    /// [`QueryError`] if that fails.
    pub(super) async fn run(
        &self,
        plan: LogicalPlan,
    ) -> Result<SendableRecordBatchStream, QueryError> {
        let plan = self.physical(plan).await?;
        if let Some(plans) = self.plans.upgrade() {
            let mut plans = plans.lock().unwrap_or_else(PoisonError::into_inner);
            plans.push(Arc::clone(&plan));
        }
        Ok(execute_stream(plan, self.state.task_ctx())?)
    }

    /// Plans how to run.
    ///
    /// # Errors
    /// [`QueryError`] if that fails.
    pub(super) async fn physical(
        &self,
        plan: LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
        if let Some(plan) = direct::plan(&plan, &self.state).await? {
            return Ok(plan);
        }
        let plan = self.state.optimize(&plan)?;
        let planner = self.state.query_planner();
        Ok(planner.create_physical_plan(&plan, &self.state).await?)
    }
}

/// A SELECT over one measurement.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) name: Arc<str>,
    pub(super) query: Analysed,
    pub(super) prepared: Prepared,
    pub(super) plan: Arc<Plan>,
}

impl Level {
    /// Returns the levels of a query in the order of the answer, one per measurement.
    pub(super) fn all(query: &Analysed, seed: u64) -> Vec<Self> {
        if query.is_empty() {
            return Vec::new();
        }
        let names = query.measurements().into_iter();
        let mut names: Vec<Arc<str>> = names.collect();
        if query.descending {
            names.reverse();
        }
        let prepared = Prepared::new(query, seed);
        let levels = names.into_iter().map(|name| {
            let query = query.of_measurement(&name);
            Self::new(name, query, prepared.clone())
        });
        levels.collect()
    }

    /// Returns the level of a subquery over one measurement.
    pub(super) fn inner(query: &Analysed, name: &Arc<str>, seed: u64) -> Self {
        let prepared = Prepared::subquery(query, seed);
        Self::new(Arc::clone(name), query.clone(), prepared)
    }

    fn new(name: Arc<str>, query: Analysed, prepared: Prepared) -> Self {
        Self {
            plan: Arc::new(prepared.plan.clone()),
            name,
            query,
            prepared,
        }
    }

    /// Returns the calls of the query in the order of those of the plan.
    pub(super) fn calls(&self) -> impl Iterator<Item = &Call> {
        let places = self.prepared.calls.iter();
        places.filter_map(|place| self.query.calls.get(*place))
    }

    /// Returns the inputs of the calls and of what stands beside them, each once.
    pub(super) fn inputs(&self) -> Vec<usize> {
        let others = self.prepared.others.iter().copied();
        let inputs: BTreeSet<usize> = self.calls().map(Call::input).chain(others).collect();
        inputs.into_iter().collect()
    }

    /// Returns the places of the calls for which the sources have no values.
    pub(super) fn calls_without_values(&self) -> Vec<usize> {
        let has_values = |input: usize| {
            self.query.sources.iter().any(|source| {
                let reads = match source {
                    Source::Measurement(source) => &source.reads,
                    Source::Subquery(source) => &source.reads,
                };
                matches!(reads.get(input), Some(Some(_)))
            })
        };
        let calls = self.calls().enumerate();
        let without = calls.filter(|(_, call)| !has_values(call.input()));
        without.map(|(place, _)| place).collect()
    }

    /// Returns how many nanoseconds before the range the earliest points that a call reads start.
    pub(super) fn lead_ns(&self) -> i64 {
        let leads = self.plan.calls.iter().map(|call| self.plan.lead_ns(call));
        leads.max().unwrap_or(0)
    }

    /// Returns the first and the last time of the range with so many nanoseconds before it (after it if
    /// the newest rows come first).
    pub(super) fn times(&self, lead_ns: i64) -> (Option<i64>, Option<i64>) {
        let (before, after) = match self.plan.descending {
            true => (0, lead_ns),
            false => (lead_ns, 0),
        };
        let first = self.plan.lower_ns.map(|first| first.saturating_sub(before));
        let last = self.plan.upper_ns.map(|last| last.saturating_add(after));
        (first, last)
    }

    /// Returns true if a subquery is among the sources.
    pub(super) fn has_subquery(&self) -> bool {
        let mut sources = self.query.sources.iter();
        sources.any(|source| matches!(source, Source::Subquery(_)))
    }

    /// Returns true if the rows of a query without functions come series by series, in the order of a
    /// subquery, and not in the order of their times.
    pub(super) fn comes_by_series(&self) -> bool {
        let by_series = |source: &Source| match source {
            Source::Subquery(source) => {
                !source.query.calls.is_empty() && source.query.window.is_none()
            }
            Source::Measurement(_) => false,
        };
        self.query.calls.is_empty() && self.query.sources.iter().any(by_series)
    }
}
