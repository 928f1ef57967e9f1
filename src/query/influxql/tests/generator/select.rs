//! Random SELECTs and their parts.

use super::super::super::ast::{
    Call, Cast, Expression, Field, Fill, FillValue, Literal, Logic, Measurement, MeasurementName,
    Operator, Order, Reference, Regex, Select, Source, WildcardKind,
};
use super::Random;

pub(super) fn text(r: &mut Random) -> String {
    const PIECES: &[&str] = &[
        "a", "B", "9", "_", " ", "\"", "'", "\\", "\n", "é", "日", ".", "/", "--", "/*", "\t",
        "\r", "$", ";", "\u{0}", "(", "::", "select", "time", "fill", "tz",
    ];
    (0..r.below(5)).map(|_| r.pick(PIECES)).collect()
}

pub(super) fn name(r: &mut Random) -> String {
    const NAMES: &[&str] = &[
        "cpu", "host", "usage", "time", "select", "true", "in", "T1", "a b",
    ];
    if r.chance(70) {
        r.pick(NAMES).to_owned()
    } else {
        text(r)
    }
}

fn filled(r: &mut Random) -> String {
    let name = name(r);
    if name.is_empty() {
        "x".to_owned()
    } else {
        name
    }
}

pub(super) fn regex(r: &mut Random) -> Regex {
    let text = text(r).replace(['\n', '\r'], "").replace('*', "+");
    Regex(text.trim_end_matches('\\').to_owned())
}

fn literal(r: &mut Random) -> Literal {
    match r.below(6) {
        0 => Literal::Float(r.pick(&[0.0, 1.5, -2.25, 1e21, 1e-9, f64::MAX, f64::MIN_POSITIVE])),
        1 => Literal::Integer(r.pick(&[0, 1, -1, 42, i64::MAX, i64::MIN])),
        2 => Literal::Unsigned(r.pick(&[u64::MAX, 1 << 63])),
        3 => Literal::String(text(r)),
        4 => Literal::Boolean(r.chance(50)),
        _ => Literal::Duration(r.pick(&[
            0,
            1,
            -1,
            1_000,
            3_600_000_000_000,
            90_000_000_000,
            i64::MAX,
        ])),
    }
}

fn reference(r: &mut Random) -> Expression {
    const CASTS: &[Cast] = &[
        Cast::Float,
        Cast::Integer,
        Cast::Unsigned,
        Cast::String,
        Cast::Boolean,
        Cast::Field,
        Cast::Tag,
    ];
    Expression::Reference(Reference {
        name: name(r),
        cast: r.maybe(20, |r| r.pick(CASTS)),
    })
}

fn call(r: &mut Random, depth: usize) -> Expression {
    const FUNCTIONS: &[&str] = &[
        "mean",
        "count",
        "distinct",
        "now",
        "top",
        "weird name",
        "fill",
    ];
    let arguments = (0..r.below(4))
        .map(|_| {
            if r.chance(15) {
                Expression::Regex(regex(r))
            } else {
                arithmetic(r, depth)
            }
        })
        .collect();
    Expression::Call(Call {
        name: r.pick(FUNCTIONS).to_owned(),
        arguments,
    })
}

fn operand(r: &mut Random, depth: usize) -> Expression {
    const WILDCARDS: &[Option<WildcardKind>] =
        &[None, Some(WildcardKind::Field), Some(WildcardKind::Tag)];
    if depth == 0 {
        return if r.chance(60) {
            reference(r)
        } else {
            Expression::Literal(literal(r))
        };
    }
    match r.below(8) {
        0 => Expression::Literal(literal(r)),
        1 => call(r, depth - 1),
        2 => Expression::Parenthesised(Box::new(arithmetic(r, depth - 1))),
        3 => {
            let operand = match r.below(3) {
                0 => reference(r),
                1 => call(r, depth - 1),
                _ => Expression::Parenthesised(Box::new(arithmetic(r, depth - 1))),
            };
            Expression::Signed {
                negative: r.chance(70),
                operand: Box::new(operand),
            }
        }
        4 => Expression::Wildcard(r.pick(WILDCARDS)),
        5 => Expression::Distinct(name(r)),
        _ => reference(r),
    }
}

