//! Answers of the contract, section 8.9, each confirmed on InfluxDB 1.6.7.

use super::super::super::answer::{Times, Unit};
use super::world::Points;
use super::{json, parts};

const PLANT: &str = "boiler,room=a temp=20.5,n=1i 1700000000000000000
boiler,room=a temp=21,n=3i 1700000010000000000
boiler,room=b temp=30 1700000010000000000
boiler temp=5 1700000020000000000";

async fn answer(text: &str, times: Times) -> String {
    let points = Points::of(PLANT);
    match parts(&points, text).await {
        Ok((head, parts)) => {
            let body = json(head, &parts, times);
            let body = body.strip_prefix("{\"results\":[{\"statement_id\":0,\"series\":[");
            body.and_then(|body| body.strip_suffix("]}]}\n"))
                .unwrap_or("nothing")
                .to_owned()
        }
        Err(error) => error,
    }
}

#[tokio::test]
async fn the_bodies_of_the_contract() {
    for (text, body) in [
        (
            "SELECT * FROM boiler",
            r#"{"name":"boiler","columns":["time","n","room","temp"],"values":[["2023-11-14T22:13:20Z",1,"a",20.5],["2023-11-14T22:13:30Z",3,"a",21],["2023-11-14T22:13:30Z",null,"b",30],["2023-11-14T22:13:40Z",null,null,5]]}"#,
        ),
        (
            "SELECT mean(temp), count(n) FROM boiler GROUP BY room",
            r#"{"name":"boiler","tags":{"room":""},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",5,null]]},{"name":"boiler","tags":{"room":"a"},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",20.75,2]]},{"name":"boiler","tags":{"room":"b"},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",30,null]]}"#,
        ),
        (
            "SELECT max(temp) FROM boiler",
            r#"{"name":"boiler","columns":["time","max"],"values":[["2023-11-14T22:13:30Z",30]]}"#,
        ),
        ("SELECT nothing FROM boiler", "nothing"),
        ("SELECT temp FROM nowhere", "nothing"),
        ("SELECT temp FROM nodb..boiler", "database not found: nodb"),
    ] {
        assert_eq!(answer(text, Times::default()).await, body, "{text}");
    }
}

#[tokio::test]
async fn windows_are_filled_as_the_contract_says() {
    let epoch = Times::Epoch(Unit::of_epoch("s"));
    let all = |values: &str| {
        format!(r#"{{"name":"boiler","columns":["time","mean"],"values":[{values}]}}"#)
    };
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
            " fill(linear)",
            "[1699999990,null],[1700000000,20.5],[1700000010,21],[1700000020,null]",
        ),
        (
            " fill(0)",
            "[1699999990,0],[1700000000,20.5],[1700000010,21],[1700000020,0]",
        ),
    ] {
        let text = format!(
            "SELECT mean(temp) FROM boiler WHERE room = 'a' AND time >= 1699999995s AND \
             time < 1700000025s GROUP BY time(10s){fill}"
        );
        assert_eq!(answer(&text, epoch).await, all(values), "{text}");
    }
}
