//! The engine: what all questions share, and the way of one of them.
//!
//! ```text
//! text > statement > names that it uses > logical plan > reads only? > question > answer
//! ```

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::catalog::information_schema::INFORMATION_SCHEMA;
use datafusion::common::TableReference;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::OptimizerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::optimizer::eliminate_filter::EliminateFilter;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::propagate_empty_relation::PropagateEmptyRelation;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::push_down_limit::PushDownLimit;
use datafusion::optimizer::replace_distinct_aggregate::ReplaceDistinctWithAggregate;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::prelude::SessionConfig;
use tokio::runtime::Handle;

use crate::database::Database;
use crate::deadline::Deadline;
use crate::error::QueryError;
use crate::functions::{self, Lender, gapfill};
use crate::logical::grouping_sets;
use crate::logical::lists;
use crate::logical::newest::Newest;
use crate::logical::quantified;
use crate::logical::recursive;
use crate::memory::{Holding, Lent, Memory, footer_bytes_max};
use crate::physical::each_node::EachNode;
use crate::physical::rules::{self as physical_rules, PhysicalRules};
use crate::physical::sort_keys::KeepRoom;
use crate::presence::Waiter;
use crate::provider::{CATALOG, Catalog, NameFiles, SCHEMA, View};
use crate::question::{Asked, Question};
use crate::record::{Asker, Counted, Following, Outcome, Recorded, Records, Running, Watch};
use crate::session::{self, Own, Session};
use crate::spill::{Disk, Files};
use crate::sql::describe;
use crate::sql::hints;
use crate::sql::placeholders;
use crate::sql::statement;
use crate::threads::Threads;
use crate::watched_plans;

/// The time before the earliest end of a question at which who waits for it looks for the true one.
const LOOKS_AHEAD: Duration = Duration::from_millis(50);

/// Limits of all questions together.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many parts of a question run side by side.
    pub partitions: usize,
    /// Where the memory of questions comes from.
    pub memory: Arc<dyn Memory>,
    /// Where they put what does not fit into memory.
    pub disk: Arc<dyn Disk>,
    /// Where they are planned and run, whoever asks. It needs its timers.
    pub threads: Handle,
    /// The time in which an answer must be read to its end, and the text for one that is not;
    /// absent if there is no such limit.
    pub timeout: Option<(Duration, String)>,
    /// A clock that never goes back.
    pub instant: fn() -> Instant,
}

/// The engine. Clones share it.
#[derive(Clone, Debug)]
pub struct QueryEngine {
    runtime: Arc<RuntimeEnv>,
    /// The pool of the runtime.
    memory: Arc<Lent>,
    /// What the session of each question in SQL is a copy of.
    template: Arc<SessionState>,
    /// The settings of statements of InfluxQL.
    of_statements: SessionConfig,
    /// DataFusion's, as all plans that run are changed by them.
    physical_rules: Arc<PhysicalRules>,
    threads: Threads,
    timeout: Option<(Duration, String)>,
    instant: fn() -> Instant,
    /// What to say when the questions together have all memory.
    all_is_taken: Arc<str>,
    records: Option<Arc<Records>>,
}

impl QueryEngine {
    /// Makes an engine with these limits.
    ///
    /// # Errors
    /// A fault of the library below.
    pub fn new(limits: Limits) -> Result<Self, QueryError> {
        let all_is_taken: Arc<str> = limits.memory.all_is_taken().into();
        let memory_bytes = limits.memory.bytes_max();
        let files = DiskManagerBuilder::default()
            .with_temp_file_factory(Arc::new(Files(limits.disk)))
            .with_max_spill_merge_fan_in(merged_files_max(memory_bytes, limits.partitions));
        let footers = footer_bytes_max(&*limits.memory);
        let merging = merging_bytes(memory_bytes, limits.partitions);
        let memory = Arc::new(Lent::new(limits.memory));
        let runtime = RuntimeEnvBuilder::new()
            .with_metadata_cache_limit(footers)
            .with_disk_manager_builder(files)
            .with_memory_pool(Arc::clone(&memory) as _);
        let (config, runtime) = (
            config(limits.partitions, merging),
            Arc::new(runtime.build()?),
        );
        let physical_rules = physical_rules::rules(config.options(), memory_bytes);
        let of_statements = in_one_pass(config.clone());
        let template = session::template(
            config,
            Arc::clone(&runtime),
            physical_rules.clone(),
            &all_is_taken,
        )?;
        Ok(Self {
            physical_rules: Arc::new(physical_rules),
            all_is_taken,
            memory,
            runtime,
            template: Arc::new(template),
            of_statements,
            threads: Threads::new(limits.threads),
            timeout: limits.timeout,
            instant: limits.instant,
            records: None,
        })
    }

