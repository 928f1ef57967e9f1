//! Which form the errors of the current request have: v1 and v3 clients look for other members
//! than v2 clients do. Set for the whole request, so that whatever refuses it, a layer too, speaks
//! its client's language.

/// The form of error bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `{"code","message"}` (contract section 1.2): everything but the rest.
    #[default]
    V2,
    /// `{"error","code","message"}` (contract section 3.1).
    V1,
    /// `{"error"}` (contract section 3.2).
    V3,
}

tokio::task_local! {
    static CURRENT: Dialect;
}

/// Runs `request` with this dialect as the current one.
pub async fn scope<F: Future>(dialect: Dialect, request: F) -> F::Output {
    CURRENT.scope(dialect, request).await
}

/// The dialect of the request that this task serves.
pub fn current() -> Dialect {
    CURRENT.try_with(|dialect| *dialect).unwrap_or_default()
}
