//! `config/openapi.yaml` says what the server does: its paths, methods and credentials are those of
//! the route table, its parameters are read, and every answer that any test here gets is one that
//! it has, with a body of a type that it names.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use tidegate::api::Dialect;
use tidegate::server::{Access, ROUTES};
use yaml_rust2::{Yaml, YamlLoader};

use crate::client::{Answer, Request};
use crate::server::{Server, TOKEN};

static DESCRIPTION: LazyLock<Yaml> = LazyLock::new(|| {
    let text = include_str!("../../config/openapi.yaml");
    let mut documents = YamlLoader::load_from_str(text).expect("YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
});

/// The target of a `$ref`.
fn resolve(node: &'static Yaml) -> &'static Yaml {
    let Some(reference) = node["$ref"].as_str() else {
        return node;
    };
    let path = reference.strip_prefix("#/").expect("within the file");
    let found = path.split('/').fold(&*DESCRIPTION, |node, key| &node[key]);
    assert!(!found.is_badvalue(), "{reference} leads nowhere");
    found
}

fn keys(node: &'static Yaml) -> impl Iterator<Item = &'static str> {
    let entries = node.as_hash().into_iter().flatten();
    entries.map(|(key, _)| key.as_str().expect("a text"))
}

fn list(node: &'static Yaml) -> impl Iterator<Item = &'static Yaml> {
    node.as_vec().into_iter().flatten()
}

const VERBS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every path, method and its description; those of tables only in a build that has them.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Yaml)> {
    let paths = &DESCRIPTION["paths"];
    let is_built = |path: &&str| cfg!(feature = "lake") || !path.starts_with("/api/v1/lake");
    keys(paths).filter(is_built).flat_map(move |path| {
        let item = &paths[path];
        let verbs = keys(item).filter(|key| VERBS.contains(key));
        verbs.map(move |verb| (path, verb, &item[verb]))
    })
}

/// The description of what answers a request, if its path is one that is described.
fn operation(request: &Request) -> Option<(&'static str, &'static Yaml)> {
    let path = request.target.split('?').next().unwrap_or_default();
    let verb = match request.method {
        "HEAD" => "get".to_owned(),
        other => other.to_ascii_lowercase(),
    };
    let fits = |pattern: &str| {
        let (mut parts, mut wanted) = (path.split('/'), pattern.split('/'));
        parts.clone().count() == wanted.clone().count()
            && wanted.all(|want| {
                parts
                    .next()
                    .is_some_and(|part| part == want || want.starts_with('{'))
            })
    };
    let found = operations().find(|(path, method, _)| *method == verb && fits(path));
    found.map(|(path, _, operation)| (path, operation))
}

/// Holds an answer against the description. What refuses a request before its path is looked at
/// (a head that cannot be read) has the shape that `default` says.
#[track_caller]
pub fn check(request: &Request, answer: &Answer) {
    let Some((path, operation)) = operation(request) else {
        return;
    };
    let context = || format!("{} {path}: {}", request.method, answer.status);
    let responses = &operation["responses"];
    let by_default = matches!(answer.status, 400 | 405 | 408 | 413 | 429 | 500 | 503);
    let status = answer.status.to_string();
    let response = match &responses[status.as_str()] {
        Yaml::BadValue if by_default => &responses["default"],
        described => described,
    };
    assert!(!response.is_badvalue(), "{} is not described", context());
    let content = &resolve(response)["content"];
    let kind = answer.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    match content {
        Yaml::BadValue => assert_eq!(kind, "", "{}", context()),
        content => assert!(!content[kind].is_badvalue(), "{}: {kind}", context()),
    }
}

#[test]
fn paths_methods_and_credentials_are_those_of_the_route_table() {
    let described: BTreeSet<_> = operations()
        .map(|(path, verb, _)| (path, verb.to_uppercase()))
        .collect();
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .flat_map(|route| {
            route
                .verbs
                .iter()
                .map(|verb| (route.path, (*verb).to_owned()))
        })
        .collect();
    assert_eq!(described, routes);
    for (path, verb, operation) in operations() {
        let route = ROUTES
            .iter()
            .find(|route| route.path == path)
            .expect("just seen");
        let security = match &operation["security"] {
            Yaml::BadValue => &DESCRIPTION["security"],
            own => own,
        };
        let forms: BTreeSet<&str> = list(security).flat_map(keys).collect();
        let context = format!("{verb} {path}");
        let optional = list(security).any(|form| keys(form).next().is_none());
        assert_eq!(
            optional,
            route.access == Access::OpenUnlessConfigured,
            "{context}"
        );
        assert_eq!(forms.is_empty(), route.access == Access::Open, "{context}");
        assert_eq!(
            forms.contains("query"),
            matches!(route.dialect, Dialect::V1 | Dialect::V1Query),
            "{context}"
        );
        let asks = matches!(route.access, Access::Token | Access::Operator);
        let refused = keys(&operation["responses"]).any(|status| status == "401");
        assert!(!asks || refused, "{context} can be refused");
        let summary = operation["summary"].as_str().expect("a summary");
        let says_so = summary.ends_with("(operator)");
        assert_eq!(says_so, route.access == Access::Operator, "{context}");
    }
}

/// A page of another web site, a head that is too large and, over HTTP/1.0, a body without a length
/// are refused before the path is looked at.
#[test]
fn every_operation_names_what_is_refused_before_its_path_is_looked_at() {
    for (path, verb, operation) in operations() {
        let named: BTreeSet<&str> = keys(&operation["responses"]).collect();
        let brings_body = matches!(verb, "post" | "put" | "patch");
        for (status, is_named) in [("403", true), ("411", brings_body), ("431", true)] {
            assert_eq!(named.contains(status), is_named, "{verb} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn the_parameters_that_are_described_are_read() {
    // Ignored, and so never told twice.
    let ignored = ["u", "consistency", "org", "verbose"];
    let server = Server::start().await;
    let mut told = 0;
    for (path, verb, operation) in operations() {
        let verb = VERBS.iter().find(|known| **known == verb).expect("known");
        for parameter in list(&operation["parameters"]).map(resolve) {
            let name = parameter["name"].as_str().expect("a name");
            let is_checked = path.ends_with("/write") && name == "org" || !ignored.contains(&name);
            // Of several the first one counts there, as in InfluxDB 1.x.
            let is_checked = is_checked && path != "/query";
            if parameter["in"].as_str() != Some("query") || !is_checked {
                continue;
            }
            let value = match &parameter["schema"]["enum"] {
                Yaml::Array(words) => words.last().and_then(Yaml::as_str).expect("a word"),
                _ if parameter["schema"]["type"].as_str() == Some("boolean") => "true",
                // A value that is no value at all is told before it is told twice.
                _ => parameter["example"].as_str().unwrap_or("1"),
            };
            let value = value.replace(' ', "+").replace('"', "%22");
            let value = value
                .replace('{', "%7B")
                .replace('}', "%7D")
                .replace('>', "%3E");
            let method: &'static str = match *verb {
                "get" => "GET",
                "post" => "POST",
                other => panic!("{other} has no parameters"),
            };
            let target = format!("{path}?{name}={value}&{name}={value}");
            let answer = server.ask(Request::new(method, target).token(TOKEN)).await;
            let part = format!("duplicate field `{name}`");
            assert!(
                answer.text().contains(&part),
                "{verb} {path} {name}: {}",
                answer.text()
            );
            told += 1;
        }
    }
    assert!(told > 15, "only {told}");
    server.stop().await;
}

#[test]
fn every_reference_leads_somewhere_and_the_version_is_ours() {
    fn walk(node: &'static Yaml, seen: &mut BTreeSet<&'static str>) {
        if let Some(reference) = node["$ref"].as_str() {
            resolve(node);
            seen.insert(reference);
        }
        match node {
            Yaml::Hash(entries) => entries.iter().for_each(|(_, value)| walk(value, seen)),
            Yaml::Array(items) => items.iter().for_each(|item| walk(item, seen)),
            _ => {}
        }
    }
    let mut seen = BTreeSet::new();
    walk(&DESCRIPTION, &mut seen);
    for section in ["parameters", "requestBodies", "responses", "schemas"] {
        for name in keys(&DESCRIPTION["components"][section]) {
            let path = format!("#/components/{section}/{name}");
            assert!(seen.contains(path.as_str()), "{path} is never used");
        }
    }
    let version = DESCRIPTION["info"]["version"].as_str();
    assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
}
