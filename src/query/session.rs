//! The session of a question: what all questions share, and what is its own.
//!
//! ```text
//! template (functions, rules, settings) ──copy──> state ─┐
//! catalog, lender of memory ─────────────────────────────┴> session: understands, plans, runs
//! environment (memory of the question), watch of joins ────────┘
//! ```
//!
//! The template is made once: to register some hundred functions takes longer than to read a narrow
//! range of points. A state of DataFusion has no way to be given another environment but to be built
//! anew, so the session stands in front of its state and has the environment itself.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProviderList, MemoryCatalogProviderList};
use datafusion::common::DFSchema;
use datafusion::common::config::TableOptions;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::registry::ExtensionTypeRegistryRef;
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, WindowUDF,
};
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;

use crate::deadline::Deadline;
use crate::functions::{self, Lender, gapfill};
use crate::logical::computed_keys::ComputedKeys;
use crate::logical::computed_sides;
use crate::logical::equal_columns::EqualColumns;
use crate::logical::instants::Instants;
use crate::logical::kept_above;
use crate::logical::misread::Misread;
use crate::logical::newest::Newest;
use crate::logical::ranges::Ranges;
use crate::logical::rules;
use crate::logical::sort_keys::SortKeys;
use crate::physical::each_node::EachNode;
use crate::physical::joins::WatchJoins;
use crate::physical::rescan::RescanJoins;
use crate::physical::rules::PhysicalRules;
use crate::physical::sliced::SliceForSets;
use crate::physical::sort_keys::KeepRoom;
use crate::physical::uncounted::CountHeld;
use crate::provider::{CATALOG, Catalog, NameFiles};
use crate::sql::exact::Exact;

/// Makes what the sessions of all questions are copies of, with these rules of DataFusion's. It has no
/// catalog.
///
/// # Errors
/// A function cannot be registered.
pub(crate) fn template(
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    physical_rules: PhysicalRules,
    all_is_taken: &Arc<str>,
) -> Result<SessionState> {
    let rescan = EachNode(RescanJoins {
        all_is_taken: Arc::clone(all_is_taken),
    });
    let mut typing: Vec<Arc<dyn AnalyzerRule + Send + Sync>> =
        vec![Arc::new(Instants), Arc::new(Exact), Arc::new(Ranges)];
    typing.extend(Analyzer::new().rules);
    typing.push(Arc::new(Misread));
    typing.push(Arc::new(SortKeys));
    typing.push(Arc::new(ComputedKeys));
    let mut template = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_analyzer_rules(typing)
        .with_optimizer_rules(computed_sides::before_moves(kept_above::within_limits(
            gapfill::rules(),
        )))
        .with_optimizer_rule(Arc::new(EqualColumns))
        .with_optimizer_rule(Arc::new(Newest))
        .with_query_planner(Arc::new(gapfill::Planner))
        .with_physical_optimizer_rules(physical_rules)
        .with_physical_optimizer_rule(Arc::new(EachNode(SliceForSets)))
        .with_physical_optimizer_rule(Arc::new(EachNode(CountHeld)))
        .with_physical_optimizer_rule(Arc::new(rescan))
        .with_physical_optimizer_rule(Arc::new(EachNode(KeepRoom)))
        .with_physical_optimizer_rule(Arc::new(EachNode(NameFiles)))
        .build();
    functions::register(&mut template)?;
    Ok(template)
}

/// The parts of a session that are a question's own.
pub(crate) struct Own<'a> {
    pub(crate) catalog: &'a Arc<Catalog>,
    pub(crate) runtime: Arc<RuntimeEnv>,
    pub(crate) lender: &'a Arc<Lender>,
    pub(crate) deadline: &'a Deadline,
}

/// The session of one question.
#[derive(Debug)]
pub(crate) struct Session {
    /// Everything but the environment, which is that of all questions here.
    state: SessionState,
    runtime: Arc<RuntimeEnv>,
    physical_rules: PhysicalRules,
}

