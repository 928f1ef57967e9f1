//! What a `SELECT` reads: tables, or rows of another `SELECT`.

use std::collections::HashSet;
use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ObjectNamePart, Query, Select, Statement, TableFactor, TableWithJoins, Visit, Visitor,
};

use crate::sql::branches::read;

/// The names that `WITH` gives anywhere in a statement.
pub(super) struct Inside {
    names: HashSet<String>,
}

impl Inside {
    pub(super) fn of(statement: &Statement) -> Self {
        let mut inside = Self {
            names: HashSet::new(),
        };
        let ControlFlow::Continue(()) = statement.visit(&mut inside);
        inside
    }

    /// Returns true if a `SELECT` may read rows of another one.
    pub(super) fn is_read_by(&self, select: &Select) -> bool {
        select.from.iter().any(|from| self.is_in(from))
    }

    fn is_in(&self, from: &TableWithJoins) -> bool {
        let joined = from.joins.iter().map(|join| &join.relation);
        std::iter::once(&from.relation)
            .chain(joined)
            .any(|factor| match factor {
                TableFactor::Table { name, .. } => match &name.0[..] {
                    [ObjectNamePart::Identifier(name)] => self.names.contains(&read(name)),
                    _ => false,
                },
                TableFactor::NestedJoin {
                    table_with_joins, ..
                } => self.is_in(table_with_joins),
                _ => true,
            })
    }
}

impl Visitor for Inside {
    type Break = Infallible;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Infallible> {
        let given = query.with.iter().flat_map(|with| &with.cte_tables);
        self.names
            .extend(given.map(|given| read(&given.alias.name)));
        ControlFlow::Continue(())
    }
}
