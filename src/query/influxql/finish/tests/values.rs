//! Arithmetic, mathematical functions, casts.

use super::super::super::ast::Operator;
use super::super::super::value::{Value, ValueType};
use super::super::Math;
use super::super::arithmetic::binary;
use super::super::number::cast;

fn of(left: Value, operator: Operator, right: Value) -> Option<Value> {
    binary(operator, Some(&left), Some(&right))
}

use Operator::{Add, BitAnd, BitOr, BitXor, Divide, Equal, Modulo, Multiply, Subtract};
use Value::{Boolean, Float, Integer, Unsigned};

#[test]
fn integers_wrap_and_divide_to_floats() {
    assert_eq!(
        of(Integer(i64::MAX), Add, Integer(1)),
        Some(Integer(i64::MIN))
    );
    assert_eq!(
        of(Integer(i64::MIN), Subtract, Integer(1)),
        Some(Integer(i64::MAX))
    );
    assert_eq!(
        of(Integer(i64::MIN), Multiply, Integer(-1)),
        Some(Integer(i64::MIN))
    );
    assert_eq!(of(Integer(7), Divide, Integer(2)), Some(Float(3.5)));
    assert_eq!(of(Integer(7), Divide, Integer(0)), Some(Float(0.0)));
    assert_eq!(of(Integer(-7), Modulo, Integer(2)), Some(Integer(-1)));
    assert_eq!(of(Integer(7), Modulo, Integer(0)), Some(Integer(0)));
    assert_eq!(of(Integer(i64::MIN), Modulo, Integer(-1)), Some(Integer(0)));
    assert_eq!(of(Integer(6), BitAnd, Integer(3)), Some(Integer(2)));
    assert_eq!(of(Integer(6), BitOr, Integer(3)), Some(Integer(7)));
    assert_eq!(of(Integer(6), BitXor, Integer(3)), Some(Integer(5)));
}

#[test]
fn an_integer_beside_an_unsigned_one_becomes_unsigned() {
    assert_eq!(of(Integer(-1), Add, Unsigned(1)), Some(Unsigned(0)));
    assert_eq!(
        of(Unsigned(1), Subtract, Integer(2)),
        Some(Unsigned(u64::MAX))
    );
    assert_eq!(of(Unsigned(7), Divide, Integer(2)), Some(Unsigned(3)));
    assert_eq!(of(Unsigned(7), Divide, Unsigned(0)), Some(Unsigned(0)));
    assert_eq!(of(Unsigned(7), Modulo, Unsigned(0)), Some(Unsigned(0)));
}

#[test]
fn floats_divide_by_zero_to_zero() {
    assert_eq!(of(Float(1.5), Divide, Integer(0)), Some(Float(0.0)));
    assert_eq!(of(Float(1.5), Divide, Float(-0.0)), Some(Float(0.0)));
    assert_eq!(of(Float(5.5), Modulo, Integer(2)), Some(Float(1.5)));
    assert_eq!(of(Integer(1), Add, Float(0.5)), Some(Float(1.5)));
    assert!(matches!(of(Float(1.5), Modulo, Float(0.0)), Some(Float(nan)) if nan.is_nan()));
    assert_eq!(of(Float(1.5), BitAnd, Float(0.0)), None);
}

#[test]
fn null_is_null_but_false_beside_a_boolean() {
    assert_eq!(binary(Add, Some(&Integer(1)), None), None);
    assert_eq!(binary(Add, None, None), None);
    assert_eq!(
        binary(BitOr, Some(&Boolean(true)), None),
        Some(Boolean(true))
    );
    assert_eq!(
        binary(BitAnd, None, Some(&Boolean(true))),
        Some(Boolean(false))
    );
    assert_eq!(of(Value::text("a"), Add, Value::text("b")), None);
    assert_eq!(of(Boolean(true), Add, Integer(1)), None);
    assert_eq!(of(Integer(1), Equal, Integer(1)), None);
}

#[test]
fn mathematical_functions_keep_integers_where_they_can() {
    let one = |name: &str, value: Value| Math::by_name(name).unwrap().apply(Some(&value), None);
    assert_eq!(one("abs", Integer(-3)), Some(Integer(3)));
    assert_eq!(one("abs", Integer(i64::MIN)), Some(Integer(i64::MIN)));
    assert_eq!(one("floor", Integer(-3)), Some(Integer(-3)));
    assert_eq!(one("ceil", Unsigned(3)), Some(Unsigned(3)));
    assert_eq!(one("round", Float(-2.5)), Some(Float(-3.0)));
    assert_eq!(
        one("round", Float(0.499_999_999_999_999_94)),
        Some(Float(0.0))
    );
    assert_eq!(one("sqrt", Integer(9)), Some(Float(3.0)));
    assert!(matches!(one("ln", Integer(-1)), Some(Float(nan)) if nan.is_nan()));
    assert_eq!(one("sin", Value::text("a")), None);
    assert_eq!(one("pow", Integer(2)), None);
    assert_eq!(Math::by_name("mean"), None);
    let two = |name: &str, x, y| Math::by_name(name).unwrap().apply(Some(&x), Some(&y));
    assert_eq!(two("pow", Integer(2), Integer(10)), Some(Float(1024.0)));
    assert_eq!(two("atan2", Integer(0), Float(1.0)), Some(Float(0.0)));
    assert!(
        matches!(two("log", Integer(8), Integer(2)), Some(Float(x)) if (x - 3.0).abs() < 1e-12)
    );
}

#[test]
fn only_numbers_are_cast() {
    assert_eq!(cast(&Float(-2.9), ValueType::Integer), Some(Integer(-2)));
    assert_eq!(cast(&Float(2.9), ValueType::Unsigned), Some(Unsigned(2)));
    assert_eq!(
        cast(&Integer(-1), ValueType::Unsigned),
        Some(Unsigned(u64::MAX))
    );
    assert_eq!(cast(&Unsigned(3), ValueType::Float), Some(Float(3.0)));
    assert_eq!(cast(&Integer(3), ValueType::String), None);
    assert_eq!(cast(&Boolean(true), ValueType::Integer), None);
    assert_eq!(cast(&Value::text("3"), ValueType::Integer), None);
    assert_eq!(
        cast(&Value::text("3"), ValueType::String),
        Some(Value::text("3"))
    );
}
