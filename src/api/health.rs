//! `/ping`, `/health`, `/ready`: for probes and for clients that check before they write. They take
//! no lock that a write holds, so they answer under full load.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::AppState;
use super::json::answer;
use crate::clock;
use crate::telemetry::{COMMIT, VERSION};

#[derive(Serialize)]
struct Health {
    name: &'static str,
    message: String,
    status: &'static str,
    checks: [(); 0],
    version: &'static str,
    commit: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    started: String,
    up: String,
}

/// `GET /ping`: 204, or the version if `verbose=true` is given.
pub async fn ping(RawQuery(query): RawQuery) -> Response {
    let verbose = query.is_some_and(|query| query.split('&').any(|pair| pair == "verbose=true"));
    if verbose {
        answer(StatusCode::OK, &json!({ "version": VERSION }))
    } else {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// `GET /health`: 503 if a write would be refused.
pub async fn health(State(app): State<AppState>) -> Response {
    let state = match app.engine() {
        Some(engine) => engine.ingest.health(),
        None => Err("starting: the log is being replayed".to_owned()),
    };
    let (status, message, word) = match state {
        Ok(()) => (
            StatusCode::OK,
            "ready for queries and writes".to_owned(),
            "pass",
        ),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason, "fail"),
    };
    let health = Health {
        name: "tidegate",
        message,
        status: word,
        checks: [],
        version: VERSION,
        commit: COMMIT,
    };
    answer(status, &health)
}

/// `GET /ready`: 503 while the log is replayed.
pub async fn ready(State(app): State<AppState>) -> Response {
    if app.engine().is_none() {
        return answer(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "status": "starting" }),
        );
    }
    let (started, started_ns) = app.started();
    let up = clock::instant()
        .saturating_duration_since(started)
        .as_secs();
    let started = DateTime::from_timestamp_nanos(started_ns);
    let started = started.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let ready = Ready {
        status: "ready",
        started,
        up: duration_text(up),
    };
    answer(StatusCode::OK, &ready)
}

/// A duration as Go writes it: `1h2m3s`, `2m3s`, `3s`.
fn duration_text(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMIT, Health, VERSION, duration_text};

    #[test]
    fn durations_read_as_in_go() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m0s"),
            (3599, "59m59s"),
            (3723, "1h2m3s"),
        ] {
            assert_eq!(duration_text(seconds), text);
        }
        assert_eq!(duration_text(100 * 3600), "100h0m0s");
    }

    #[test]
    fn health_has_the_members_of_the_contract_in_its_order() {
        let health = Health {
            name: "tidegate",
            message: "ready for queries and writes".to_owned(),
            status: "pass",
            checks: [],
            version: VERSION,
            commit: COMMIT,
        };
        let text = serde_json::to_string(&health).expect("serializes");
        assert_eq!(
            text,
            format!(
                r#"{{"name":"tidegate","message":"ready for queries and writes","status":"pass","checks":[],"version":"{VERSION}","commit":"{COMMIT}"}}"#
            )
        );
    }
}
