//! Answers of paths and methods that are not there, or not there yet.

use super::error::{ApiError, Code};

/// No such path.
pub async fn not_found() -> ApiError {
    ApiError::new(Code::NotFound, "path not found")
}

/// The path, but not the method. Which ones there are stands in `Allow`.
pub async fn method_not_allowed() -> ApiError {
    ApiError::new(Code::MethodNotAllowed, "method not allowed on this path")
}

/// `POST /api/v2/delete`.
pub async fn delete() -> ApiError {
    let text = "deleting points is not implemented: give the bucket a retention period, or delete \
                the bucket and write what is to stay into a new one";
    ApiError::new(Code::NotImplemented, text)
}

/// `POST /api/v2/query`.
pub async fn query() -> ApiError {
    no_query("queries are not implemented")
}

/// 501, and how to read what is stored instead.
pub(super) fn no_query(what: &str) -> ApiError {
    let text = format!(
        "{what}: read with GET \
         /api/v1/export?bucket=&measurement=&start=&end=&format=lp|arrow|csv"
    );
    ApiError::new(Code::NotImplemented, text)
}
