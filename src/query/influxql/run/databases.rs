//! The databases that a statement names.

use std::fmt::Debug;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::super::analysis::Origin;
use super::super::ast;
use crate::database::Database;
use crate::error::QueryError;

/// Finds databases by the names of a statement.
pub trait Databases: Debug + Send + Sync {
    /// The database of a name, as it is now; the same one however often it is asked for. All databases
    /// of a statement share one turn.
    ///
    /// # Errors
    /// [`QueryError`] if there is none, if it may not be read, or if it does not get its turn. The text
    /// is what the client reads, such as `database not found: x`.
    fn database<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Arc<dyn Database>, QueryError>>;
}

/// Returns true if a statement is answered from the points of databases: SELECT and EXPLAIN, and SHOW
/// of measurements, tags, fields, series and of their numbers.
pub fn reads(statement: &ast::Statement) -> bool {
    match statement {
        ast::Statement::Select(select) => select.target.is_none(),
        ast::Statement::Explain(_) => true,
        ast::Statement::Show(show) => matches!(
            **show,
            ast::Show::FieldKeys(_)
                | ast::Show::Measurements(_)
                | ast::Show::Series(_)
                | ast::Show::TagKeys(_)
                | ast::Show::TagValues(_)
                | ast::Show::Cardinality(_)
        ),
        _ => false,
    }
}
