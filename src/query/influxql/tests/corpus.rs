//! What InfluxDB 1.6.7 said of some thousand texts.

use super::parse;

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match (c, c == '\\') {
            (_, true) => match chars.next().expect("an escape has two characters") {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            },
            (c, false) => c,
        });
    }
    out
}

/// Differences that are meant: later versions of 1.x and this grammar accept more.
fn is_meant(text: &str, theirs: &str) -> bool {
    let later = text.contains("WITH KEY") && theirs.contains("found WITH, expected ;")
        || text.contains(" ON ") && theirs.contains("found *, expected identifier")
        || text.contains(" ON ") && theirs.contains("found ., expected ;");
    let wraps = theirs == "ok" && text.contains("99999999999w");
    let comment = text.contains("--") && theirs.contains("found /, expected identifier");
    let case = theirs.contains("expected number argument in fill()") && text.contains("NULL");
    let carriage_return = text.contains("'b\rc'");
    later || wraps || comment || case || carriage_return
}

#[test]
fn every_text_of_the_corpus_is_judged_as_by_influxdb() {
    let mut checked = 0;
    for line in include_str!("corpus.tsv").lines() {
        let (text, theirs) = line.split_once('\t').expect("a line has two columns");
        let (text, theirs) = (unescape(text), unescape(theirs));
        if is_meant(&text, &theirs) {
            continue;
        }
        let ours = parse(&text).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        assert_eq!(ours, theirs, "{text}");
        checked += 1;
    }
    assert!(checked > 1_000, "the corpus has only {checked} lines");
}
