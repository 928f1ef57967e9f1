//! Contract section 3.6: `GET` and `POST /api/v3/query_sql`.

mod broken;
mod formats;
mod requests;
mod rights;

use serde_json::{Value, json};

use crate::client::{Answer, Request};
use crate::server::{Server, TOKEN};

/// Points with all types of fields, a tag that one lacks, a quote and a line end in a string.
const LINES: &str = "boiler,room=a temp=20.5,n=-1i,u=18446744073709551615u,ok=t,\
                     note=\"say \\\"hi\\\",\ntwice\" 1700000000000000000\n\
                     boiler,room=b temp=30 1700000010000000000\n\
                     boiler temp=5 1700000020000000001\n";

/// A question to the bucket `plant`, in the body.
fn question(text: &str, format: &str) -> Request {
    post(&json!({"db": "plant", "q": text, "format": format}))
}

fn post(body: &Value) -> Request {
    let request = Request::post("/api/v3/query_sql").token(TOKEN);
    request.body(body.to_string())
}

/// The query string of a question.
fn get(pairs: &[(&str, &str)]) -> Request {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(pairs).finish();
    Request::get(format!("/api/v3/query_sql?{query}")).token(TOKEN)
}

/// A server whose bucket `plant` holds [`LINES`].
async fn server() -> Server {
    let server = Server::start().await;
    server.write("bucket=plant", LINES).await.is_written();
    server
}

/// The text of `error`, of a body that has nothing else.
#[track_caller]
fn error(answer: &Answer, status: u16) -> String {
    let body = answer.json();
    assert_eq!(answer.status, status, "{body}");
    assert_eq!(
        body.as_object().map(serde_json::Map::len),
        Some(1),
        "{body}"
    );
    body["error"].as_str().expect("a text").to_owned()
}
