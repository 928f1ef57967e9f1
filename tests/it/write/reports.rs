//! Contract section 1.3: how each kind of rejected line is told. One request with one bad line a
//! row, and what stands in `errors`.

use crate::server::Server;

/// `line:column code message` of every entry.
async fn told(server: &Server, lines: &str) -> Vec<String> {
    let answer = server.write("bucket=b", lines).await;
    assert_eq!(answer.status, 400, "{lines}");
    let json = answer.json();
    let errors = json["errors"].as_array().expect("a list").clone();
    let first = errors[0]["line"].as_i64().expect("an integer");
    assert!(i32::try_from(first).is_ok());
    assert_eq!(json["line"].as_i64(), Some(first));
    // The message says the same in words.
    let message = answer.message();
    for (entry, line) in errors.iter().zip(message.lines().skip(1)) {
        let verb = if matches!(entry["code"].as_str(), Some("syntax" | "timestamp")) {
            "parsing"
        } else {
            "writing"
        };
        let text = entry["message"].as_str().expect("a text");
        assert_eq!(
            line,
            format!("  error {verb} line {} (1-based): {text}", entry["line"])
        );
    }
    errors
        .iter()
        .map(|e| {
            let text = e["message"].as_str().expect("a text");
            format!(
                "{}:{} {} {text}",
                e["line"],
                e["column"],
                e["code"].as_str().expect("a word")
            )
        })
        .collect()
}

