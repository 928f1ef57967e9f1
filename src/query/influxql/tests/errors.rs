//! Error texts that are written down, and where this grammar is meant to differ from 1.6.7.

use super::{error, parse};

#[test]
fn a_select_without_fields_is_refused_in_the_words_of_the_contract() {
    assert_eq!(
        error("SELECT FROM boiler"),
        "error parsing query: found FROM, expected identifier, string, number, bool at line 1, \
         char 8"
    );
}

#[test]
fn lines_and_characters_are_counted_from_one() {
    let tail = "error parsing query: found b, expected ; at line 3, char 9";
    assert_eq!(
        error("SELECT x\r\nFROM \"é\"\n\t\"日本\" WHERE"),
        "error parsing query: found 日本, expected ; at line 3, char 2"
    );
    assert_eq!(error("SELECT x\nFROM\n\t\"日本\"   b"), tail);
    assert_eq!(error("SELECT x\rFROM\r\n\t\"日本\"   b"), tail);
}

#[test]
fn the_character_before_a_string_is_named_as_in_1_x() {
    assert_eq!(
        error("SELECT x FROM 'abc'"),
        "error parsing query: found abc, expected identifier at line 1, char 14"
    );
}

#[test]
fn an_equals_sign_is_not_doubled() {
    assert_eq!(
        error("SELECT x FROM m WHERE a == 1"),
        "error parsing query: found =, expected identifier, string, number, bool at line 1, char 26"
    );
}

#[test]
fn a_regular_expression_may_follow_a_comma_or_a_comment() {
    for text in [
        "SELECT x FROM m,/x/",
        "SELECT /* all */ /x/ FROM m",
        "SELECT x FROM -- all\n /x/",
        "SELECT mean(/* all */ /x/) FROM m",
        "SELECT x FROM m WHERE host =~ /* any */ /x/",
    ] {
        assert!(parse(text).is_ok(), "{text}: {}", error(text));
    }
}

#[test]
fn a_comment_without_an_end_is_illegal() {
    for (text, expected) in [
        (
            "SELECT /* x",
            "identifier, string, number, bool at line 1, char 8",
        ),
        ("SELECT x FROM -- y\n/* x", "identifier at line 2, char 1"),
        ("SELECT x /* FROM m", "FROM at line 1, char 10"),
    ] {
        let expected = format!("error parsing query: found ILLEGAL, expected {expected}");
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn what_later_versions_of_1_x_accept_is_accepted() {
    for text in [
        "SHOW TAG KEYS WITH KEY = host",
        "SHOW TAG KEYS ON d FROM m WITH KEY IN (a, b) WHERE a = 'b'",
        "SHOW MEASUREMENTS ON *.*",
        "SHOW MEASUREMENTS ON d.rp WITH MEASUREMENT =~ /x/",
        "SELECT mean(x) FROM m GROUP BY time(1m) fill(NULL)",
    ] {
        assert!(parse(text).is_ok(), "{text}: {}", error(text));
    }
}

#[test]
fn a_duration_that_does_not_fit_is_refused() {
    assert_eq!(
        error("SELECT x FROM m WHERE time > 99999999999w"),
        "error parsing query: overflowed duration 99999999999w: choose a smaller duration or INF"
    );
}

#[test]
fn a_zone_or_a_regular_expression_is_refused_by_the_environment() {
    let environment = super::super::Environment {
        check_regex: |text| {
            if text == "(" {
                Err("unclosed group".to_owned())
            } else {
                Ok(())
            }
        },
        knows_zone: |zone| zone == "UTC",
        ..Default::default()
    };
    let error = |text| {
        super::super::parse(text, &environment)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("SELECT x FROM m tz('Mars')"),
        "error parsing query: unable to find time zone Mars"
    );
    assert_eq!(
        error("SELECT x FROM m WHERE a =~ /(/"),
        "error parsing query: unclosed group at line 1, char 27"
    );
}

#[test]
fn empty_statements_are_no_statements() {
    assert_eq!(parse(";; -- nothing\n;").unwrap().statements.len(), 0);
    assert_eq!(
        parse("SHOW USERS;;SHOW QUERIES;").unwrap().statements.len(),
        2
    );
}
