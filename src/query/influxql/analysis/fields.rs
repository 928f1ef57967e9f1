//! The list of fields, without wildcards, to columns over inputs and calls.

use std::sync::Arc;

use super::super::ast::{Call as WrittenCall, Expression, Field, Literal, Operator, Reference};
use super::super::value::{Value, ValueType};
use super::calls::{self, Written};
use super::function::Ranked;
use super::model::{Column, Formula, Input, InputKind, MathFunction, Window};
use super::names::{self, Unnamed};
use super::schema::Kind;
use super::sources::Resolved;
use super::types::{self, Checked};
use super::{AnalysisError, Argument, Call, Function};

/// The columns and what they are computed from.
pub(super) struct Built {
    pub(super) inputs: Vec<Input>,
    pub(super) calls: Vec<Call>,
    pub(super) columns: Vec<Column>,
    /// The first function that does not take the type of its argument.
    pub(super) refusal: Option<AnalysisError>,
}

/// A list of fields that grows.
pub(super) struct Building<'a> {
    sources: &'a [Resolved],
    window: Option<&'a Window>,
    /// Whether the query is in another one, where operands that cannot be joined are null.
    is_inner: bool,
    inputs: Vec<Input>,
    calls: Vec<Call>,
    columns: Vec<Unfinished>,
    refusal: Option<AnalysisError>,
}

/// A column without its final name.
struct Unfinished {
    alias: Option<String>,
    generated: String,
    typed: Typed,
    is_argument: bool,
}

/// A formula and its types.
struct Typed {
    formula: Formula,
    /// The type of the values.
    value_type: Option<ValueType>,
    /// The type that the check of types goes on with, which is another one for mathematics.
    checked: Option<Kind>,
}