#[tokio::test]
async fn lines_are_physical_and_columns_are_bytes() {
    let server = Server::start().await;
    let value = "expected a field value (a number, a boolean, or a string in double quotes) \
                 after `=`, found the end of the line";
    for (lines, place) in [
        ("m f=", "1:5"),
        ("\n\nm f=\n", "3:5"),
        ("# one\n\r\n  # three\nm f=\n", "4:5"),
        ("m f=1\r\nm f=\r\n", "2:5"),
        ("m s=\"a\nb\nc\"\nm f=\n", "4:5"),
        ("m s=\"a\n# no comment\"\nm f=", "3:5"),
        ("   m f=", "1:8"),
        ("mä,t=ö f=", "1:12"),
    ] {
        assert_eq!(
            told(&server, lines).await,
            [format!("{place} syntax {value}")],
            "{lines:?}"
        );
    }
    // The fault lies on the second line of the point; that line is then read by itself.
    let told_both = told(&server, "m s=\"a\nb\",f=\n").await;
    let tag_value = "expected a tag value after `=`, found the end of the line";
    assert_eq!(
        told_both,
        [
            format!("1:0 syntax {value}"),
            format!("2:6 syntax {tag_value}")
        ]
    );
    // A point that spans lines counts where it starts, also when it is the schema's business.
    server.write("bucket=b", "w s=1 1").await.is_written();
    let clash = "type_conflict field \"s\" of \"w\" is float, got string";
    assert_eq!(
        told(&server, "\nw s=\"a\nb\" 1\n").await,
        [format!("2:3 {clash}")]
    );
    assert_eq!(
        told(&server, "w a=\"\n\",s=\"x\" 1").await,
        [format!("1:0 {clash}")]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_stray_quote_costs_one_line() {
    let server = Server::start().await;
    let entries = told(&server, "m f=1 1\nm s=\"open 2\nm f=3 3\nm f=4 4\n").await;
    assert_eq!(entries, ["2:5 syntax a string value has no closing quote"]);
    assert_eq!(
        server.export("b").await,
        "m f=1.0 1\nm f=3.0 3\nm f=4.0 4\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn only_lines_that_are_no_text_are_rejected() {
    let server = Server::start().await;
    let body = b"m f=1 1\nm s=\"\xff\" 2\nm f=3 3\nm,t=\xc3 f=4 4\n\xf0\x9f f=5 5\n";
    let answer = server.write("bucket=b", body).await;
    let json = answer.json();
    let named: Vec<_> = json["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| e["line"].as_u64())
        .collect();
    assert_eq!(named, [Some(2), Some(4), Some(5)]);
    assert_eq!(server.export("b").await, "m f=1.0 1\nm f=3.0 3\n");
    server.stop().await;
}

#[tokio::test]
async fn type_conflicts_name_the_field_what_exists_and_what_came() {
    let server = Server::start().await;
    let columns = "home,tag=x f=1,i=1i,u=1u,b=true,s=\"x\" 1";
    server.write("bucket=b", columns).await.is_written();
    let kinds = [
        ("f", "float", "1.5"),
        ("i", "integer", "2i"),
        ("u", "unsigned", "2u"),
        ("b", "boolean", "f"),
        ("s", "string", "\"y\""),
    ];
    for (field, exists, own) in kinds {
        for (_, came, value) in kinds {
            let lines = format!("home {field}={value} 2");
            // The float of an integer's value is stored.
            let widens = exists == "float" && matches!(came, "integer" | "unsigned");
            if value == own || widens {
                server.write("bucket=b", lines).await.is_written();
            } else {
                let clash = format!(
                    "1:6 type_conflict field \"{field}\" of \"home\" is {exists}, got {came}"
                );
                assert_eq!(told(&server, &lines).await, [clash]);
            }
        }
        let clash =
            format!("1:6 type_conflict field \"{field}\" of \"home\" is {exists}, got a tag");
        assert_eq!(
            told(&server, &format!("home,{field}=x f=1 2")).await,
            [clash]
        );
    }
    for (value, came) in [
        ("1", "float"),
        ("1i", "integer"),
        ("1u", "unsigned"),
        ("t", "boolean"),
        ("\"x\"", "string"),
    ] {
        let clash = format!("1:6 type_conflict \"tag\" of \"home\" is a tag, got a {came} field");
        assert_eq!(told(&server, &format!("home tag={value} 2")).await, [clash]);
    }
    server.stop().await;
}

#[tokio::test]
async fn names_twice_in_a_line_and_reserved_names() {
    let server = Server::start().await;
    let both = "is both a tag and a field in this line, rename one of them";
    for (line, entry) in [
        ("m,k=1 k=2 1", format!("1:7 type_conflict \"k\" {both}")),
        ("m a=1,a=2i 1", "1:7 type_conflict field \"a\" comes twice in this line, as float and as integer".to_owned()),
        ("m,a=1,a=1 f=1 1", "1:7 syntax tag key `a` occurs twice".to_owned()),
        ("m,time=1 f=1 1", "1:3 reserved_name \"time\" is reserved and cannot be a tag, rename the tag".to_owned()),
        ("m,_measurement=1 f=1 1", "1:3 reserved_name \"_measurement\" is reserved and cannot be a tag, rename the tag".to_owned()),
        ("m,a=1,_field=1 f=1 1", "1:7 reserved_name \"_field\" is reserved and cannot be a tag, rename the tag".to_owned()),
        ("m time=1 1", "1:3 reserved_name \"time\" is reserved and is the only field, rename it (the timestamp stands at the end of the line)".to_owned()),
    ] {
        assert_eq!(told(&server, line).await, [entry], "{line}");
    }
    assert!(!server.has_bucket("b").await);
    let fine = "m,_tag=1,times=2 a=1,a=2,_measurement=3,_field=4,_time=5 1";
    server.write("bucket=b", fine).await.is_written();
    assert_eq!(
        server.export("b").await,
        "m,_tag=1,times=2 _field=4.0,_measurement=3.0,_time=5.0,a=2.0 1\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_field_called_time_is_dropped_and_told() {
    let server = Server::start().await;
    let answer = server
        .write("bucket=b", "m f=1 1\nm time=5i,f=2 2\nm f=3,time=\"x\" 3\n")
        .await;
    let text = r#"field \"time\" is reserved and was dropped, rename it"#;
    answer.is(
        400,
        &format!(
            r#"{{"code":"invalid","message":"3 of 3 lines written; rejected field(s):\n  error writing line 2 (1-based): {text}\n  error writing line 3 (1-based): {text}","line":2,"accepted":3,"rejected":0,"errors":[{{"line":2,"column":3,"code":"field_dropped","message":"{text}"}},{{"line":3,"column":7,"code":"field_dropped","message":"{text}"}}]}}"#
        ),
    );
    assert_eq!(
        server.export("b").await,
        "m f=1.0 1\nm f=2.0 2\nm f=3.0 3\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_hundred_entries_are_told_and_the_rest_is_counted() {
    let server = Server::start().await;
    for bad in [100, 101, 250] {
        let lines: String = (0..bad).map(|_| "bad\n").collect::<String>() + "m f=1 1\n";
        let answer = server.write("bucket=b", &lines).await;
        let json = answer.json();
        assert_eq!(json["errors"].as_array().map(Vec::len), Some(100));
        assert_eq!(
            (&json["accepted"], &json["rejected"]),
            (&1.into(), &bad.into())
        );
        let message = answer.message();
        let last = message.lines().last().expect("lines");
        if bad == 100 {
            assert!(
                last.starts_with("  error parsing line 100 (1-based): "),
                "{last}"
            );
        } else {
            assert_eq!(last, format!("  … and {} more", bad - 100));
        }
        assert_eq!(message.lines().count(), if bad == 100 { 101 } else { 102 });
    }
    // Faults of both kinds share the hundred, the first in line order.
    let lines: String = (0..80).map(|_| "m f=\"x\" 1\nbad\n").collect();
    let json = server.write("bucket=b", &lines).await.json();
    let named: Vec<_> = json["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| e["line"].as_u64().expect("a line"))
        .collect();
    assert_eq!(named, (1..=100).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test]
async fn no_more_of_the_payload_is_repeated_than_sixty_four_bytes() {
    let server = Server::start().await;
    let long = "x".repeat(4000);
    server
        .write(
            "bucket=b",
            format!("m,{long}=1 a=1 1\nm {long}y=1 1\n{long} a=1 1"),
        )
        .await
        .is_written();
    for line in [
        format!("m f=1{long}"),
        format!("m f={long}"),
        format!("m f=1 {long}"),
        format!("m,{long} f=1"),
        format!("m,{long}=1,{long}=1 f=1"),
        format!("m {long}=1"),
        format!("m {long}y=t"),
        format!("m,{long}y=1 f=1"),
        format!("{long} a=t"),
        format!("{long} {long}z=1,{long}z=1i"),
        format!("{long},{long}z=1 {long}z=1"),
    ] {
        let answer = server.write("bucket=b", &line).await;
        assert_eq!(answer.status, 400);
        assert!(
            !answer.text().contains(&"x".repeat(65)),
            "{:.300}",
            answer.text()
        );
    }
    server.stop().await;
}
