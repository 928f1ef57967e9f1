//! What is special in each format.

use super::super::{AnswerError, Message};
use super::*;

/// `CREATE DATABASE y` by GET
fn created() -> Statement {
    let mut statement = show(vec![]);
    statement.head.messages = vec![Message::of_read_only("CREATE DATABASE y")];
    statement
}

#[test]
fn messages_come_after_the_series_in_json_and_before_them_in_msgpack() {
    let text = "deprecated use of 'CREATE DATABASE y' in a read only context, please use a POST \
                request instead";
    assert_eq!(
        body(json(), &[created()]),
        format!(
            "{{\"results\":[{{\"statement_id\":0,\"messages\":[{{\"level\":\"warning\",\
             \"text\":\"{text}\"}}]}}]}}\n"
        )
    );
    assert_eq!(
        body(pretty(), &[created()]),
        format!(
            "{{\n    \"results\": [\n        {{\n            \"statement_id\": 0,\n            \
             \"messages\": [\n                {{\n                    \"level\": \"warning\",\n\
             \u{20}                   \"text\": \"{text}\"\n                }}\n            ]\n\
             \u{20}       }}\n    ]\n}}\n"
        )
    );
    let mut expected = b"\x81\xa7results\x91\x83\xacstatement_id\x00\xa8messages\x91\x82\xa5level\
        \xa7warning\xa4text\xd9_"
        .to_vec();
    expected.extend_from_slice(text.as_bytes());
    expected.extend_from_slice(b"\xa6series\x90");
    assert_eq!(bytes(msgpack(), 1, &[created()]), expected);
    assert_eq!(body(csv(), &[created()]), "");
}

/// `SELECT temp,n FROM boiler GROUP BY room`
fn rooms() -> Statement {
    let room = |room, arrays| {
        part(
            "boiler",
            Some(&[("room", room)]),
            &["time", "temp", "n"],
            arrays,
        )
    };
    let at = |second| START + second * SECOND;
    select(vec![
        room(
            "",
            vec![times([at(20)]), floats([Some(5.0)]), integers([None])],
        ),
        room(
            "a",
            vec![
                times([at(0), at(10)]),
                floats([Some(20.5), Some(21.0)]),
                integers([Some(1), Some(3)]),
            ],
        ),
    ])
}

#[test]
fn pretty_json_is_indented_by_four_spaces() {
    let lines = [
        "{",
        "    \"results\": [",
        "        {",
        "            \"statement_id\": 0,",
        "            \"series\": [",
        "                {",
        "                    \"name\": \"boiler\",",
        "                    \"tags\": {",
        "                        \"room\": \"\"",
        "                    },",
        "                    \"columns\": [",
        "                        \"time\",",
        "                        \"temp\",",
        "                        \"n\"",
        "                    ],",
        "                    \"values\": [",
        "                        [",
        "                            \"2023-11-14T22:13:40Z\",",
        "                            5,",
        "                            null",
        "                        ]",
        "                    ]",
        "                },",
    ];
    let text = body(pretty(), &[rooms()]);
    assert!(text.starts_with(&lines.join("\n")), "{text}");
    assert!(text.ends_with("\n                }\n            ]\n        }\n    ]\n}\n"));
}

#[test]
fn msgpack_has_times_of_its_own_or_counts() {
    let expected: &[u8] = b"\x81\xa7results\x91\x82\xacstatement_id\x00\xa6series\x92\
        \x84\xa4name\xa6boiler\xa4tags\x81\xa4room\xa0\xa7columns\x93\xa4time\xa4temp\xa1n\
        \xa6values\x91\x93\xc7\x0c\x05\x00\x00\x00\x00eS\xf1\x14\x00\x00\x00\x00\
        \xcb@\x14\x00\x00\x00\x00\x00\x00\xc0\
        \x84\xa4name\xa6boiler\xa4tags\x81\xa4room\xa1a\xa7columns\x93\xa4time\xa4temp\xa1n\
        \xa6values\x92\x93\xc7\x0c\x05\x00\x00\x00\x00eS\xf1\x00\x00\x00\x00\x00\
        \xcb@4\x80\x00\x00\x00\x00\x00\x01\
        \x93\xc7\x0c\x05\x00\x00\x00\x00eS\xf1\x0a\x00\x00\x00\x00\
        \xcb@5\x00\x00\x00\x00\x00\x00\x03";
    assert_eq!(bytes(msgpack(), 1, &[rooms()]), expected);
    let counts = bytes(epoch(msgpack(), Unit::Second), 1, &[rooms()]);
    let first: &[u8] = b"\x91\x93\xd2eS\xf1\x14\xcb@\x14\x00\x00\x00\x00\x00\x00\xc0";
    assert!(counts.windows(first.len()).any(|window| window == first));
}

/// 1.x leaves the number of the statement out.
#[test]
fn msgpack_names_the_statement_of_an_error() {
    assert_eq!(
        bytes(msgpack(), 2, &[failed("bad")]),
        b"\x81\xa7results\x92\x82\xacstatement_id\x00\xa5error\xa3bad\
          \x82\xacstatement_id\x01\xa5error\xacnot executed"
    );
}