fn chain(
    r: &mut Random,
    operators: &[Operator],
    mut operand: impl FnMut(&mut Random) -> Expression,
) -> Expression {
    let mut left = operand(r);
    while r.chance(25) {
        let (operator, right) = (r.pick(operators), operand(r));
        left = Expression::Binary {
            operator,
            left: Box::new(left),
            right: Box::new(right),
        };
    }
    left
}

fn arithmetic(r: &mut Random, depth: usize) -> Expression {
    use Operator::{Add, BitAnd, BitOr, BitXor, Divide, Modulo, Multiply, Subtract};
    chain(r, &[Add, Subtract, BitOr, BitXor], |r| {
        chain(r, &[Multiply, Divide, Modulo, BitAnd], |r| {
            operand(r, depth)
        })
    })
}

fn comparison(r: &mut Random, depth: usize) -> Expression {
    use Operator::{
        Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Matches, MatchesNot, NotEqual,
    };
    if depth > 0 && r.chance(20) {
        return Expression::Parenthesised(Box::new(condition(r, depth - 1)));
    }
    let left = arithmetic(r, depth);
    let (operator, right) = if r.chance(25) {
        (r.pick(&[Matches, MatchesNot]), Expression::Regex(regex(r)))
    } else {
        let operators = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
        (r.pick(&operators), arithmetic(r, depth))
    };
    Expression::Binary {
        operator,
        left: Box::new(left),
        right: Box::new(right),
    }
}

fn joined(
    r: &mut Random,
    operator: Logic,
    term: impl FnMut(&mut Random) -> Expression,
) -> Expression {
    let mut terms = r.several(3, term);
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            Expression::Logical { operator, terms }
        }
    }
}

pub(super) fn condition(r: &mut Random, depth: usize) -> Expression {
    joined(r, Logic::Or, |r| {
        joined(r, Logic::And, |r| comparison(r, depth))
    })
}

pub(super) fn measurement(r: &mut Random) -> Measurement {
    let name = if r.chance(75) {
        MeasurementName::Name(name(r))
    } else {
        MeasurementName::Regex(regex(r))
    };
    Measurement {
        database: r.maybe(30, filled),
        retention_policy: r.maybe(30, filled),
        name,
    }
}

pub(super) fn target(r: &mut Random) -> Measurement {
    let mut target = measurement(r);
    if let MeasurementName::Regex(_) = target.name {
        target.name = MeasurementName::OfSource;
        target
            .retention_policy
            .get_or_insert_with(|| "rp".to_owned());
    }
    target
}

pub(super) fn sources(r: &mut Random) -> Vec<Source> {
    r.several(2, |r| Source::Measurement(measurement(r)))
}

pub(super) fn count(r: &mut Random) -> u64 {
    if r.chance(20) {
        r.pick(&[1, 10, i64::MAX.unsigned_abs()])
    } else {
        0
    }
}

fn dimension(r: &mut Random, depth: usize) -> Expression {
    if r.chance(15) {
        Expression::Regex(regex(r))
    } else {
        condition(r, depth)
    }
}

pub(super) fn dimensions(r: &mut Random, depth: usize) -> Vec<Expression> {
    if r.chance(40) {
        r.several(2, |r| dimension(r, depth))
    } else {
        Vec::new()
    }
}

pub(super) fn select(r: &mut Random, depth: usize) -> Select {
    let fields = r.several(3, |r| Field {
        expression: if r.chance(10) {
            Expression::Regex(regex(r))
        } else {
            arithmetic(r, depth)
        },
        alias: r.maybe(20, filled),
    });
    let sources = r.several(2, |r| {
        if depth > 0 && r.chance(20) {
            Source::Subquery(Box::new(select(r, depth - 1)))
        } else {
            Source::Measurement(measurement(r))
        }
    });
    let fills = [
        Fill::Null,
        Fill::Null,
        Fill::None,
        Fill::Previous,
        Fill::Linear,
        Fill::Value(FillValue::Integer(-3)),
        Fill::Value(FillValue::Float(2.0)),
    ];
    Select {
        fields,
        target: r.maybe(10, target),
        sources,
        condition: r.maybe(50, |r| condition(r, depth)),
        dimensions: dimensions(r, depth),
        fill: r.pick(&fills),
        order: order(r),
        limit: count(r),
        offset: count(r),
        series_limit: count(r),
        series_offset: count(r),
        zone: r.maybe(10, text),
    }
}

pub(super) fn order(r: &mut Random) -> Option<Order> {
    r.maybe(30, |r| r.pick(&[Order::Ascending, Order::Descending]))
}
