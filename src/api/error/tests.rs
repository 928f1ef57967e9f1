use std::time::Duration;

use axum::response::IntoResponse;
use http::StatusCode;
use http_body_util::BodyExt;

use super::{ApiError, Code};
use crate::api::Dialect;
use crate::api::influxdb::partial;
use crate::auth::Refusal;
use crate::body::BodyError;
use crate::catalog::CatalogError;
use crate::export::ExportError;
use crate::ingest::{LineReport, Stage, WriteError, WriteOutcome};
use crate::memory::{Exhausted, Marks};
use crate::read::{LakeError, ReadError};

/// Status, body, and the headers that matter, as one text: a changed answer shows in the diff.
async fn rendered(error: impl Into<ApiError>) -> String {
    let (head, body) = error.into().into_response().into_parts();
    let body = body.collect().await.expect("in memory").to_bytes();
    let mut text = format!(
        "{} {}",
        head.status.as_u16(),
        String::from_utf8_lossy(&body)
    );
    for name in [
        "x-platform-error-code",
        "x-influxdb-error",
        "retry-after",
        "www-authenticate",
    ] {
        if let Some(value) = head.headers.get(name) {
            text.push_str(&format!("\n{name}: {}", value.to_str().expect("text")));
        }
    }
    assert_eq!(
        head.headers.get("content-type").expect("always"),
        "application/json"
    );
    text
}

fn exhausted(wanted_bytes: u64) -> Exhausted {
    let Marks { hard_bytes, .. } = Marks {
        budget_bytes: 100,
        soft_bytes: 70,
        hard_bytes: 90,
    };
    Exhausted {
        wanted_bytes,
        used_bytes: 60,
        hard_bytes,
    }
}

#[tokio::test]
async fn refusals_at_the_door() {
    assert_eq!(
        rendered(Refusal::Unauthorized).await,
        r#"401 {"code":"unauthorized","message":"unauthorized access"}
x-platform-error-code: unauthorized
x-influxdb-error: unauthorized access
www-authenticate: Token"#
    );
    assert_eq!(
        rendered(Refusal::Starting).await,
        r#"503 {"code":"unavailable","message":"the server is starting: the log is being replayed"}
x-platform-error-code: unavailable
x-influxdb-error: the server is starting: the log is being replayed
retry-after: 5"#
    );
    assert_eq!(
        rendered(Refusal::TooManyRequests {
            per_second: 10,
            retry_after_s: 3
        })
        .await,
        r#"429 {"code":"too many requests","message":"more than 10 requests per second with this token (connection.token_requests_per_second)"}
x-platform-error-code: too many requests
x-influxdb-error: more than 10 requests per second with this token (connection.token_requests_per_second)
retry-after: 3"#
    );
}

