//! The plan of an analysed query.

use super::super::analysis::{self, Analysed, Argument, Formula, MathFunction, RowTime};
use super::super::value::ValueType;
use super::arithmetic::Math;
use super::expression::Expression;
use super::plan::{Call, Function, Output, Plan, Ranking, Step};
use super::window::Grid;

/// A plan, and which parts of the query its slots are.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The call of the query for each call of the plan. Calls that have no rows, since what they are
    /// computed from is nowhere, are left out.
    pub calls: Vec<usize>,
    /// The input of the query for each other slot: what stands beside a selector and the tags of top
    /// and bottom, or all that a query without calls selects.
    pub others: Vec<usize>,
}

impl Prepared {
    /// Returns the plan of a query that another one reads.
    pub fn subquery(query: &Analysed, seed: u64) -> Self {
        let mut prepared = Self::new(query, seed);
        prepared.plan.is_subquery = true;
        prepared
    }

    /// Returns the plan of a query. `seed` starts the random numbers of `sample`.
    pub fn new(query: &Analysed, seed: u64) -> Self {
        let typed = query.calls.iter().enumerate();
        let calls: Vec<usize> = typed
            .filter(|(_, call)| call.value_type.is_some())
            .map(|(index, _)| index)
            .collect();
        let mut prepared = Self {
            others: others(query),
            plan: empty_plan(query),
            calls,
        };
        let type_of = |input: &usize| query.inputs.get(*input)?.kind.map(|kind| kind.value_type());
        prepared.plan.others = prepared.others.iter().map(type_of).collect();
        let chosen = query.calls.iter().filter(|call| call.value_type.is_some());
        prepared.plan.calls = chosen
            .map(|call| prepared.call(query, call, seed))
            .collect();
        let outputs = query.columns.iter().map(|column| Output {
            expression: prepared.expression(&column.formula),
            value_type: column.value_type.unwrap_or(ValueType::Float),
        });
        prepared.plan.outputs = outputs.collect();
        prepared
    }

    fn call(&self, query: &Analysed, call: &analysis::Call, seed: u64) -> Call {
        let mut steps = Vec::new();
        let mut base = call;
        let function = loop {
            match (step(&base.function), &base.argument) {
                (Some(step), Argument::Call(inner)) => {
                    steps.push(step);
                    base = inner;
                }
                (Some(step), Argument::Input(_)) => {
                    steps.push(step);
                    break Function::Rows;
                }
                (None, argument) => break self.function(&base.function, argument, seed),
            }
        };
        steps.reverse();
        let input_type = || {
            query
                .inputs
                .get(call.input())?
                .kind
                .map(|kind| kind.value_type())
        };
        let value_type = match function {
            Function::Rows => input_type(),
            _ => base.value_type,
        };
        let is_chosen = call.function.is_selector() && query.row_time(call) == RowTime::Point;
        Call {
            function,
            value_type: value_type.unwrap_or(ValueType::Float),
            keeps_time: is_chosen,
            steps,
        }
    }

    fn function(&self, function: &analysis::Function, argument: &Argument, seed: u64) -> Function {
        match function {
            analysis::Function::Count if matches!(argument, Argument::Call(_)) => {
                Function::CountDistinct
            }
            analysis::Function::Count => Function::Count,
            analysis::Function::Median => Function::Median,
            analysis::Function::Mode => Function::Mode,
            analysis::Function::Percentile(percent) => Function::Percentile(*percent),
            analysis::Function::Distinct => Function::Distinct,
            analysis::Function::Top(ranked) => {
                Function::Top(self.ranking(ranked.count, &ranked.by))
            }
            analysis::Function::Bottom(ranked) => {
                Function::Bottom(self.ranking(ranked.count, &ranked.by))
            }
            analysis::Function::Sample(count) => Function::Sample {
                count: *count,
                seed,
            },
            analysis::Function::Integral { unit_ns } => Function::Integral { unit_ns: *unit_ns },
            _ => Function::Aggregate,
        }
    }

