//! Statements at the limits of the parser, and statements that nobody would write.

use super::confirmed::CONFIRMED;
use super::{NOW_NS, Tables, analysed};
use crate::influxql::analysis::{Condition, Source, analyse};
use crate::influxql::ast::Statement;
use crate::influxql::{DEPTH_MAX, Environment, HEIGHT_MAX, SUBQUERY_LEVELS, parse};

/// Runs on a stack of 2 MiB, which is what a worker has.
fn on_a_small_stack(run: fn()) {
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn the_deepest_statements_are_analysed_on_a_small_stack() {
    on_a_small_stack(|| {
        let chain = "f + ".repeat(HEIGHT_MAX - 2);
        let found = analysed(&format!("SELECT {chain}f FROM m WHERE {chain}f > 1"));
        assert_eq!(found.inputs.len(), 1);
        let levels = DEPTH_MAX / SUBQUERY_LEVELS - 1;
        let open = "SELECT f FROM (".repeat(levels);
        let close = ") GROUP BY host".repeat(levels);
        let found = analysed(&format!("{open}SELECT f FROM m{close}"));
        assert_eq!(found.tags.len(), 1);
        let nested = DEPTH_MAX - 5;
        let (open, close) = ("abs(".repeat(nested), ")".repeat(nested));
        assert_eq!(
            analysed(&format!("SELECT {open}f{close} FROM m"))
                .columns
                .len(),
            1
        );
    });
}

#[test]
fn long_lists_are_analysed_in_time_in_proportion_to_their_length() {
    let terms: Vec<_> = (0..20_000).map(|n| format!("host = 'h{n}'")).collect();
    let found = analysed(&format!("SELECT f FROM m WHERE {}", terms.join(" OR ")));
    let Source::Measurement(source) = &found.sources[0] else {
        panic!("no measurement");
    };
    let Condition::Any(parts) = &source.condition else {
        panic!("no alternatives");
    };
    assert_eq!(parts.len(), terms.len());
    let fields = vec!["f"; 5_000].join(", ");
    let found = analysed(&format!("SELECT {fields} FROM m"));
    assert_eq!(found.columns[4_999].name, "f_4999");
}

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

#[test]
fn no_statement_makes_the_analysis_panic() {
    let lines = CONFIRMED
        .lines()
        .map(|line| line.split('\t').next().unwrap());
    let statements: Vec<Vec<&str>> = lines.map(|text| text.split(' ').collect()).collect();
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut accepted = 0;
    for _ in 0..60_000 {
        // The start of one, a part of another, the end of a third.
        let mut words = Vec::new();
        for part in 0..3 {
            let from = &statements[random.below(statements.len())];
            let (one, other) = (random.below(from.len() + 1), random.below(from.len() + 1));
            let range = match part {
                0 => 0..one,
                1 => one.min(other)..one.max(other),
                _ => one..from.len(),
            };
            words.extend_from_slice(&from[range]);
        }
        let query = parse(&words.join(" "), &Environment::default());
        for statement in query.map(|query| query.statements).unwrap_or_default() {
            if let Statement::Select(select) = statement {
                accepted += 1;
                // Errors are fine.
                let found = analyse(&select, NOW_NS, &Tables);
                assert!(found.map_or_else(|error| !error.to_string().is_empty(), |_| true));
            }
        }
    }
    assert!(accepted > 1_000, "{accepted}");
}
