//! References in the list of fields: each gets the type of its name.

use super::super::ast::{Call, Cast, Expression, Field, Literal, Operator, Reference, Select};
use super::fold::fold;
use super::schema::Kind;
use super::sources::{Resolved, kind_of};

/// Returns the fields with a type at each reference whose name is known, and with `DISTINCT x` as a
/// call. `time` is left out; in a subquery it is a column of nulls, as in 1.x.
pub(super) fn typed_fields(select: &Select, sources: &[Resolved], is_inner: bool) -> Vec<Field> {
    let fields = select.fields.iter();
    let fields = fields.filter(|field| is_inner || !is_time(field));
    fields
        .map(|field| Field {
            expression: typed(&fold(&field.expression), sources),
            alias: field.alias.clone(),
        })
        .collect()
}

/// Returns true for a field that names the column of the times.
pub(super) fn is_time(field: &Field) -> bool {
    matches!(&field.expression, Expression::Reference(Reference { name, .. }) if name == "time")
}

fn typed(expression: &Expression, sources: &[Resolved]) -> Expression {
    let boxed = |inner: &Expression| Box::new(typed(inner, sources));
    match expression {
        Expression::Reference(reference) => Expression::Reference(Reference {
            name: reference.name.clone(),
            cast: cast_of(reference, sources),
        }),
        Expression::Distinct(name) => {
            let argument = typed(&Expression::name(name.clone()), sources);
            Expression::Call(Call {
                name: "distinct".to_owned(),
                arguments: vec![argument],
            })
        }
        Expression::Call(call) => Expression::Call(Call {
            name: call.name.clone(),
            arguments: call
                .arguments
                .iter()
                .map(|argument| typed(argument, sources))
                .collect(),
        }),
        Expression::Parenthesised(inner) => Expression::Parenthesised(boxed(inner)),
        // 1.x knows no signs before names, and shows this in its errors.
        Expression::Signed { negative, operand } => Expression::Binary {
            operator: Operator::Multiply,
            left: Box::new(Expression::Literal(Literal::Integer(if *negative {
                -1
            } else {
                1
            }))),
            right: boxed(operand),
        },
        Expression::Binary {
            operator,
            left,
            right,
        } => Expression::Binary {
            operator: *operator,
            left: boxed(left),
            right: boxed(right),
        },
        other @ (Expression::Wildcard(_)
        | Expression::Regex(_)
        | Expression::Literal(_)
        | Expression::Logical { .. }) => other.clone(),
    }
}

/// Returns the type of a reference: the written one, or the one that its name has.
fn cast_of(reference: &Reference, sources: &[Resolved]) -> Option<Cast> {
    match reference.cast {
        None => kind_of(sources, &reference.name).map(Kind::cast),
        Some(Cast::Field) => match kind_of(sources, &reference.name) {
            Some(Kind::Tag) => Some(Cast::Field),
            kind => kind.map(Kind::cast),
        },
        cast => cast,
    }
}
