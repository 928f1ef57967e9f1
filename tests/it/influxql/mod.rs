//! InfluxQL over HTTP: `/query`, and `/api/v3/query_influxql`.

mod broken;
mod databases;
mod golden;
mod queries;
mod requests;
mod rows;

use crate::client::{Answer, Request};
use crate::server::{Server, TOKEN};

/// The query string of a statement and other parameters.
fn target(q: &str, others: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair("q", q).extend_pairs(others).finish();
    format!("/query?{query}")
}

fn post(q: &str, others: &[(&str, &str)]) -> Request {
    Request::post(target(q, others)).token(TOKEN)
}

async fn ask(server: &Server, q: &str) -> Answer {
    server.ask(post(q, &[])).await
}

/// What the results of statements are.
#[track_caller]
fn is(answer: &Answer, results: &str) {
    answer.is(200, &format!("{{\"results\":[{results}]}}\n"));
}

/// A result that is an error.
#[track_caller]
fn fails(answer: &Answer, text: &str) {
    let text = serde_json::to_string(text).expect("text");
    is(answer, &format!(r#"{{"statement_id":0,"error":{text}}}"#));
}
