//! A question that was understood, and waits for the values of its parameters.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, SchemaRef};
use datafusion::catalog::Session as _;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};

use crate::answer::{Answer, leaving, leaving_type};
use crate::database::Database;
use crate::deadline::Deadline;
use crate::error::QueryError;
use crate::functions::Lender;
use crate::logical::collected;
use crate::logical::literals;
use crate::logical::parameters;
use crate::physical::sliced::batch_rows;
use crate::record::{Following, Outcome};
use crate::session::Session;
use crate::threads::Threads;

/// What a question holds from its beginning to the end of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) threads: Threads,
    /// The time by which the answer must be read to its end.
    pub(crate) deadline: Deadline,
    /// Held though no table of it may be read: what it holds counts the question.
    pub(crate) _database: Arc<dyn Database>,
    /// The memory that its answer takes.
    pub(crate) memory: Arc<dyn MemoryPool>,
    /// Holds the memory of constants, which are part of the plan.
    pub(crate) _lender: Arc<Lender>,
}

/// A question that was understood.
#[derive(Debug)]
pub struct Question {
    asked: Asked,
    session: Session,
    plan: Typed,
    parameters: Vec<Parameter>,
    following: Option<Following>,
}

/// A plan, and the columns that follow from it.
#[derive(Debug)]
struct Typed {
    plan: LogicalPlan,
    /// True if the types of its expressions are settled: that is not done again.
    is_settled: bool,
    /// The columns, as they leave.
    schema: SchemaRef,
}

impl Typed {
    /// Settles the types of a plan: which ones the sides of a union or of a sum come to is known after
    /// that. A plan without its parameters' values may not be ready for it; a wrong one fails when it
    /// is run.
    fn new(plan: LogicalPlan, state: &SessionState) -> Self {
        // A plan to be shown lists what is done to it, step by step.
        if matches!(plan, LogicalPlan::Explain(_)) {
            return Self::unsettled(plan);
        }
        let (analyzer, options) = (state.analyzer(), state.config_options());
        match analyzer.execute_and_check(plan.clone(), options, |_, _| {}) {
            Ok(settled) => Self {
                is_settled: true,
                ..Self::unsettled(settled)
            },
            Err(_) => Self::unsettled(plan),
        }
    }

    fn unsettled(plan: LogicalPlan) -> Self {
        Self {
            schema: Arc::new(leaving(plan.schema().as_arrow())),
            is_settled: false,
            plan,
        }
    }
}

/// A place in a question that takes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name without the `$`; its number if it has no name.
    pub name: String,
    /// The type that its place asks for, if that is known.
    pub data_type: Option<DataType>,
}

/// The values of a question's parameters.
#[derive(Clone, Debug)]
pub enum Parameters {
    /// By name, without the `$`.
    Named(HashMap<String, ScalarValue>),
    /// In order, the first for `$1` or the first `?`.
    Placed(Vec<ScalarValue>),
}

impl Parameters {
    /// No values.
    pub fn none() -> Self {
        Self::Placed(Vec::new())
    }
}

impl Question {
    pub(crate) fn new(
        asked: Asked,
        session: Session,
        plan: LogicalPlan,
    ) -> Result<Self, QueryError> {
        let types = parameters::of(&plan)?.into_iter();
        let mut parameters: Vec<Parameter> = types
            .map(|(name, data_type)| Parameter {
                name: name.trim_start_matches('$').to_owned(),
                data_type: data_type.as_ref().map(leaving_type),
            })
            .collect();
        parameters.sort_by(|a, b| order(a).cmp(&order(b)));
        // With its parameters' values the types may be others.
        let typed = Typed::new(plan.clone(), session.state());
        let plan = match parameters.is_empty() {
            true => typed,
            false => Typed {
                plan,
                is_settled: false,
                ..typed
            },
        };
        Ok(Self {
            asked,
            plan,
            session,
            parameters,
            following: None,
        })
    }

    /// The question with its record.
    pub(crate) fn followed(mut self, mut following: Following) -> Self {
        following.is_planned();
        self.following = Some(following);
        self
    }

