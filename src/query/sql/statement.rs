//! The one statement of a question.
//!
//! What would write is refused by its name, before its tables and columns are looked up; so is what
//! would be passed over ([`unread`]).

use datafusion::execution::SessionState;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::QueryError;
use crate::logical::grouping_sets;
use crate::sql::branches;
use crate::sql::casts;
use crate::sql::dialects;
use crate::sql::exact;
use crate::sql::orders;
use crate::sql::precedence;
use crate::sql::unread;

/// Parses a question.
///
/// # Errors
/// [`QueryError::Invalid`] if it is not one statement, or a part of it would be passed over;
/// [`QueryError::Writes`] if the statement is of a kind that does not only read.
pub(crate) fn parse(state: &SessionState, text: &str) -> Result<Statement, QueryError> {
    count_operators(text)?;
    let recursion_limit = state.config().options().sql_parser.recursion_limit.get();
    let parser = DFParserBuilder::new(text).with_recursion_limit(recursion_limit);
    let mut statements = parser.build()?.parse_statements()?;
    let statement = statements.pop_front();
    let mut statement =
        statement.ok_or_else(|| QueryError::Invalid("the question is empty".to_owned()))?;
    if !statements.is_empty() {
        let text = "a question is one statement; send the others on their own";
        return Err(QueryError::Invalid(text.to_owned()));
    }
    if let Some(what) = shows(&statement) {
        return Err(QueryError::Invalid(dialects::of_show(&what)));
    }
    if !reads(&statement) {
        return Err(QueryError::Writes(verb(&statement)));
    }
    if let Some(inner) = of_sql(&mut statement) {
        grouping_sets::refuse_many(inner)?;
        grouping_sets::write_out(inner);
        branches::name(inner);
        unread::refuse(inner, |name| state.scalar_functions().contains_key(name))?;
        precedence::mend(inner);
        exact::keep_digits(inner);
        let is_aggregate = |name: &str| state.aggregate_functions().contains_key(name);
        casts::name(inner, is_aggregate);
        orders::say(inner, is_aggregate);
    }
    Ok(statement)
}

/// The most operators of a question. Its tree is as deep as a chain of them is long, and so is the stack
/// of what walks it.
const OPERATORS_MAX: usize = 4_000;

/// Refuses a question of too many operators. What is no SQL is left to the parser.
fn count_operators(text: &str) -> Result<(), QueryError> {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text).tokenize() else {
        return Ok(());
    };
    match tokens.iter().filter(|token| is_operator(token)).count() {
        0..=OPERATORS_MAX => Ok(()),
        count => Err(QueryError::Invalid(format!(
            "the question has {count} operators, and at most {OPERATORS_MAX} are read: write a long list of \
             values as IN (…)"
        ))),
    }
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::JOIN
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::LBracket
        | Token::RBracket
        | Token::SemiColon
        | Token::Placeholder(_)
        | Token::EOF => false,
        _ => true,
    }
}

/// The statement that is asked or explained, unless it is one of DataFusion's own.
fn of_sql(statement: &mut Statement) -> Option<&mut ast::Statement> {
    match statement {
        Statement::Explain(explain) => of_sql(&mut explain.statement),
        Statement::Statement(statement) => Some(statement),
        _ => None,
    }
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

/// What a `SHOW` that there is not would show.
fn shows(statement: &Statement) -> Option<String> {
    if let Statement::Statement(inner) = statement
        && let ast::Statement::ShowVariable { variable } = &**inner
    {
        let first = variable.first()?;
        let is_influxql = dialects::is_influxql_show(&first.value);
        let words = variable.iter().map(|word| word.value.as_str());
        return is_influxql.then(|| words.collect::<Vec<_>>().join(" "));
    }
    let text = statement.to_string();
    let what = text.strip_prefix("SHOW ")?;
    (!reads(statement)).then(|| what.to_owned())
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