    fn ranking(&self, count: usize, tags: &[usize]) -> Ranking {
        let place = |input: &usize| self.others.iter().position(|other| other == input);
        Ranking {
            count,
            is_per_tags: !tags.is_empty(),
            tags: tags.iter().filter_map(place).collect(),
        }
    }

    fn expression(&self, formula: &Formula) -> Expression {
        match formula {
            Formula::Null => Expression::Null,
            Formula::Literal(value) => Expression::Literal(value.clone()),
            Formula::Call(index) => slot(&self.calls, *index, 0),
            Formula::Input(index) => slot(&self.others, *index, self.calls.len()),
            Formula::Math {
                function,
                arguments,
            } => {
                let mut arguments = arguments.iter().map(|argument| self.expression(argument));
                Expression::Math {
                    function: math(*function),
                    first: Box::new(arguments.next().unwrap_or(Expression::Null)),
                    second: arguments.next().map(Box::new),
                }
            }
            Formula::Binary {
                operator,
                left,
                right,
            } => Expression::Binary {
                operator: *operator,
                left: Box::new(self.expression(left)),
                right: Box::new(self.expression(right)),
            },
        }
    }
}

fn empty_plan(query: &Analysed) -> Plan {
    let names = query.columns.iter().map(|column| column.name.clone());
    let columns: Vec<String> = std::iter::once(query.time_name.clone())
        .chain(names)
        .collect();
    let grid =
        |window: analysis::Window| Grid::new(window.interval_ns, window.offset_ns, window.zone);
    Plan {
        columns: columns.into(),
        outputs: Vec::new(),
        calls: Vec::new(),
        others: Vec::new(),
        grid: query.window.and_then(grid),
        lower_ns: query.range.min_ns,
        upper_ns: query.range.max_ns,
        fill: query.fill,
        descending: query.descending,
        limit: query.limit,
        offset: query.offset,
        is_subquery: false,
    }
}

/// The inputs that are needed as they are, those that are somewhere.
fn others(query: &Analysed) -> Vec<usize> {
    let ranked: Vec<usize> = query
        .calls
        .iter()
        .flat_map(|call| call.ranked_by())
        .copied()
        .collect();
    let inputs = query.inputs.iter().enumerate();
    inputs
        .filter(|(index, input)| input.kind.is_some() && (input.is_plain || ranked.contains(index)))
        .map(|(index, _)| index)
        .collect()
}

/// The slot of a part of the query; null if it has none.
fn slot(parts: &[usize], index: usize, first: usize) -> Expression {
    let place = parts.iter().position(|part| *part == index);
    place.map_or(Expression::Null, |place| Expression::Slot(first + place))
}

fn step(function: &analysis::Function) -> Option<Step> {
    Some(match *function {
        analysis::Function::Derivative {
            unit_ns,
            non_negative,
        } => Step::Derivative {
            unit_ns,
            non_negative,
        },
        analysis::Function::Difference { non_negative } => Step::Difference { non_negative },
        analysis::Function::CumulativeSum => Step::CumulativeSum,
        analysis::Function::MovingAverage(count) => Step::MovingAverage(count),
        analysis::Function::Elapsed { unit_ns } => Step::Elapsed { unit_ns },
        _ => return None,
    })
}

pub(crate) fn math(function: MathFunction) -> Math {
    match function {
        MathFunction::Abs => Math::Abs,
        MathFunction::Acos => Math::Acos,
        MathFunction::Asin => Math::Asin,
        MathFunction::Atan => Math::Atan,
        MathFunction::Atan2 => Math::Atan2,
        MathFunction::Ceil => Math::Ceil,
        MathFunction::Cos => Math::Cos,
        MathFunction::Exp => Math::Exp,
        MathFunction::Floor => Math::Floor,
        MathFunction::Ln => Math::Ln,
        MathFunction::Log => Math::Log,
        MathFunction::Log2 => Math::Log2,
        MathFunction::Log10 => Math::Log10,
        MathFunction::Pow => Math::Pow,
        MathFunction::Round => Math::Round,
        MathFunction::Sin => Math::Sin,
        MathFunction::Sqrt => Math::Sqrt,
        MathFunction::Tan => Math::Tan,
    }
}
