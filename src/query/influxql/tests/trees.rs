//! Trees of texts: what binds to what.

use super::super::ast::{
    Expression, FillValue, Literal, Logic, Measurement, MeasurementName, Operator, Select, Source,
    Statement,
};
use super::parse;

fn select(text: &str) -> Select {
    match parse(text).unwrap().statements.pop() {
        Some(Statement::Select(select)) => *select,
        other => panic!("{other:?}"),
    }
}

fn condition(text: &str) -> Expression {
    select(&format!("SELECT x FROM m WHERE {text}"))
        .condition
        .unwrap()
}

fn binary(left: Expression, operator: Operator, right: Expression) -> Expression {
    Expression::Binary {
        operator,
        left: Box::new(left),
        right: Box::new(right),
    }
}

#[test]
fn operators_bind_by_precedence_and_to_the_left() {
    let name = Expression::name;
    let product = binary(name("b"), Operator::Multiply, name("c"));
    let sum = binary(
        binary(name("a"), Operator::Add, product),
        Operator::Subtract,
        name("d"),
    );
    assert_eq!(
        condition("a + b * c - d > e"),
        binary(sum, Operator::Greater, name("e"))
    );
}

#[test]
fn conditions_of_one_operator_are_one_list() {
    let Expression::Logical {
        operator: Logic::Or,
        terms,
    } = condition("a = 1 OR b = 2 AND c = 3 AND d = 4 or e = 5")
    else {
        panic!("no list")
    };
    assert_eq!(terms.len(), 3);
    let Some(Expression::Logical {
        operator: Logic::And,
        terms,
    }) = terms.get(1)
    else {
        panic!("no inner list")
    };
    assert_eq!(terms.len(), 3);
}

#[test]
fn a_sign_before_a_number_is_a_part_of_it() {
    let integer = |value| Expression::Literal(Literal::Integer(value));
    assert_eq!(condition("- 5"), integer(-5));
    assert_eq!(condition("-9223372036854775808"), integer(i64::MIN));
    assert_eq!(
        condition("9223372036854775808"),
        Expression::Literal(Literal::Unsigned(9_223_372_036_854_775_808))
    );
    assert_eq!(
        condition("-x"),
        Expression::Signed {
            negative: true,
            operand: Box::new(Expression::name("x"))
        }
    );
    assert_eq!(
        condition("-1h"),
        Expression::Literal(Literal::Duration(-3_600_000_000_000))
    );
}

#[test]
fn measurements_have_up_to_three_parts() {
    let measurement = |database: &str, policy: &str, name: MeasurementName| {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Source::Measurement(Measurement {
            database: part(database),
            retention_policy: part(policy),
            name,
        })
    };
    let name = |name: &str| MeasurementName::Name(name.to_owned());
    let regex = |text: &str| MeasurementName::Regex(super::super::ast::Regex(text.to_owned()));
    assert_eq!(
        select("SELECT x FROM m, rp.m, db.rp.m, db..m, /r/, rp./r/, db.rp./r\\/s/, db../r/")
            .sources,
        [
            measurement("", "", name("m")),
            measurement("", "rp", name("m")),
            measurement("db", "rp", name("m")),
            measurement("db", "", name("m")),
            measurement("", "", regex("r")),
            measurement("", "rp", regex("r")),
            measurement("db", "rp", regex("r/s")),
            measurement("db", "", regex("r")),
        ]
    );
}

#[test]
fn every_clause_of_a_panel_query_is_read() {
    let select = select(
        "select MEAN(\"f\") as F from \"rp\".\"m\" where (\"host\"::tag =~ /^(a|b)$/) and time >= \
         1718000000000ms group by time(10s, -5s), \"host\"::tag FILL(-1.5) order by time desc limit \
         10 offset 2 slimit 5 soffset 1 TZ('Europe/Berlin')",
    );
    assert_eq!(
        select
            .fields
            .first()
            .and_then(|field| field.alias.as_deref()),
        Some("F")
    );
    assert_eq!(select.dimensions.len(), 2);
    assert_eq!(
        select.fill,
        super::super::ast::Fill::Value(FillValue::Float(-1.5))
    );
    assert!(select.is_descending());
    let counts = (
        select.limit,
        select.offset,
        select.series_limit,
        select.series_offset,
    );
    assert_eq!(counts, (10, 2, 5, 1));
    assert_eq!(select.zone.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn a_password_is_not_kept() {
    for text in [
        "CREATE USER u WITH PASSWORD 'hunter2'",
        "SET PASSWORD FOR u = 'hunter2'",
    ] {
        let query = parse(text).unwrap();
        assert!(!format!("{query:?} {query}").contains("hunter2"), "{text}");
    }
}

#[test]
fn statements_are_named_by_their_words() {
    for (text, title) in [
        ("GRANT ALL TO u", "GRANT"),
        ("CREATE USER u WITH PASSWORD ''", "CREATE USER"),
        ("DROP SHARD 1", "DROP SHARD"),
        ("SELECT x INTO y FROM m", "SELECT INTO"),
        (
            "SHOW TAG VALUES EXACT CARDINALITY WITH KEY = a",
            "SHOW TAG VALUES CARDINALITY",
        ),
        ("DELETE FROM m", "DELETE"),
        (
            "CREATE CONTINUOUS QUERY c ON d BEGIN SELECT x INTO y FROM m END",
            "CREATE CONTINUOUS QUERY",
        ),
    ] {
        let query = parse(text).unwrap();
        assert_eq!(query.statements.first().map(Statement::title), Some(title));
    }
}
