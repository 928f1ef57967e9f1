//! Translations and errors; the errors are those that InfluxDB 1.6.7 gives.

use super::{check, to_rust};

#[test]
fn an_expression_is_written_anew_with_the_same_meaning() {
    for (go, rust) in [
        ("^host-\\d+$", "^host\\x{2d}[0-9]+$"),
        ("(?i)^(a|b)$", "(?i)^(a|b)$"),
        ("\\bK\\B", "(?-u:\\b)K(?-u:\\B)"),
        ("[\\w.-]*?", "[[0-9A-Za-z_]\\x{2e}\\x{2d}]*?"),
        ("[[&&]", "[\\x{5b}\\x{26}\\x{26}]"),
        ("[]a]", "[\\x{5d}a]"),
        ("[^]]", "[^\\x{5d}]"),
        ("a{,2}", "a\\x{7b}\\x{2c}2\\x{7d}"),
        ("a{2,}?", "a{2,}?"),
        ("\\<a\\>", "\\x{3c}a\\x{3e}"),
        ("\\Qa.b\\E+", "a\\x{2e}b+"),
        ("(?P<1>a)", "(a)"),
        ("(?)a", "a"),
        ("\\x41\\x{65e5}\\101\\n", "A日A\\x{a}"),
        ("\\pL\\P{Greek}\\p{^Lu}", "\\p{L}\\P{Greek}\\P{Lu}"),
        ("[[:alpha:][:^digit:]]", "[[:alpha:][:^digit:]]"),
        ("\\x{d800}", "[^\\x{0}-\\x{10ffff}]"),
        ("", ""),
    ] {
        assert_eq!(to_rust(go).as_deref(), Ok(rust), "{go}");
    }
}

#[test]
fn an_expression_that_is_none_is_refused_in_the_words_of_go() {
    for (go, reason, part) in [
        ("(", "missing closing )", "("),
        ("a)", "unexpected )", "a)"),
        ("[a", "missing closing ]", "[a"),
        ("*", "missing argument to repetition operator", "*"),
        ("(*a)", "missing argument to repetition operator", "*"),
        ("a|+?", "missing argument to repetition operator", "+?"),
        ("a**", "invalid nested repetition operator", "**"),
        ("a{2}{3}", "invalid nested repetition operator", "{2}{3}"),
        ("a{1001}", "invalid repeat count", "{1001}"),
        ("a{2,1}", "invalid repeat count", "{2,1}"),
        ("(a{100}){100}", "invalid repeat count", "{100}"),
        ("[z-a]", "invalid character class range", "z-a"),
        ("[[:foo:]]", "invalid character class range", "[:foo:]"),
        ("\\p{foo}", "invalid character class range", "\\p{foo}"),
        ("\\q", "invalid escape sequence", "\\q"),
        ("\\8", "invalid escape sequence", "\\8"),
        ("\\1", "invalid escape sequence", "\\1"),
        ("\\xzz", "invalid escape sequence", "\\xzz"),
        ("\\Z", "invalid escape sequence", "\\Z"),
        ("a\\", "trailing backslash at end of expression", ""),
        ("(?=a)", "invalid or unsupported Perl syntax", "(?="),
        ("(?<n>a)", "invalid or unsupported Perl syntax", "(?<"),
        ("(?i", "invalid or unsupported Perl syntax", "(?i"),
        ("(?P<x y>a)", "invalid named capture", "(?P<x y>"),
        ("(?P<a", "invalid named capture", "(?P<a"),
    ] {
        let expected = format!("error parsing regexp: {reason}: `{part}`");
        assert_eq!(check(go), Err(expected), "{go}");
    }
}

#[test]
fn many_repetitions_do_not_overflow() {
    assert!(check(&format!("a{}", "{0}".repeat(2))).is_err());
    assert!(
        check(&format!(
            "{}a{}",
            "(".repeat(10_000),
            "{1000}){999}".repeat(10_000)
        ))
        .is_err()
    );
    assert!(check("a{99999999999999999999}").is_err());
    assert!(check(&format!("{}{}", "(".repeat(100_000), ")*".repeat(100_000))).is_ok());
}

#[test]
fn no_text_makes_the_translation_panic() {
    const PARTS: &[&str] = &[
        "(", ")", "[", "]", "{", "}", "?", "*", "+", "|", "\\", "^", "-", ":", "P", "<", ">", "a",
        "é", "1", "0", ",", "x", "Q", "E", "p", "L", "d", "i", "日", "\u{0}",
    ];
    let mut state: u64 = 5;
    let mut accepted = 0;
    for _ in 0..100_000 {
        let mut text = String::new();
        for _ in 0..8 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let index = usize::try_from(state >> 33).unwrap() % PARTS.len();
            text.push_str(PARTS[index]);
        }
        accepted += u32::from(check(&text).is_ok());
    }
    assert!(accepted > 1_000, "{accepted}");
}