    /// The engine with records of what is asked, for `system.queries` and for the program.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn Watch>) -> Self {
        self.records = Some(Arc::new(Records::new(watch)));
        self
    }

    /// The bytes of memory that all questions have now.
    pub fn memory_used_bytes(&self) -> usize {
        self.runtime.memory_pool.reserved()
    }

    /// Begins the record of a statement of InfluxQL that the program carries out itself.
    pub fn record(&self, asker: Asker, statement: &str) -> Recorded {
        let records = self.records.as_ref();
        Recorded::new(records.map(|records| records.begin_influxql(asker, statement)))
    }

    /// The questions that run, as far as this sender may see them; the oldest first.
    pub fn running(&self, asker: &Asker) -> Vec<Running> {
        let records = self.records.as_ref();
        records.map_or_else(Vec::new, |records| records.running(asker))
    }

    /// Ends a question that runs and that this sender may see: it fails with
    /// [`QueryError::Interrupted`]. Returns false if there is no such question.
    pub fn kill(&self, asker: &Asker, id: u64) -> bool {
        let records = self.records.as_ref();
        records.is_some_and(|records| records.kill(asker, id))
    }

    /// Memory for what is kept beside the plans of questions; none yet.
    pub fn holding(&self) -> Holding {
        Holding::of(&self.runtime.memory_pool)
    }

    /// The engine with batches of so many rows, so that few rows make many of them.
    #[cfg(test)]
    pub(crate) fn with_batch_rows(mut self, rows: usize) -> Self {
        let template = Arc::make_mut(&mut self.template);
        *template.config_mut() = template.config().clone().with_batch_size(rows);
        self.of_statements = self.of_statements.with_batch_size(rows);
        self
    }

    /// Plans a question in SQL, of which there is no record. Nothing is read before it is run. The
    /// database is held until the question and its answer are dropped and their work has ended.
    ///
    /// # Errors
    /// [`QueryError`] if the question is wrong, or would change something.
    pub async fn sql(
        &self,
        database: Arc<dyn Database>,
        text: &str,
    ) -> Result<Question, QueryError> {
        self.plan(database, text, View::default(), None).await
    }

    /// Plans a question in SQL that is recorded as this sender's. Waiting for the database, which is
    /// its turn, is part of the question.
    ///
    /// # Errors
    /// [`QueryError`] if there is no database, or the question is wrong or would change something.
    pub async fn ask(
        &self,
        asker: Asker,
        text: &str,
        database: impl Future<Output = Result<Arc<dyn Database>, QueryError>>,
    ) -> Result<Question, QueryError> {
        let Some(records) = &self.records else {
            return self.sql(database.await?, text).await;
        };
        let view = View::new(Arc::clone(records), asker.clone());
        let mut following = records.begin(asker, text);
        let planned = async {
            let database = database.await?;
            following.has_turn();
            self.plan(database, text, view, Some(&following)).await
        };
        match following.kill().unless(planned).await {
            Ok(question) => Ok(question.followed(following)),
            Err(error) => {
                following.end(Outcome::of(&error));
                Err(error)
            }
        }
    }

    async fn plan(
        &self,
        database: Arc<dyn Database>,
        text: &str,
        view: View,
        following: Option<&Following>,
    ) -> Result<Question, QueryError> {
        let deadline = self.deadline(following, None);
        let text = placeholders::number(text)?;
        let catalog = Arc::new(Catalog::new(Arc::clone(&database), view));
        let runtime = self.runtime(following);
        let pool = Arc::clone(&runtime.memory_pool);
        let lender = Arc::new(Lender::new(
            Arc::clone(&pool),
            Arc::clone(&self.all_is_taken),
        ));
        let own = Own {
            catalog: &catalog,
            lender: &lender,
            deadline: &deadline,
            runtime,
        };
        let session = Session::new(&self.template, own)?;
        let asked = Asked {
            threads: self.threads.clone(),
            deadline: deadline.clone(),
            memory: pool,
            _database: database,
            _lender: lender,
        };
        let planned = async move {
            let plan = plan(session.state(), &catalog, &text).await?;
            check(&plan)?;
            functions::check_intervals(&plan)?;
            Question::new(asked, session, plan)
        };
        self.threads.run(deadline, planned).await
    }

    /// The time that a question has which begins now, at most until then, unless another ends it.
    pub(crate) fn deadline(
        &self,
        following: Option<&Following>,
        until: Option<Instant>,
    ) -> Deadline {
        let deadline = Deadline::of(self.timeout.as_ref(), self.instant).or_at(until);
        match following {
            Some(following) => deadline
                .or_killed_by(following.kill())
                .or_left_by(following.presence()),
            None => deadline,
        }
    }

    /// Somebody who waits for a question, which gets its turn within `patience` or is refused.
    pub fn waiter(&self, patience: Duration) -> Waiter {
        // What a request began with a moment ago must not count as earlier than that.
        let first_look = self
            .until()
            .and_then(|until| until.checked_sub(LOOKS_AHEAD));
        let waiter = Waiter::looking_at(first_look);
        Deadline::of(self.timeout.as_ref(), self.instant)
            .later(patience)
            .or_left_by(waiter.presence());
        waiter
    }

    /// The moment by which a question that begins now must be answered, if there is one.
    pub(crate) fn until(&self) -> Option<Instant> {
        let (patience, _) = self.timeout.as_ref()?;
        (self.instant)().checked_add(*patience)
    }

    /// Begins the record of a statement of InfluxQL, if there are records.
    pub(crate) fn begin_record(
        &self,
        asker: Asker,
        text: impl FnOnce() -> String,
    ) -> Option<Following> {
        let records = self.records.as_ref()?;
        Some(records.begin_influxql(asker, &text()))
    }

    /// The threads of questions.
    pub(crate) fn threads(&self) -> &Threads {
        &self.threads
    }

    /// The state of a session for plans that are made without a catalog and without names of functions.
    /// Of the rules it has those that such plans need: each one looks at the whole plan, which takes
    /// longer than to read a page.
    pub(crate) fn state_of_statements(
        &self,
        runtime: Arc<RuntimeEnv>,
        deadline: &Deadline,
    ) -> SessionState {
        let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
            Arc::new(ReplaceDistinctWithAggregate::new()),
            Arc::new(SimplifyExpressions::new()),
            Arc::new(EliminateFilter::new()),
            Arc::new(PropagateEmptyRelation::new()),
            Arc::new(PushDownLimit::new()),
            Arc::new(PushDownFilter::new()),
            Arc::new(OptimizeProjections::new()),
            Arc::new(Newest),
        ];
        SessionStateBuilder::new()
            .with_config(
                self.of_statements
                    .clone()
                    .with_extension(Arc::new(deadline.clone())),
            )
            .with_runtime_env(runtime)
            .with_analyzer_rules(vec![Arc::new(TypeCoercion::new())])
            .with_optimizer_rules(watched_plans::logical(rules, deadline))
            .with_physical_optimizer_rules(watched_plans::physical(&self.physical_rules, deadline))
            .with_physical_optimizer_rule(Arc::new(EachNode(KeepRoom)))
            .with_physical_optimizer_rule(Arc::new(EachNode(NameFiles)))
            .build()
    }

    /// The environment of a question: that of all, but for the count of its memory.
    pub(crate) fn runtime(&self, following: Option<&Following>) -> Arc<RuntimeEnv> {
        let shared = Arc::clone(&self.memory);
        let memory_pool = match following {
            Some(following) => following.pool(shared),
            None => Arc::new(Counted::new(shared, Arc::default())),
        };
        Arc::new(RuntimeEnv {
            memory_pool,
            ..RuntimeEnv::clone(&self.runtime)
        })
    }
}

