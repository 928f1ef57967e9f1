//! Every route times every kind of token, in one table. A route that has no row fails.

use std::collections::BTreeSet;

use tidegate::api::Dialect;
use tidegate::server::{ROUTES, Route};

use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token};

/// The kinds of callers, in the order of the columns below.
const CALLERS: [&str; 7] = [
    "nobody",
    "stranger",
    "reader",
    "writer",
    "of another bucket",
    "operator",
    "expired",
];

#[cfg(feature = "query")]
const SQL: [u16; 7] = [401, 401, 200, 403, 403, 200, 401];
#[cfg(not(feature = "query"))]
const SQL: [u16; 7] = [401, 401, 501, 501, 501, 501, 401];

/// Route, a good request to it, and the status that each caller gets.
const TABLE: &[(&str, &str, &str, [u16; 7])] = &[
    (
        "/api/v2/write",
        "POST",
        "?bucket=b",
        [401, 401, 403, 204, 403, 204, 401],
    ),
    (
        "/api/v2/delete",
        "POST",
        "?bucket=b",
        [401, 401, 501, 501, 501, 501, 401],
    ),
    (
        "/api/v2/query",
        "POST",
        "?org=o",
        [401, 401, 501, 501, 501, 501, 401],
    ),
    (
        "/api/v2/query",
        "GET",
        "?org=o",
        [401, 401, 501, 501, 501, 501, 401],
    ),
    ("/api/v3/query_sql", "GET", "?db=b&q=SELECT+1", SQL),
    ("/api/v3/query_sql", "POST", "?db=b&q=SELECT+1", SQL),
    (
        "/api/v3/query_influxql",
        "GET",
        "?db=b&q=SHOW+DATABASES",
        SQL,
    ),
    (
        "/api/v3/query_influxql",
        "POST",
        "?db=b&q=SHOW+DATABASES",
        SQL,
    ),
    (
        "/api/v1/export",
        "GET",
        "?bucket=b",
        [401, 401, 200, 403, 403, 200, 401],
    ),
    (
        "/api/v2/buckets",
        "GET",
        "",
        [401, 401, 200, 200, 200, 200, 401],
    ),
    (
        "/api/v2/orgs",
        "GET",
        "",
        [401, 401, 200, 200, 200, 200, 401],
    ),
    ("/api/v2/setup", "GET", "", [200; 7]),
    (
        "/write",
        "POST",
        "?db=b",
        [401, 401, 403, 204, 403, 204, 401],
    ),
    (
        "/query",
        "POST",
        "?q=CREATE+DATABASE+b",
        [401, 401, 403, 200, 403, 200, 401],
    ),
    (
        "/api/v3/write_lp",
        "POST",
        "?db=b",
        [401, 401, 403, 204, 403, 204, 401],
    ),
    (
        "/api/v1/tokens",
        "GET",
        "",
        [401, 401, 403, 403, 403, 200, 401],
    ),
    // An empty body, and a token that there is not: who gets so far was let in.
    (
        "/api/v1/tokens",
        "POST",
        "",
        [401, 401, 403, 403, 403, 400, 401],
    ),
    (
        "/api/v1/tokens/{id}",
        "DELETE",
        "",
        [401, 401, 403, 403, 403, 404, 401],
    ),
    (
        "/api/v1/buckets",
        "GET",
        "",
        [401, 401, 403, 403, 403, 200, 401],
    ),
    (
        "/api/v1/buckets",
        "POST",
        "",
        [401, 401, 403, 403, 403, 400, 401],
    ),
    (
        "/api/v1/buckets/{name}",
        "PATCH",
        "",
        [401, 401, 403, 403, 403, 404, 401],
    ),
    (
        "/api/v1/buckets/{name}",
        "DELETE",
        "",
        [401, 401, 403, 403, 403, 404, 401],
    ),
    (
        "/api/v1/buckets/{name}/hidden",
        "GET",
        "?retention_seconds=1",
        [401, 401, 403, 403, 403, 404, 401],
    ),
    #[cfg(feature = "lake")]
    (
        "/api/v1/lake",
        "GET",
        "",
        [401, 401, 403, 403, 403, 200, 401],
    ),
    #[cfg(feature = "lake")]
    (
        "/api/v1/lake/flush",
        "POST",
        "",
        [401, 401, 403, 403, 403, 200, 401],
    ),
    #[cfg(feature = "lake")]
    (
        "/api/v1/lake/compact",
        "POST",
        "",
        [401, 401, 403, 403, 403, 200, 401],
    ),
    #[cfg(feature = "lake")]
    (
        "/api/v1/lake/vacuum",
        "POST",
        "",
        [401, 401, 403, 403, 403, 200, 401],
    ),
    #[cfg(feature = "lake")]
    (
        "/api/v1/lake/accept-loss",
        "POST",
        "",
        [401, 401, 403, 403, 403, 200, 401],
    ),
    #[cfg(feature = "lake")]
    (
        "/api/v1/lake/trust-clock",
        "POST",
        "",
        [401, 401, 403, 403, 403, 200, 401],
    ),
    (
        "/query",
        "GET",
        "?q=SHOW+DATABASES",
        [401, 401, 200, 200, 200, 200, 401],
    ),
    ("/ping", "GET", "", [204; 7]),
    ("/health", "GET", "", [200; 7]),
    ("/api/v2/health", "GET", "", [200; 7]),
    ("/ready", "GET", "", [200; 7]),
    ("/api/v2/ready", "GET", "", [200; 7]),
    ("/metrics", "GET", "", [200; 7]),
];

