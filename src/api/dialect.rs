//! The form of the errors of the current request: v1 and v3 clients look for other members than v2
//! clients do. It is set for the whole request, so that a refusal by a layer has its client's form
//! too.

/// The form of error bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `{"code","message"}` (contract section 1.2): every path without another dialect.
    #[default]
    V2,
    /// `{"error","code","message"}` (contract section 3.1).
    V1,
    /// `{"code","message","error"}` (query contract, Q9): Grafana's reader stumbles over an `error` that
    /// comes first.
    V1Query,
    /// `{"error"}` (contract section 3.2).
    V3,
    /// Status 200 without a body, and the error in headers, as clients of gRPC read it.
    Grpc,
}

tokio::task_local! {
    static CURRENT: Dialect;
}

/// Runs `request` with this dialect as the current one.
pub fn scope<F: Future>(dialect: Dialect, request: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(dialect, request)
}

/// The dialect of the request that this task serves; that of v2 outside of a request.
pub fn current() -> Dialect {
    CURRENT.try_with(|dialect| *dialect).unwrap_or_default()
}
