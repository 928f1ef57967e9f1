//! SELECT: analysed, then answered level by level.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::try_unfold;

use super::super::analysis::{Analysed, AnalysisError, Formula, InputKind, Source, analyse};
use super::super::answer::Head;
use super::super::ast::Select;
use super::drive::Drive;
use super::level::{Level, Session};
use super::statement::Parts;
use crate::database::ColumnKind;
use crate::error::QueryError;

/// Analyses a SELECT over what the session knows, and returns the parts of its answer.
///
/// # Errors
/// [`QueryError::Invalid`] if it is wrong.
pub(super) fn begin(
    session: Session,
    select: &Select,
    now_ns: i64,
) -> Result<(Head, Parts), QueryError> {
    let analysed = analysed(&session, select, now_ns)?;
    let head = Head {
        timed: true,
        zone: analysed.zone,
        kinds: kinds(&analysed),
        messages: Vec::new(),
    };
    let levels = Level::all(&analysed, session.seed);
    let drive = Drive::new(Arc::new(session), levels.into_iter().map(Arc::new));
    let parts = try_unfold(drive, |mut drive| async {
        let part = drive.next().await?;
        Ok(part.map(|part| (part, drive)))
    });
    Ok((head, parts.boxed()))
}

/// What the columns are that are passed on as they are. A field of a subquery may be computed there.
fn kinds(analysed: &Analysed) -> Arc<[Option<ColumnKind>]> {
    let is_of_tables = analysed
        .sources
        .iter()
        .all(|source| matches!(source, Source::Measurement(_)));
    let kinds = analysed.columns.iter().map(|column| {
        let Formula::Input(index) = column.formula else {
            return None;
        };
        match analysed.inputs.get(index)?.kind? {
            InputKind::Tag => Some(ColumnKind::Tag),
            InputKind::Field(_) => is_of_tables.then_some(ColumnKind::Field),
        }
    });
    kinds.collect()
}

/// Analyses a SELECT.
///
/// # Errors
/// [`QueryError::Invalid`] if it is wrong.
pub(super) fn analysed(
    session: &Session,
    select: &Select,
    now_ns: i64,
) -> Result<Analysed, QueryError> {
    let analysed = analyse(select, now_ns, &session.known);
    analysed.map_err(|error: AnalysisError| QueryError::Invalid(error.to_string()))
}