#[tokio::test]
async fn bodies_that_are_not_taken() {
    assert_eq!(
        rendered(BodyError::UnknownEncoding {
            encoding: "br".to_owned()
        })
        .await,
        r#"415 {"code":"unsupported media type","message":"unacceptable content-encoding: br"}
x-platform-error-code: unsupported media type
x-influxdb-error: unacceptable content-encoding: br"#
    );
    assert_eq!(
        rendered(BodyError::TooLarge {
            bytes_max: 50_000_000
        })
        .await,
        r#"413 {"code":"request too large","message":"unable to read data: points batch is too large","maxLength":50000000}
x-platform-error-code: request too large
x-influxdb-error: unable to read data: points batch is too large"#
    );
    assert_eq!(
        rendered(BodyError::Undecodable {
            encoding: "gzip",
            reason: "it ends too early".into()
        })
        .await,
        r#"400 {"code":"invalid","message":"error decoding gzip stream: it ends too early"}
x-platform-error-code: invalid
x-influxdb-error: error decoding gzip stream: it ends too early"#
    );
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one table of all kinds")]
async fn every_kind_has_its_status_and_retry_after_stands_on_503_and_429_only() {
    let bucket_full = WriteError::BucketFull {
        bucket: "b".into(),
        used_bytes: 9,
        bucket_bytes_max: 8,
    };
    let log_full = WriteError::LogFull {
        log_bytes: 9,
        log_bytes_max: 8,
    };
    let table_stuck = WriteError::TableStuck {
        bucket: "b".into(),
        table: "m".into(),
    };
    let slow = BodyError::TooSlow {
        bytes: 1,
        window: Duration::from_secs(30),
        rate_bytes_min: 1024,
    };
    let cases: Vec<(ApiError, u16)> = vec![
        (BodyError::from(exhausted(80)).into(), 503),
        (BodyError::from(exhausted(91)).into(), 413),
        (BodyError::Broken.into(), 400),
        (BodyError::Idle(Duration::from_secs(10)).into(), 408),
        (slow.into(), 408),
        (BodyError::Internal("x").into(), 500),
        (WriteError::Overloaded(exhausted(80)).into(), 503),
        (WriteError::TooLarge(exhausted(91)).into(), 413),
        (bucket_full.into(), 503),
        (log_full.into(), 503),
        (table_stuck.into(), 503),
        (
            WriteError::LogUnavailable("no space left".into()).into(),
            503,
        ),
        (WriteError::BucketGone("b".into()).into(), 404),
        (WriteError::Internal("x").into(), 500),
        (
            WriteError::Catalog(CatalogError::TooManyBuckets { buckets_max: 3 }).into(),
            400,
        ),
        (CatalogError::TooManyTokens { tokens_max: 3 }.into(), 400),
        (CatalogError::Random("x".into()).into(), 503),
        (ReadError::Exhausted(exhausted(80)).into(), 503),
        (ExportError::Busy { concurrent_max: 4 }.into(), 503),
        (ExportError::UnknownMeasurement("m".into()).into(), 404),
        (
            ExportError::MeasurementRequired { format: "csv" }.into(),
            400,
        ),
        (ExportError::TooSlow { rate_bytes_min: 1 }.into(), 408),
        (
            ReadError::Lake(LakeError::Unreachable("timeout".into())).into(),
            503,
        ),
        (
            ReadError::Lake(LakeError::Unreadable("no footer".into())).into(),
            500,
        ),
        (ApiError::stopping(), 503),
        (ApiError::new(Code::HeadTooLarge, "x"), 431),
        (ApiError::new(Code::NotImplemented, "x"), 501),
        (ApiError::new(Code::MethodNotAllowed, "x"), 405),
        (ApiError::new(Code::Forbidden, "x"), 403),
    ];
    for (error, status) in cases {
        let (code, message) = (error.code(), error.message().to_owned());
        let response = error.into_response();
        assert_eq!(response.status().as_u16(), status, "{code:?} {message}");
        let retry = response
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().expect("text"));
        let seconds = retry.map(|value| value.parse::<u32>().expect("a plain integer"));
        assert_eq!(
            seconds.is_some_and(|seconds| seconds > 0),
            status == 503,
            "{message}"
        );
        assert!(!message.is_empty());
    }
    assert_eq!(Code::Unauthorized.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_fault_of_ours_tells_the_request_id_and_nothing_else() {
    let id = crate::api::request_id::RequestId::next();
    let text = crate::api::request_id::scope(id, rendered(WriteError::Internal("secret"))).await;
    assert!(!text.contains("secret"), "{text}");
    let internal = async { ApiError::internal("detail") };
    let error = crate::api::request_id::scope(id, internal).await;
    assert_eq!(error.message(), format!("internal error, request id {id}"));
    assert_eq!(ApiError::internal("detail").message(), "internal error");
}

#[tokio::test]
async fn a_header_carries_one_visible_line() {
    let text = rendered(ApiError::new(Code::Invalid, "a \u{e9}\u{7f}b\nsecond")).await;
    assert!(text.contains("\nx-influxdb-error: a ??b"), "{text}");
    assert!(!text.contains("x-influxdb-error: a ??b\nsecond"), "{text}");
    let long = rendered(ApiError::new(Code::Invalid, "x".repeat(1000))).await;
    assert!(long.ends_with(&format!(": {}", "x".repeat(256))), "{long}");
}

fn report(line: u32, stage: Stage, code: &'static str, message: &str) -> LineReport {
    LineReport {
        line,
        column: 17,
        stage,
        code,
        message: message.to_owned(),
    }
}

#[tokio::test]
async fn rejected_lines_are_told_in_one_text_and_one_by_one() {
    let reports = vec![
        report(2, Stage::Parse, "syntax", "expected a field"),
        report(
            4,
            Stage::Write,
            "type_conflict",
            r#"field "temp" of "home" is float, got string"#,
        ),
    ];
    let some = WriteOutcome {
        accepted: 98,
        rejected: 2,
        reports: reports.clone(),
        more: 0,
        ..WriteOutcome::default()
    };
    assert_eq!(
        rendered(partial::rejected(some, None, Dialect::V2)).await,
        r#"400 {"code":"invalid","message":"98 of 100 lines written; rejected line(s):\n  error parsing line 2 (1-based): expected a field\n  error writing line 4 (1-based): field \"temp\" of \"home\" is float, got string","line":2,"accepted":98,"rejected":2,"errors":[{"line":2,"column":17,"code":"syntax","message":"expected a field"},{"line":4,"column":17,"code":"type_conflict","message":"field \"temp\" of \"home\" is float, got string"}]}
x-platform-error-code: invalid
x-influxdb-error: 98 of 100 lines written; rejected line(s):"#
    );
    let none = WriteOutcome {
        accepted: 0,
        rejected: 102,
        reports,
        more: 100,
        ..WriteOutcome::default()
    };
    let text = rendered(partial::rejected(none, None, Dialect::V2)).await;
    assert!(text.starts_with(
        r#"400 {"code":"invalid","message":"no data written, errors encountered on line(s):\n  error parsing line 2"#
    ), "{text}");
    assert!(text.contains(r"got string\n  … and 100 more"), "{text}");
}

#[tokio::test]
async fn a_hint_about_the_body_is_the_last_line_of_the_message() {
    let outcome = WriteOutcome {
        accepted: 0,
        rejected: 1,
        reports: vec![report(1, Stage::Parse, "syntax", "x")],
        more: 0,
        ..WriteOutcome::default()
    };
    let text = rendered(partial::rejected(outcome, Some("do so"), Dialect::V2)).await;
    assert!(
        text.contains(r"line 1 (1-based): x\n  hint: do so"),
        "{text}"
    );
}

#[tokio::test]
async fn a_line_number_always_fits_an_i32() {
    let reports = vec![report(u32::MAX, Stage::Parse, "syntax", "x")];
    let outcome = WriteOutcome {
        accepted: 0,
        rejected: 1,
        reports,
        more: 0,
        ..WriteOutcome::default()
    };
    let text = rendered(partial::rejected(outcome, None, Dialect::V2)).await;
    assert!(text.contains(r#""line":2147483647,"accepted":0"#), "{text}");
}

/// From a bug: a failed sync showed every client the path of the log.
#[tokio::test]
async fn no_answer_names_a_path_of_the_server() {
    use crate::storage::{Operation, StorageError};
    use crate::wal::CommitError;
    let failed = || StorageError::Io {
        operation: Operation::Sync,
        path: "/var/lib/secret/0000000000000002.wal".into(),
        source: std::io::Error::from_raw_os_error(5),
    };
    let reason = CommitError::Failed(std::sync::Arc::new(failed())).to_string();
    let errors: Vec<ApiError> = vec![
        WriteError::LogUnavailable(reason).into(),
        CatalogError::Storage(failed()).into(),
        WriteError::Catalog(CatalogError::Storage(failed())).into(),
        ReadError::Lake(LakeError::Unreachable("cannot open /var/lib/secret".into())).into(),
        ReadError::Lake(LakeError::Unreadable("/var/lib/secret: no footer".into())).into(),
    ];
    for error in errors {
        let text = rendered(error).await;
        assert!(!text.contains("secret"), "{text}");
        assert!(text.starts_with('5'), "{text}");
    }
}

/// From a bug: clients repeated a question that ran into its timeout as soon as they had the answer.
#[cfg(feature = "query")]
#[tokio::test]
async fn a_question_that_would_fail_again_is_not_to_be_repeated() {
    use tidegate_query::{DatabaseError, QueryError};
    for (error, is_repeated) in [
        (QueryError::Late("x".into()), false),
        (QueryError::Exhausted("x".into()), false),
        (QueryError::Crowded("x".into()), true),
        (DatabaseError::Exhausted("x".into()).into(), true),
    ] {
        let response = ApiError::from(error.clone()).into_response();
        assert_eq!(response.status().as_u16(), 503, "{error}");
        let has_word = response.headers().contains_key("retry-after");
        assert_eq!(has_word, is_repeated, "{error:?}");
    }
}

#[cfg(feature = "query")]
#[tokio::test]
async fn a_bucket_that_is_deleted_beneath_a_question_is_not_found() {
    use tidegate_query::{DatabaseError, QueryError};
    let gone = QueryError::from(DatabaseError::Gone("bucket \"b\"".into()));
    let text = rendered(gone).await;
    assert!(text.starts_with("404 "), "{text}");
    assert!(text.contains("was deleted while it was read"), "{text}");
}
