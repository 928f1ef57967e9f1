//! The one statement of a question.
//!
//! What would write is refused by its name, before its tables and columns are looked up.

use datafusion::execution::SessionState;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast;

use crate::error::QueryError;

/// Parses a question.
///
/// # Errors
/// [`QueryError::Invalid`] if it is not one statement, [`QueryError::Writes`] if the statement is of
/// a kind that does not only read.
pub(crate) fn parse(state: &SessionState, text: &str) -> Result<Statement, QueryError> {
    let recursion_limit = state.config().options().sql_parser.recursion_limit.get();
    let parser = DFParserBuilder::new(text).with_recursion_limit(recursion_limit);
    let mut statements = parser.build()?.parse_statements()?;
    let statement = statements.pop_front();
    let statement =
        statement.ok_or_else(|| QueryError::Invalid("the question is empty".to_owned()))?;
    if !statements.is_empty() {
        let text = "a question is one statement; send the others on their own";
        return Err(QueryError::Invalid(text.to_owned()));
    }
    if !reads(&statement) {
        return Err(QueryError::Writes(verb(&statement)));
    }
    Ok(statement)
}

/// Returns false if a statement is of a kind that does more than read. Those that pass can still
/// have one that writes in them; their plan tells.
fn reads(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => reads(&explain.statement),
        Statement::Statement(statement) => match &**statement {
            // `DESCRIBE SELECT …`.
            ast::Statement::Explain { statement, .. } => {
                matches!(**statement, ast::Statement::Query(_))
            }
            statement => matches!(
                statement,
                ast::Statement::Query(_)
                    | ast::Statement::ExplainTable { .. }
                    | ast::Statement::ShowTables { .. }
                    | ast::Statement::ShowColumns { .. }
                    | ast::Statement::ShowVariable { .. }
                    | ast::Statement::ShowFunctions { .. }
            ),
        },
        _ => false,
    }
}

/// What a statement does, as it begins.
fn verb(statement: &Statement) -> String {
    if let Statement::Explain(explain) = statement {
        return verb(&explain.statement);
    }
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default();
    verb.to_uppercase()
}
