//! SELECT over HTTP: the worked bodies of the query contract, and what a statement may read.

use super::{fails, is, post, target};
use crate::client::{Answer, Request};
use crate::server::{Folder, Server, TOKEN, token};

const LINES: &str = "boiler,room=a temp=20.5,n=1i 1700000000000000000\n\
                     boiler,room=a temp=21,n=3i 1700000010000000000\n\
                     boiler,room=b temp=30 1700000010000000000\n\
                     boiler temp=5 1700000020000000000\n";

async fn plant() -> Server {
    let server = Server::with(|config| config.query.concurrent_max = 1).await;
    server.write("bucket=plant", LINES).await.is_written();
    let week = "boiler temp=99 1700000000000000000\n";
    server.write("bucket=plant/week", week).await.is_written();
    server
}

async fn ask(server: &Server, q: &str, others: &[(&str, &str)]) -> Answer {
    let others = [&[("db", "plant")], others].concat();
    server.ask(post(q, &others)).await
}

/// A result with one series of this measurement.
fn series(columns: &str, values: &str) -> String {
    format!(
        r#"{{"statement_id":0,"series":[{{"name":"boiler","columns":[{columns}],"values":[{values}]}}]}}"#
    )
}

#[tokio::test]
async fn rows_groups_and_windows_are_those_of_influxdb() {
    let server = plant().await;
    let rows = r#"["2023-11-14T22:13:20Z",1,"a",20.5],["2023-11-14T22:13:30Z",3,"a",21],["2023-11-14T22:13:30Z",null,"b",30],["2023-11-14T22:13:40Z",null,null,5]"#;
    let expected = series(r#""time","n","room","temp""#, rows);
    is(&ask(&server, "SELECT * FROM boiler", &[]).await, &expected);
    let grouped = "SELECT mean(temp), count(n) FROM boiler GROUP BY room";
    is(
        &ask(&server, grouped, &[]).await,
        r#"{"statement_id":0,"series":[{"name":"boiler","tags":{"room":""},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",5,null]]},{"name":"boiler","tags":{"room":"a"},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",20.75,2]]},{"name":"boiler","tags":{"room":"b"},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",30,null]]}]}"#,
    );
    let csv = post(grouped, &[("db", "plant")]).header("Accept", "text/csv");
    let csv = server.ask(csv).await;
    csv.is(
        200,
        "name,tags,time,mean,count\nboiler,,0,5,\nboiler,room=a,0,20.75,2\nboiler,room=b,0,30,\n",
    );
    let windows = "SELECT mean(temp) FROM boiler WHERE room = 'a' AND time >= 1699999995s AND \
                   time < 1700000025s GROUP BY time(10s)";
    let epoch = [("epoch", "s")];
    for (fill, values) in [
        (
            "",
            "[1699999990,null],[1700000000,20.5],[1700000010,21],[1700000020,null]",
        ),
        (" fill(none)", "[1700000000,20.5],[1700000010,21]"),
        (
            " fill(previous)",
            "[1699999990,null],[1700000000,20.5],[1700000010,21],[1700000020,21]",
        ),
        (
            " fill(0)",
            "[1699999990,0],[1700000000,20.5],[1700000010,21],[1700000020,0]",
        ),
    ] {
        let answer = ask(&server, &format!("{windows}{fill}"), &epoch).await;
        is(&answer, &series(r#""time","mean""#, values));
    }
    server.stop().await;
}

#[tokio::test]
async fn statements_that_fail_and_chunks_are_those_of_influxdb() {
    let server = plant().await;
    let q = "SELECT max(temp) FROM boiler;SELECT max(temp) FROM nodb..x;SHOW DATABASES";
    is(
        &ask(&server, q, &[]).await,
        r#"{"statement_id":0,"series":[{"name":"boiler","columns":["time","max"],"values":[["2023-11-14T22:13:30Z",30]]}]},{"statement_id":1,"error":"database not found: nodb"},{"statement_id":2,"error":"not executed"}"#,
    );
    let chunks = [("chunked", "true"), ("chunk_size", "2")];
    let chunked = ask(&server, "SELECT temp FROM boiler", &chunks).await;
    chunked.is(
        200,
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\"columns\":[\"time\",\"temp\"],\"values\":[[\"2023-11-14T22:13:20Z\",20.5],[\"2023-11-14T22:13:30Z\",21]],\"partial\":true}],\"partial\":true}]}\n\
         {\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\"columns\":[\"time\",\"temp\"],\"values\":[[\"2023-11-14T22:13:30Z\",30],[\"2023-11-14T22:13:40Z\",5]]}]}]}\n",
    );
    let bound = [("params", r#"{"room":"b"}"#)];
    let answer = ask(
        &server,
        "SELECT temp FROM boiler WHERE room = $room",
        &bound,
    )
    .await;
    let values = r#"["2023-11-14T22:13:30Z",30]"#;
    is(&answer, &series(r#""time","temp""#, values));
    server.stop().await;
}

/// With a turn for each of its databases, the statement would wait for itself.
#[tokio::test]
async fn a_statement_reads_several_databases_in_one_turn() {
    let server = plant().await;
    let q = "SELECT max(temp) FROM boiler, plant.week.boiler";
    let answer = ask(&server, q, &[]).await;
    let values = r#"["2023-11-14T22:13:20Z",99]"#;
    is(&answer, &series(r#""time","max""#, values));
    let of_week = ask(&server, "SELECT temp FROM boiler", &[("rp", "week")]).await;
    is(
        &of_week,
        &series(r#""time","temp""#, r#"["2023-11-14T22:13:20Z",99]"#),
    );
    server.stop().await;
}

#[tokio::test]
async fn a_database_that_may_not_be_seen_is_none_that_there_is() {
    let (mut reader, mut writer) = (String::new(), String::new());
    let folder = Folder::prepared(|catalog| {
        for name in ["plant", "plant/week", "secret"] {
            catalog.create_bucket(name, None).expect("created");
        }
        reader = token(catalog, &["plant"], &[], None);
        writer = token(catalog, &[], &["plant"], None);
    });
    let server = Server::over(folder, |_| ()).await;
    let by = async |token: &str, q: &str| {
        let request = Request::post(target(q, &[("db", "plant")])).token(token);
        server.ask(request).await
    };
    let select = |from: &str| format!("SELECT v FROM {from}");
    for (token, from, text) in [
        (reader.as_str(), "secret..m", "database not found: secret"),
        (&reader, "nothing..m", "database not found: nothing"),
        (&reader, "plant.week.m", "retention policy not found: week"),
        (
            &reader,
            "plant.nothing.m",
            "retention policy not found: nothing",
        ),
        (
            TOKEN,
            "plant.nothing.m",
            "retention policy not found: nothing",
        ),
        (
            &writer,
            "m",
            "insufficient permissions for read of database plant",
        ),
    ] {
        fails(&by(token, &select(from)).await, text);
    }
    is(&by(&reader, &select("m")).await, r#"{"statement_id":0}"#);
    let none = Request::post(target("SELECT v FROM m", &[])).token(&reader);
    fails(&server.ask(none).await, "database name required");
    server.stop().await;
}

#[tokio::test]
async fn series_become_rows_over_v3() {
    let server = plant().await;
    let q = "q=SELECT+mean(temp)+FROM+boiler+GROUP+BY+room&db=plant&format=csv";
    let request = Request::get(format!("/api/v3/query_influxql?{q}")).token(TOKEN);
    server.ask(request).await.is(
        200,
        "iox::measurement,time,room,mean\nboiler,1970-01-01T00:00:00,,5.0\n\
         boiler,1970-01-01T00:00:00,a,20.75\nboiler,1970-01-01T00:00:00,b,30.0\n",
    );
    server.stop().await;
}
