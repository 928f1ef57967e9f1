//! What the engine names an expression for, and names that are given instead.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, SelectItem, VisitMut, VisitorMut,
    visit_expressions,
};

use crate::sql::branches::read;

/// Names a column with what was written, unless it has a name.
pub(super) fn name_as_written(item: &mut SelectItem) {
    if let SelectItem::UnnamedExpr(expr) = item {
        let alias = Ident::with_quote('"', expr.to_string());
        let expr = expr.clone();
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
}

/// What an expression is named for: itself without casts.
pub(super) fn named_for(expr: &Expr) -> Expr {
    let mut named_for = expr.clone();
    let ControlFlow::Continue(()) = named_for.visit(&mut WithoutCasts);
    named_for
}

struct WithoutCasts;

impl VisitorMut for WithoutCasts {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        match expr {
            Expr::Cast { expr: inner, .. }
            | Expr::AtTimeZone {
                timestamp: inner, ..
            }
            | Expr::Nested(inner) => *expr = Expr::clone(inner),
            // Whose name may be written in any case.
            Expr::Function(call) => {
                for part in &mut call.name.0 {
                    if let ObjectNamePart::Identifier(name) = part {
                        name.value = name.value.to_lowercase();
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Returns true if there is a cast in an expression.
pub(super) fn has_cast(expr: &Expr) -> bool {
    let look = |expr: &Expr| match is_cast(expr) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    visit_expressions(expr, look).is_break()
}

/// Returns true if an expression is a cast. To the engine a time in another zone is one, too.
pub(super) fn is_cast(expr: &Expr) -> bool {
    matches!(expr, Expr::Cast { .. } | Expr::AtTimeZone { .. })
}

/// Returns true if an expression is a column, or any cast of one.
pub(super) fn is_of_column(expr: &Expr) -> bool {
    !path(&named_for(expr)).is_empty()
}

/// Returns true if two expressions are the same, however their casts and columns are written.
pub(super) fn is_same(one: &Expr, other: &Expr) -> bool {
    match (one, other) {
        (Expr::Nested(one), other) | (other, Expr::Nested(one)) => is_same(one, other),
        (
            Expr::Cast {
                kind: kind_one,
                expr: one,
                data_type: type_one,
                ..
            },
            Expr::Cast {
                kind: kind_other,
                expr: other,
                data_type: type_other,
                ..
            },
        ) => {
            may_fail(kind_one) == may_fail(kind_other)
                && spelled(type_one) == spelled(type_other)
                && is_same(one, other)
        }
        (
            Expr::AtTimeZone {
                timestamp: one,
                time_zone: zone_one,
            },
            Expr::AtTimeZone {
                timestamp: other,
                time_zone: zone_other,
            },
        ) => zone_one == zone_other && is_same(one, other),
        _ => match (path(one), path(other)) {
            (one, other) if !one.is_empty() && !other.is_empty() => {
                one.ends_with(&other) || other.ends_with(&one)
            }
            _ => one == other,
        },
    }
}

fn may_fail(kind: &CastKind) -> bool {
    matches!(kind, CastKind::Cast | CastKind::DoubleColon)
}

/// One spelling for all that mean the same type.
fn spelled(data_type: &DataType) -> String {
    match data_type {
        DataType::BigInt(None) | DataType::Int8(None) => "BIGINT".to_owned(),
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => "INT".to_owned(),
        DataType::Varchar(None) | DataType::Text | DataType::String(None) => "TEXT".to_owned(),
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 => "DOUBLE".to_owned(),
        DataType::Bool | DataType::Boolean => "BOOLEAN".to_owned(),
        data_type => data_type.to_string(),
    }
}

/// The parts of a name; none if an expression is something else.
pub(super) fn path(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::Identifier(name) => vec![read(name)],
        Expr::CompoundIdentifier(names) => names.iter().map(read).collect(),
        _ => Vec::new(),
    }
}

/// The same value with a name that it shares with no other: several casts of one value need a name each, by
/// their place among them.
pub(super) fn called(cast: &Expr, place: usize) -> Expr {
    (0..=place).fold(cast.clone(), |value, _| coalesce(value))
}

fn coalesce(value: Expr) -> Expr {
    let arguments = FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(value))],
        clauses: Vec::new(),
    };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("coalesce")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(arguments),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
