//! Random trees, the same for the same seed. They have only what a text can hold.

mod random;
mod select;
mod statement;

pub(super) use random::Random;

use super::super::ast::Query;

pub(super) fn query(r: &mut Random, depth: usize) -> Query {
    Query {
        statements: r.several(2, |r| statement::statement(r, depth)),
    }
}