#[test]
fn msgpack_holds_a_statement_until_it_ends() {
    let mut out = Vec::new();
    let mut answer = Answer::new(msgpack(), 1);
    answer.start(head(true));
    for part in &rooms().parts {
        answer.part(part, &mut out).unwrap();
    }
    assert_eq!(out, b"\x81\xa7results\x91");
    assert!(answer.held_bytes() > 100);
    answer.end(Ok(()), &mut out);
    assert!(out.ends_with(b"\x03"));
    assert_eq!(answer.held_bytes(), 0);
}

/// 1.x sends nothing of the errors in CSV.
#[test]
fn csv_has_a_block_per_statement_with_rows_or_an_error() {
    let run = [show(vec![]), rooms(), rooms(), failed("no, \"really\"")];
    let rows = "name,tags,time,temp,n\n\
                boiler,,1700000020000000000,5,\n\
                boiler,room=a,1700000000000000000,20.5,1\n\
                boiler,room=a,1700000010000000000,21,3\n";
    let body = String::from_utf8(bytes(csv(), 5, &run)).unwrap();
    assert_eq!(
        body,
        format!("{rows}\n{rows}\nerror\n\"no, \"\"really\"\"\"\n\nerror\nnot executed\n")
    );
    // 1.x repeats no header in chunks.
    let chunks = String::from_utf8(bytes(chunked(csv(), 1), 5, &run)).unwrap();
    assert_eq!(chunks, body);
}

#[test]
fn csv_repeats_the_header_when_the_columns_change() {
    let of = |name, column| {
        part(
            name,
            None,
            &["time", column],
            vec![times([1]), texts([Some("x")])],
        )
    };
    let run = [select(vec![of("m", "a"), of("n", "a"), of("o", "b,c")])];
    let expected = "name,tags,time,a\nm,,1,x\nn,,1,x\n\nname,tags,time,\"b,c\"\no,,1,x\n";
    assert_eq!(body(csv(), &run), expected);
    assert_eq!(body(chunked(csv(), 1), &run), expected);
}

#[test]
fn csv_has_a_header_for_a_series_without_rows() {
    let run = [show(vec![part(
        "databases",
        None,
        &["name"],
        vec![texts([])],
    )])];
    assert_eq!(body(csv(), &run), "name,tags,name\n");
    assert_eq!(
        body(json(), &run),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"databases\",\
         \"columns\":[\"name\"]}]}]}\n"
    );
    assert_eq!(
        bytes(msgpack(), 1, &run),
        b"\x81\xa7results\x91\x82\xacstatement_id\x00\xa6series\x91\x83\xa4name\xa9databases\
          \xa7columns\x91\xa4name\xa6values\x90"
    );
}

#[test]
fn what_no_answer_can_hold_is_an_error_and_writes_nothing() {
    let mut out = Vec::new();
    let mut answer = Answer::new(json(), 1);
    let narrow: ArrayRef = Arc::new(arrow_array::Int32Array::from(vec![1]));
    let part = part("m", None, &["time", "f"], vec![times([1]), narrow]);
    let stray = answer.part(&part, &mut out).unwrap_err();
    assert_eq!(stray.to_string(), "series m belongs to no statement");
    answer.start(head(true));
    let error = answer.part(&part, &mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column f of series m has the type Int32, which no answer has"
    );
    let mut wide = part.clone();
    wide.columns = Arc::from(["time".to_owned()]);
    let error = answer.part(&wide, &mut out).unwrap_err();
    assert!(matches!(
        error,
        AnswerError::Width {
            columns: 2,
            names: 1,
            ..
        }
    ));
    assert!(out.is_empty());
}

#[test]
fn the_accept_header_chooses_the_format() {
    for (headers, content_type) in [
        (vec![], "application/json"),
        (vec!["application/json"], "application/json"),
        (vec!["*/*"], "application/json"),
        (vec!["*"], "application/json"),
        (vec!["text/html"], "application/json"),
        (vec!["text/html, */*;q=0.8"], "application/json"),
        (vec!["application/*"], "application/json"),
        (vec!["text/csv"], "text/csv"),
        (vec!["text/*"], "text/csv"),
        (vec!["TEXT/CSV; charset=utf-8"], "text/csv"),
        (vec!["application/csv"], "application/csv"),
        (
            vec!["application/csv;q=0.4, application/x-msgpack;q=0.5"],
            "application/x-msgpack",
        ),
        (
            vec!["text/html", "application/x-msgpack"],
            "application/x-msgpack",
        ),
        (
            vec!["text/csv;q=0, application/json;q=0.1"],
            "application/json",
        ),
        (vec!["text/csv;q=x"], "application/json"),
        (vec!["text/csv,application/json"], "text/csv"),
    ] {
        let format = Format::accepted(headers.iter().copied());
        assert_eq!(format.content_type(), content_type, "{headers:?}");
    }
}