/// A server, and the tokens of [`CALLERS`].
async fn server(change: impl FnOnce(&mut tidegate::config::Config)) -> (Server, Vec<String>) {
    let mut tokens = vec![String::new(), "a-token-that-was-never-made".to_owned()];
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        catalog.create_bucket("other", None).expect("created");
        tokens.push(token(catalog, &["b"], &[], None));
        tokens.push(token(catalog, &[], &["b"], None));
        tokens.push(token(catalog, &["other"], &["other"], None));
        tokens.push(TOKEN.to_owned());
        tokens.push(token(catalog, &["*"], &["*"], Some(1)));
    });
    (Server::over(folder, change).await, tokens)
}

fn with(token: &str, request: Request) -> Request {
    if token.is_empty() {
        request
    } else {
        request.token(token)
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should() {
    let (server, tokens) = server(|_| ()).await;
    let verbs = |route: &'static Route| route.verbs.iter().map(move |verb| (route.path, *verb));
    let routes: BTreeSet<_> = ROUTES.iter().flat_map(verbs).collect();
    let rows: BTreeSet<_> = TABLE
        .iter()
        .map(|(path, method, ..)| (*path, *method))
        .collect();
    assert_eq!(routes, rows, "every route and method has its row");
    assert_eq!(TABLE.len(), rows.len(), "a row stands twice");
    for (path, method, query, expected) in TABLE {
        for ((caller, token), status) in CALLERS.iter().zip(&tokens).zip(expected) {
            let request = with(token, Request::new(method, format!("{path}{query}")));
            let answer = server.ask(request).await;
            assert_eq!(answer.status, *status, "{caller} at {method} {path}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn metrics_ask_for_a_token_if_told_to() {
    let (server, tokens) = server(|config| config.server.metrics_require_auth = true).await;
    for ((caller, token), status) in CALLERS
        .iter()
        .zip(&tokens)
        .zip([401, 401, 200, 200, 200, 200, 401])
    {
        let answer = server.ask(with(token, Request::get("/metrics"))).await;
        assert_eq!(answer.status, status, "{caller}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_method_is_looked_at_before_the_token_and_its_absence_leaks_nothing() {
    let (server, tokens) = server(|_| ()).await;
    for route in ROUTES {
        for token in &tokens {
            let answer = server
                .ask(with(token, Request::new("PUT", route.path)))
                .await;
            let text = answer.header("x-influxdb-error").expect("a text");
            let plain = text.split(':').next();
            assert_eq!(plain, Some("method not allowed on this path"));
            let text = serde_json::to_string(text).expect("text");
            let body = match route.dialect {
                Dialect::V1 => {
                    format!(r#"{{"error":{text},"code":"method not allowed","message":{text}}}"#)
                }
                Dialect::V1Query => {
                    format!(r#"{{"code":"method not allowed","message":{text},"error":{text}}}"#)
                }
                Dialect::V2 => format!(r#"{{"code":"method not allowed","message":{text}}}"#),
                Dialect::V3 => format!(r#"{{"error":{text}}}"#),
                Dialect::Grpc => panic!("no route of the table speaks it"),
            };
            assert_eq!((answer.status, answer.text().trim_end()), (405, &*body));
            let allow = answer.header("allow").unwrap_or_default();
            let allowed: BTreeSet<&str> = allow.split(',').filter(|verb| *verb != "HEAD").collect();
            let verbs: BTreeSet<&str> = route.verbs.iter().copied().collect();
            assert_eq!(allowed, verbs, "{}", route.path);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn tokens_for_all_buckets_reach_those_to_come() {
    let (mut reader, mut writer) = (String::new(), String::new());
    let folder = Folder::prepared(|catalog| {
        reader = token(catalog, &["*"], &[], None);
        writer = token(catalog, &[], &["*"], None);
    });
    let server = Server::over(folder, |_| ()).await;
    let write = Request::post("/api/v2/write?bucket=new").body("m f=1 1");
    server.ask(with(&writer, write.clone())).await.is_written();
    assert_eq!(server.ask(with(&reader, write)).await.status, 403);
    let read = Request::get("/api/v1/export?bucket=new");
    assert_eq!(
        server.ask(with(&reader, read.clone())).await.text(),
        "m f=1.0 1\n"
    );
    let refused = server.ask(with(&writer, read)).await;
    refused.is_error(403, "forbidden", "insufficient permissions for read");
    // A bucket's id reaches no further than its name.
    let by_id = Request::post("/api/v2/write?bucket=0000000000000001").body("m f=2 2");
    server.ask(with(&writer, by_id.clone())).await.is_written();
    assert_eq!(server.ask(with(&reader, by_id)).await.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn every_route_answers_head_as_get_and_options_to_everyone() {
    let (server, tokens) = server(|_| ()).await;
    for (path, method, query, expected) in TABLE {
        let target = format!("{path}{query}");
        let asked = server.ask(Request::new("OPTIONS", &target)).await;
        asked.is_written();
        let methods = asked.header("access-control-allow-methods");
        assert!(
            methods.is_some_and(|named| named.contains(method)),
            "{method} {path}"
        );
        for ((caller, token), status) in CALLERS.iter().zip(&tokens).zip(expected) {
            let head = Request::new("HEAD", &target);
            let answer = server.ask(with(token, head)).await;
            let has_get = ROUTES
                .iter()
                .any(|route| route.path == *path && route.verbs.contains(&"GET"));
            match (*method, has_get) {
                ("GET", _) => assert_eq!(answer.status, *status, "{caller} at HEAD {path}"),
                (_, false) => assert_eq!(answer.status, 405, "{caller} at HEAD {path}"),
                _ => {}
            }
            assert!(answer.body.is_empty());
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_permission_to_write_is_none_to_read_and_the_other_way_round() {
    let mut tokens = Vec::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        tokens.push(token(catalog, &["*"], &[], None));
        tokens.push(token(catalog, &[], &["*"], None));
    });
    let server = Server::over(folder, |_| ()).await;
    for (token, reads, writes) in [(&tokens[0], 200, 403), (&tokens[1], 403, 204)] {
        for bucket in ["b", "0000000000000001"] {
            let read = Request::get(format!("/api/v1/export?bucket={bucket}"));
            assert_eq!(server.ask(with(token, read)).await.status, reads);
            let write = Request::post(format!("/api/v2/write?bucket={bucket}"));
            assert_eq!(
                server.ask(with(token, write.body("m f=1 1"))).await.status,
                writes
            );
        }
        for target in [
            "/write?db=b",
            "/write?db=b&rp=autogen",
            "/api/v3/write_lp?db=b",
        ] {
            let write = Request::post(target).body("m f=1 1");
            assert_eq!(
                server.ask(with(token, write)).await.status,
                writes,
                "{target}"
            );
        }
    }
    server.stop().await;
}
