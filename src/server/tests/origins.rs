//! Every route, requested by pages of other web sites while no token is required.

use super::client::{Running, body_of, start};
use crate::server::{ROUTES, Route};

/// The headers that a browser adds.
const FOREIGN: &[&str] = &[
    "Origin: https://evil.example\r\n",
    "Origin: null\r\n",
    "Origin: http://localhost:3000\r\nSec-Fetch-Site: same-site\r\n",
    "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n",
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
];

const OWN: &[&str] = &[
    "",
    "Origin: http://localhost:8086\r\nSec-Fetch-Site: same-origin\r\n",
    "Origin: https://grafana.lan\r\nSec-Fetch-Site: cross-site\r\n",
    "Sec-Fetch-Site: none\r\n",
];

/// A simple request to a route: one that a page may send without a preflight.
async fn ask(server: &Running, row: &Route, verb: &str, headers: &str) -> String {
    let path = row.path.replace("{id}", "1").replace("{name}", "b");
    let body = match row.path {
        "/api/v1/tokens" => r#"{"description":"x","operator":true}"#,
        "/api/v1/buckets" => r#"{"name":"page"}"#,
        "/query" => "q=CREATE DATABASE page",
        _ => "m f=1 1",
    };
    let length = body.len();
    let kind = match row.path {
        "/query" => "application/x-www-form-urlencoded",
        _ => "text/plain",
    };
    let query = "bucket=page&db=page&measurement=m";
    let (body, length) = match verb {
        "GET" | "HEAD" | "DELETE" => ("", 0),
        _ => (body, length),
    };
    server
        .ask(format!(
            "{verb} {path}?{query} HTTP/1.1\r\nHost: localhost:8086\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
}

async fn get(server: &Running, path: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost:8086\r\nConnection: close\r\n\r\n");
    body_of(&server.ask(head).await).to_owned()
}

/// From a bug: any page could write, create operator tokens and flush with a simple POST to
/// localhost.
#[tokio::test]
async fn pages_of_other_sites_get_nothing_from_a_server_without_authentication() {
    let server = start(|config| {
        config.server.without_auth = true;
        config.server.cors_origins = vec!["https://grafana.lan".to_owned()];
    })
    .await;
    let known = async || {
        let tokens = get(&server, "/api/v1/tokens").await;
        (tokens, get(&server, "/api/v1/buckets").await)
    };
    let before = known().await;
    for row in ROUTES {
        for verb in row.verbs {
            for headers in FOREIGN {
                let answer = ask(&server, row, verb, headers).await;
                let told = format!("{verb} {} {headers:?}: {answer}", row.path);
                assert!(answer.starts_with("HTTP/1.1 403 "), "{told}");
                assert!(answer.contains("server.cors_origins"), "{told}");
            }
        }
    }
    assert_eq!(known().await, before, "nothing was done");
    for row in ROUTES {
        for verb in row.verbs {
            for headers in OWN {
                let answer = ask(&server, row, verb, headers).await;
                let told = format!("{verb} {} {headers:?}: {answer}", row.path);
                assert!(!answer.starts_with("HTTP/1.1 403 "), "{told}");
            }
        }
    }
    assert_ne!(
        known().await,
        before,
        "programs and our own pages still can"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_server_with_authentication_asks_for_the_token_and_not_for_the_page() {
    let server = start(|_| ()).await;
    for row in ROUTES {
        for verb in row.verbs {
            for headers in FOREIGN {
                let answer = ask(&server, row, verb, headers).await;
                assert!(!answer.starts_with("HTTP/1.1 403 "), "{verb} {}", row.path);
            }
        }
    }
    server.stop().await;
}

/// Routes that are open to all reveal something all the same.
#[tokio::test]
async fn routes_that_need_no_token_are_for_the_origins_that_are_named_if_some_are() {
    let server = start(|config| config.server.cors_origins = Vec::new()).await;
    for (path, status) in [("/health", 403), ("/metrics", 403), ("/api/v1/tokens", 401)] {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:8086\r\nConnection: close\r\nOrigin: https://evil.example\r\n\r\n"
        );
        let answer = server.ask(head).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    server.stop().await;
}