impl Session {
    /// Makes the session of a question.
    ///
    /// # Errors
    /// A function cannot be registered.
    pub(crate) fn new(template: &SessionState, own: Own<'_>) -> Result<Self> {
        let mut state = template.clone();
        let deadline = Arc::new(own.deadline.clone());
        state.config_mut().set_extension(deadline);
        let catalogs = Arc::new(MemoryCatalogProviderList::new());
        catalogs.register_catalog(CATALOG.to_owned(), Arc::clone(own.catalog) as _);
        state.register_catalog_list(catalogs);
        functions::bound(&mut state, own.lender)?;
        let joins = EachNode(WatchJoins {
            deadline: own.deadline.clone(),
        });
        let mut physical_rules = state.physical_optimizers().to_vec();
        physical_rules.push(Arc::new(joins));
        Ok(Self {
            runtime: own.runtime,
            physical_rules,
            state,
        })
    }

    /// The session of a state as it is.
    #[cfg(test)]
    pub(crate) fn of(state: SessionState) -> Self {
        Self {
            runtime: Arc::clone(state.runtime_env()),
            physical_rules: state.physical_optimizers().to_vec(),
            state,
        }
    }

    /// What questions are understood with: names, functions and rules. It does not have the memory of
    /// the question.
    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }

    /// Sets the time of `now()`, which is a constant while the question is planned from here on.
    pub(crate) fn mark_start(&mut self) {
        self.state.mark_start_execution();
    }

    /// Sets the rows of a batch.
    pub(crate) fn set_batch_rows(&mut self, rows: usize) {
        let config = self.state.config_mut();
        // To change the settings is to copy all of them.
        if config.batch_size() != rows {
            *config = config.clone().with_batch_size(rows);
        }
    }

    /// Optimizes a plan whose types are settled.
    ///
    /// # Errors
    /// A rule fails.
    pub(crate) fn optimize_settled(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        rules::optimize(plan, self.state.optimizer(), &self.state)
    }
}

#[async_trait]
impl datafusion::catalog::Session for Session {
    fn session_id(&self) -> &str {
        self.state.session_id()
    }

    fn config(&self) -> &SessionConfig {
        self.state.config()
    }

    fn catalog_list(&self) -> Arc<dyn CatalogProviderList> {
        Arc::clone(self.state.catalog_list())
    }

    fn query_planner(&self) -> Arc<dyn QueryPlanner + Send + Sync> {
        Arc::clone(self.state.query_planner())
    }

    fn optimize(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        self.state.optimize(plan)
    }

    fn physical_optimizers(&self) -> &[Arc<dyn PhysicalOptimizerRule + Send + Sync>] {
        &self.physical_rules
    }

    async fn create_physical_plan(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = self.optimize(plan)?;
        self.query_planner().create_physical_plan(&plan, self).await
    }

    fn create_physical_expr(&self, expr: Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        self.state.create_physical_expr(expr, schema)
    }

    fn scalar_functions(&self) -> &HashMap<String, Arc<ScalarUDF>> {
        self.state.scalar_functions()
    }

    fn higher_order_functions(&self) -> &HashMap<String, Arc<HigherOrderUDF>> {
        self.state.higher_order_functions()
    }

    fn aggregate_functions(&self) -> &HashMap<String, Arc<AggregateUDF>> {
        self.state.aggregate_functions()
    }

    fn window_functions(&self) -> &HashMap<String, Arc<WindowUDF>> {
        self.state.window_functions()
    }

    fn extension_type_registry(&self) -> &ExtensionTypeRegistryRef {
        datafusion::catalog::Session::extension_type_registry(&self.state)
    }

    fn runtime_env(&self) -> &Arc<RuntimeEnv> {
        &self.runtime
    }

    fn execution_props(&self) -> &ExecutionProps {
        self.state.execution_props()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn table_options(&self) -> &TableOptions {
        self.state.table_options()
    }

    fn table_options_mut(&mut self) -> &mut TableOptions {
        self.state.table_options_mut()
    }

    /// What a plan runs with. It has its functions: names of them are for plans that come as bytes, and to
    /// copy hundreds takes longer than to read a page.
    fn task_ctx(&self) -> Arc<TaskContext> {
        Arc::new(TaskContext::new(
            None,
            self.state.session_id().to_owned(),
            self.state.config().clone(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            Arc::clone(&self.runtime),
        ))
    }
}