    /// The columns of the answer, as they leave. Parameters without a value leave the types that
    /// follow from theirs open.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.plan.schema)
    }

    /// The parameters: `$1`, `$2` and so on in order, then those with names by name.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The question with values in place of its parameters, of which it has none then.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] if a parameter has no value, or one that does not fit.
    pub fn bind(mut self, values: Parameters) -> Result<Self, QueryError> {
        if self.parameters.is_empty() {
            return Ok(self);
        }
        let values = values.checked(&self.parameters);
        let plan = self.plan.plan.clone();
        let bound = values.and_then(|values| Ok(plan.with_param_values(values)?));
        match bound {
            Ok(plan) => {
                self.plan = Typed::new(plan, self.session.state());
                self.parameters = Vec::new();
                Ok(self)
            }
            Err(error) => Err(end(&mut self.following, error)),
        }
    }

    /// Starts to answer. Rows are read as they are asked for. They have the columns of the question
    /// with these values.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] if a parameter has no value, or one that does not fit;
    /// [`QueryError::Late`] if its time is over.
    pub async fn run(self, values: Parameters) -> Result<Answer, QueryError> {
        let mut question = self.bind(values)?;
        let mut following = question.following.take();
        if let Some(following) = &mut following {
            following.runs();
        }
        match question.start().await {
            Ok((plan, answer)) => {
                if let Some(following) = &following {
                    following.runs_by(plan);
                }
                Ok(answer.followed(following))
            }
            Err(error) => Err(end(&mut following, error)),
        }
    }

    async fn start(self) -> Result<Started, QueryError> {
        let schema = self.schema();
        let Self {
            asked,
            mut session,
            plan,
            ..
        } = self;
        // Else `now()` would be no constant while the question is planned, and prune nothing.
        session.mark_start();
        let Asked {
            threads, deadline, ..
        } = asked.clone();
        let started = async move {
            let plan = physical(plan, &mut session).await?;
            let rows = execute_stream(Arc::clone(&plan), session.task_ctx())?;
            // Here, since the threads of questions hand over to each other sooner than others to them.
            Ok((plan, Answer::new(rows, schema, asked)))
        };
        threads.run(deadline, started).await
    }
}

/// Plans how to run.
async fn physical(
    plan: Typed,
    session: &mut Session,
) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
    let Typed {
        plan, is_settled, ..
    } = plan;
    let plan = match is_settled {
        true => session.optimize_settled(plan)?,
        false => session.optimize(&plan)?,
    };
    cut_batches(session, &plan)?;
    let planner = session.query_planner();
    Ok(planner.create_physical_plan(&plan, session).await?)
}

/// A plan that runs, and its rows.
type Started = (Arc<dyn ExecutionPlan>, Answer);

/// Makes batches small if constants of the plan are long, or the values of its windows lists.
fn cut_batches(session: &mut Session, plan: &LogicalPlan) -> Result<(), QueryError> {
    let constants = literals::bytes_of_row(plan)?;
    let of_row = constants.saturating_add(collected::bytes_of_row(plan)?);
    let memory = session.runtime_env().memory_pool.memory_limit();
    let rows = batch_rows(session.config().options(), memory, of_row);
    session.set_batch_rows(rows);
    Ok(())
}

/// Ends the record of a question that fails.
fn end(following: &mut Option<Following>, error: QueryError) -> QueryError {
    if let Some(following) = following {
        following.end(Outcome::of(&error));
    }
    error
}

/// Numbers first, by value.
fn order(parameter: &Parameter) -> (bool, usize, &str) {
    match parameter.name.parse() {
        Ok(number) => (false, number, ""),
        Err(_) => (true, 0, &parameter.name),
    }
}

impl Parameters {
    fn checked(self, parameters: &[Parameter]) -> Result<ParamValues, QueryError> {
        let has = |parameter: &&Parameter| match &self {
            Self::Named(values) => values.contains_key(&parameter.name),
            Self::Placed(values) => {
                let number: Option<usize> = parameter.name.parse().ok();
                number.is_some_and(|number| (1..=values.len()).contains(&number))
            }
        };
        if let Some(missing) = parameters.iter().find(|parameter| !has(parameter)) {
            let text = format!("No value found for placeholder with name ${}", missing.name);
            return Err(QueryError::Invalid(text));
        }
        Ok(match self {
            Self::Named(values) => {
                let values = values.into_iter();
                ParamValues::Map(values.map(|(name, value)| (name, value.into())).collect())
            }
            Self::Placed(values) => ParamValues::List(values.into_iter().map(Into::into).collect()),
        })
    }
}