impl<'a> Building<'a> {
    pub(super) fn new(sources: &'a [Resolved], window: Option<&'a Window>, is_inner: bool) -> Self {
        Self {
            sources,
            window,
            is_inner,
            refusal: None,
            inputs: Vec::new(),
            calls: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// Adds the columns of one field.
    pub(super) fn add(&mut self, field: &Field) -> Result<(), AnalysisError> {
        let typed = self.typed(&field.expression)?;
        self.columns.push(Unfinished {
            alias: field.alias.clone(),
            generated: names::of_expression(&field.expression),
            typed,
            is_argument: false,
        });
        let Expression::Call(call) = &field.expression else {
            return Ok(());
        };
        if matches!(call.name.as_str(), "top" | "bottom")
            && let [_, tags @ .., _] = call.arguments.as_slice()
        {
            for tag in tags {
                let typed = self.typed(tag)?;
                self.columns.push(Unfinished {
                    alias: None,
                    generated: names::of_expression(tag),
                    typed,
                    is_argument: true,
                });
            }
        }
        Ok(())
    }

    /// Gives the columns their names.
    pub(super) fn finish(self) -> Built {
        let unnamed: Vec<_> = self
            .columns
            .iter()
            .map(|column| Unnamed {
                alias: column.alias.as_deref(),
                generated: &column.generated,
            })
            .collect();
        let names = names::of_columns(&unnamed);
        let columns = names.into_iter().zip(self.columns);
        Built {
            columns: columns
                .map(|(name, column)| Column {
                    name,
                    kind: column.typed.kind(),
                    formula: column.typed.formula,
                    value_type: column.typed.value_type,
                    reference: column.alias.unwrap_or(column.generated),
                    is_argument: column.is_argument,
                })
                .collect(),
            inputs: self.inputs,
            calls: self.calls,
            refusal: self.refusal,
        }
    }

    fn typed(&mut self, expression: &Expression) -> Result<Typed, AnalysisError> {
        match expression {
            Expression::Parenthesised(inner) => self.typed(inner),
            Expression::Reference(reference) => Ok(self.reference(reference)),
            Expression::Literal(literal) => Ok(literal_of(literal)),
            Expression::Call(call) => match MathFunction::named(&call.name) {
                Some(function) => self.math(function, call),
                None => self.call(call),
            },
            Expression::Signed { negative, operand } => {
                let sign = Expression::Literal(Literal::Integer(if *negative { -1 } else { 1 }));
                self.binary(expression, Operator::Multiply, &sign, operand)
            }
            Expression::Binary {
                operator,
                left,
                right,
            } => self.binary(expression, *operator, left, right),
            // Validation and the expansion of wildcards leave none of these.
            Expression::Wildcard(_)
            | Expression::Regex(_)
            | Expression::Distinct(_)
            | Expression::Logical { .. } => Ok(Typed::null(None)),
        }
    }

    fn reference(&mut self, reference: &Reference) -> Typed {
        let index = self.input(reference, true);
        let kind = Kind::of_cast(reference.cast);
        Typed {
            formula: Formula::Input(index),
            value_type: kind.map(Kind::value_type),
            checked: kind,
        }
    }

    /// Returns the index of an input.
    fn input(&mut self, reference: &Reference, is_plain: bool) -> usize {
        let kind = Kind::of_cast(reference.cast).map(|kind| match kind {
            Kind::Tag => InputKind::Tag,
            field => InputKind::Field(field.value_type()),
        });
        let input = Input {
            name: Arc::from(reference.name.as_str()),
            kind,
            is_plain,
        };
        index_of(&mut self.inputs, input)
    }

    fn math(&mut self, function: MathFunction, call: &WrittenCall) -> Result<Typed, AnalysisError> {
        let mut arguments = Vec::new();
        let mut types = Vec::new();
        let mut checked = None;
        for (index, argument) in call.arguments.iter().enumerate() {
            let typed = self.typed(argument)?;
            if index == 0 {
                checked = typed.checked;
            }
            types.push(typed.value_type.filter(|value_type| value_type.is_number()));
            arguments.push(typed.formula);
        }
        // As 1.x sees it, mathematics have the type of their first argument.
        let keeps_type = function.result(ValueType::Boolean) == ValueType::Boolean;
        let checked = checked.or((!keeps_type).then_some(Kind::Float));
        let types: Option<Vec<_>> = types.into_iter().collect();
        let Some(&first) = types.as_ref().and_then(|types| types.first()) else {
            return Ok(Typed::null(checked));
        };
        Ok(Typed {
            formula: Formula::Math {
                function,
                arguments,
            },
            value_type: Some(function.result(first)),
            checked,
        })
    }

    fn binary(
        &mut self,
        whole: &Expression,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Typed, AnalysisError> {
        let (before, after) = (self.typed(left)?, self.typed(right)?);
        let of = |expression, typed: &Typed| Checked {
            expression,
            kind: typed.checked,
        };
        let checked = types::check(whole, operator, &of(left, &before), &of(right, &after));
        let checked = match checked {
            Err(_) if self.is_inner => return Ok(Typed::null(None)),
            checked => checked?,
        };
        let value_type = match (before.value_type, after.value_type) {
            (Some(left), Some(right)) => types::arithmetic(operator, left, right, false),
            _ => None,
        };
        if value_type.is_none() {
            return Ok(Typed::null(checked));
        }
        Ok(Typed {
            formula: Formula::Binary {
                operator,
                left: Box::new(before.formula),
                right: Box::new(after.formula),
            },
            value_type,
            checked,
        })
    }

    fn call(&mut self, written: &WrittenCall) -> Result<Typed, AnalysisError> {
        let (call, checked) = self.built_call(written)?;
        let value_type = call.value_type;
        let index = index_of(&mut self.calls, call);
        let formula = match value_type {
            Some(_) => Formula::Call(index),
            None => Formula::Null,
        };
        Ok(Typed {
            formula,
            value_type,
            checked,
        })
    }

    /// Returns a call and the type that the check of types goes on with.
    fn built_call(&mut self, written: &WrittenCall) -> Result<(Call, Option<Kind>), AnalysisError> {
        let function = match calls::function(written, self.window)? {
            Written::Plain(function) => function,
            Written::Ranked { count, tags, build } => {
                let tags = tags.iter().filter_map(|tag| match tag {
                    Expression::Reference(reference) => Some(self.input(reference, true)),
                    _ => None,
                });
                let by = tags.collect();
                build(Ranked { count, by })
            }
        };
        let (argument, argument_type, checked) = self.argument(written)?;
        let fitting = argument_type.filter(|found| function.takes(*found));
        if let (Some(found), None, None) = (argument_type, fitting, &self.refusal) {
            self.refusal = Some(AnalysisError::Argument {
                function: written.name.clone(),
                value_type: found.word(),
            });
        }
        let checked = match function.fixed_type() {
            Some(fixed) => Some(Kind::from(fixed)),
            None => checked,
        };
        let own = match self.window {
            Some(_) => function.extra_windows(),
            None => 0,
        };
        let below = match &argument {
            Argument::Call(inner) => inner.extra_windows,
            Argument::Input(_) => 0,
        };
        let call = Call {
            value_type: match fitting {
                Some(found) => Some(function.result(found)),
                // Such a function of what is nowhere has no rows, but fills those of others.
                None => function.fixed_type(),
            },
            function,
            argument,
            extra_windows: own + below,
        };
        Ok((call, checked))
    }

    /// Returns what a function is computed from, its type, and the one that the check of types sees.
    fn argument(
        &mut self,
        written: &WrittenCall,
    ) -> Result<(Argument, Option<ValueType>, Option<Kind>), AnalysisError> {
        match written.arguments.first() {
            Some(Expression::Call(inner)) => {
                let (inner, checked) = self.built_call(inner)?;
                let value_type = inner.value_type;
                Ok((Argument::Call(Box::new(inner)), value_type, checked))
            }
            Some(Expression::Reference(reference)) => {
                let index = self.input(reference, false);
                let checked = Kind::of_cast(reference.cast);
                Ok((Argument::Input(index), self.readable_type(index), checked))
            }
            // Validation has refused all others.
            _ => {
                let text = format!("the argument of {}()", written.name);
                Err(AnalysisError::Unsupported(text))
            }
        }
    }

    /// Returns the type of an input that at least one source has.
    fn readable_type(&self, index: usize) -> Option<ValueType> {
        let input = self.inputs.get(index)?;
        let mut reads = self.sources.iter().filter_map(|source| source.read(input));
        reads.next()?;
        input.kind.map(InputKind::value_type)
    }
}

impl Typed {
    /// Returns the type that queries around this one see: the one of the values, other than in 1.x,
    /// which cuts off what integers divide to.
    fn kind(&self) -> Option<Kind> {
        match (self.checked, self.value_type) {
            (Some(Kind::Tag), _) => Some(Kind::Tag),
            (checked, value_type) => value_type.map(Kind::from).or(checked),
        }
    }

    fn null(checked: Option<Kind>) -> Self {
        Self {
            formula: Formula::Null,
            value_type: None,
            checked,
        }
    }
}

fn literal_of(literal: &Literal) -> Typed {
    let value = match literal {
        Literal::Float(value) => Value::Float(*value),
        Literal::Integer(value) => Value::Integer(*value),
        Literal::Unsigned(value) => Value::Unsigned(*value),
        Literal::Boolean(value) => Value::Boolean(*value),
        Literal::String(text) => Value::text(text),
        Literal::Duration(_) => return Typed::null(None),
    };
    let value_type = value.value_type();
    Typed {
        formula: Formula::Literal(value),
        value_type: Some(value_type),
        checked: Some(Kind::from(value_type)),
    }
}

/// Returns the index of an entry, which is added if it is not there.
fn index_of<T: PartialEq>(list: &mut Vec<T>, entry: T) -> usize {
    match list.iter().position(|known| *known == entry) {
        Some(index) => index,
        None => {
            list.push(entry);
            list.len() - 1
        }
    }
}

impl Function {
    /// Returns the type of the result if it is the same for all arguments.
    fn fixed_type(&self) -> Option<ValueType> {
        let result = self.result(ValueType::Boolean);
        (result != ValueType::Boolean).then_some(result)
    }
}