/// The memory that each sort keeps for reading back what it put on disk: a small part of all, so that
/// some sorts have theirs at once.
fn merging_bytes(memory_bytes_max: usize, partitions: usize) -> usize {
    const MERGING_BYTES_MAX: usize = 10 << 20;
    (memory_bytes_max / 16 / partitions.max(1)).min(MERGING_BYTES_MAX)
}

/// The most files on disk that each sort merges at once. Otherwise it opens as many as there is memory for, and
/// leaves none to what merges the rows of the sorts.
fn merged_files_max(memory_bytes_max: usize, partitions: usize) -> usize {
    const FILE_BYTES: usize = 8 << 20;
    (memory_bytes_max / FILE_BYTES / partitions.max(1)).clamp(2, 64)
}

/// The settings of every session.
fn config(partitions: usize, merging_bytes: usize) -> SessionConfig {
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        // The catalog has one of its own.
        .with_information_schema(false)
        .with_sort_spill_reservation_bytes(merging_bytes)
        .with_target_partitions(partitions.max(1));
    // Views are strings that clients of Grafana and of JavaScript cannot read.
    config
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_bool(
            "datafusion.execution.parquet.schema_force_view_types",
            false,
        )
        // Joins that sort both sides are not watched: a question could not be ended within one.
        .set_bool("datafusion.optimizer.prefer_hash_join", true)
        // Wrong in 55.2: rows are left out that another aggregate of the question needs, once one of
        // them has no bound yet or is of no plain column (apache/datafusion 25147).
        .set_bool(
            "datafusion.optimizer.enable_aggregate_dynamic_filter_pushdown",
            false,
        )
        // The optimizer writes `x IS TRUE` as a comparison of which a plan cannot tell that it is never
        // null; the columns of an aggregate are then not those that were expected, and as good.
        .set_bool(
            "datafusion.execution.skip_physical_aggregate_schema_check",
            true,
        )
        // It moves the fields of structs below any node, also below one that fills their gaps. Tables
        // of points have no structs.
        .set_bool(
            "datafusion.optimizer.enable_leaf_expression_pushdown",
            false,
        )
        .set_str("datafusion.execution.time_zone", "+00:00")
}

/// These settings with one pass of the rules: the plans of statements are written in such a way that the
/// rules, in the order that they have, find nothing in a second one.
fn in_one_pass(mut config: SessionConfig) -> SessionConfig {
    config.options_mut().optimizer.max_passes = 1;
    config
}

async fn plan(
    state: &SessionState,
    catalog: &Catalog,
    text: &str,
) -> Result<LogicalPlan, QueryError> {
    let statement = statement::parse(state, text)?;
    let mut references = state.resolve_table_references(&statement)?;
    // A function that makes a table is no name of one.
    references.retain(|reference| !state.table_functions().contains_key(reference.table()));
    if references.iter().any(lists_tables) {
        catalog.names().await?;
    }
    match state.statement_to_plan(statement).await {
        Ok(plan) => {
            let plan = grouping_sets::rewrite(describe::rewrite(plan)?)?;
            let plan = quantified::rewrite(plan)?;
            let plan = recursive::rewrite(plan)?;
            Ok(gapfill::rewrite(lists::rewrite(plan)?)?)
        }
        Err(error) => {
            let hint = hints::of_tables(catalog, &references).await;
            let error = || hints::as_written(error.into(), text);
            Err(hint.map_or_else(error, QueryError::Invalid))
        }
    }
}

/// Returns true if a statement that refers to a table may list the tables of the database.
fn lists_tables(reference: &TableReference) -> bool {
    reference.schema() == Some(INFORMATION_SCHEMA)
}

fn check(plan: &LogicalPlan) -> Result<(), QueryError> {
    let reading = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    reading.verify_plan(plan).map_err(|error| {
        let text = error.strip_backtrace();
        let what = text
            .rsplit_once(": ")
            .map_or(text.as_str(), |(_, what)| what);
        QueryError::Writes(what.to_owned())
    })
}
