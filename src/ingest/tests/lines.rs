//! The lines that are written, and the reports on the others.

use super::support::{LIMITS, NOW_NS, World};
use crate::ingest::{Limits, Target, WriteError};
use crate::storage::FaultStorage;

/// `line:column code message` of every report.
async fn reports(world: &World, lines: &str) -> Vec<String> {
    let outcome = world.write(lines).await;
    let reports = outcome.reports.iter();
    reports
        .map(|r| format!("{}:{} {} {}", r.line, r.column, r.code, r.message))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_readable_at_once_and_after_a_crash() {
    let world = World::new();
    let outcome = world
        .write("home,room=Kitchen temp=21.5,n=3i 5\nhome temp=1,s=\"a b\"\n")
        .await;
    assert_eq!((outcome.accepted, outcome.rejected), (2, 0));
    let rows = world.rows("home");
    assert_eq!(rows[0], "room=Kitchen n=3i,temp=21.5 5");
    assert_eq!(rows[1], format!(" s=\"a b\",temp=1.0 {NOW_NS}"));
    assert_eq!(world.after_crash().rows("home"), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_in_another_order_are_the_same_series() {
    let world = World::new();
    world.write("m,a=1,b=2 v=1 1\nm,b=2,a=1 v=2 2\n").await;
    let bucket = world.catalog.bucket_named("b").expect("created");
    assert_eq!(world.ingest.buffer().series_count(bucket.id), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_costs_only_itself_and_parse_and_write_errors_stand_in_line_order() {
    let world = World::new();
    world.write("home temp=1 1").await;
    let lines =
        "home temp=\"warm\" 2\nhome temp= 3\n\n# note\nhome temp=4 4\nhome,time=x temp=5 5\n";
    assert_eq!(
        reports(&world, lines).await,
        [
            "1:6 type_conflict field \"temp\" of \"home\" is float, got string",
            "2:11 syntax expected a field value (a number, a boolean, or a string in double quotes) after `=`, found a space",
            "6:6 reserved_name \"time\" is reserved and cannot be a tag, rename the tag",
        ]
    );
    assert_eq!(world.rows("home"), [" temp=1.0 1", " temp=4.0 4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clash_within_a_request_is_decided_by_the_first_line_that_is_written() {
    let world = World::new();
    world.write("m known=1i 1").await;
    // Line 1 is rejected for `known`, so its type of `new` does not count.
    let lines = "m new=1,known=1 2\nm new=2i 3\nm new=3 4\nm new=4i 5\n";
    let outcome = world.write(lines).await;
    assert_eq!((outcome.accepted, outcome.rejected), (2, 2));
    let said: Vec<_> = outcome
        .reports
        .iter()
        .map(|r| (r.line, r.message.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (1, "field \"known\" of \"m\" is integer, got float"),
            (3, "field \"new\" of \"m\" is integer, got float"),
        ]
    );
    assert_eq!(
        world.after_crash().rows("m"),
        [" known=1i 1", " new=2i 3", " new=4i 5"]
    );
}

/// It is the most frequent cause of lost data elsewhere: a client that sends whole numbers as
/// integers, to a field that began as a float.
#[tokio::test(flavor = "multi_thread")]
async fn an_integer_for_a_column_of_floats_is_stored_as_a_float_if_there_is_one() {
    let world = World::new();
    world.write("m f=1.5,i=1i 1").await;
    assert_eq!(
        reports(
            &world,
            "m f=2i 2\nm f=3u 3\nm f=9007199254740992i 4\nm f=9007199254740993i 5\nm f=-9007199254740992i 6\nm f=9007199254740993u 7\nm f=4 8\nm i=1.5 9\nm i=1u 10\nm f=t 11\nm f=1i,f=2.0 12\nm f=7i,i=7i 13\n"
        )
        .await,
        [
            "4:3 type_conflict field \"f\" of \"m\" is float, got integer beyond 2^53, inexact as a float",
            "6:3 type_conflict field \"f\" of \"m\" is float, got unsigned beyond 2^53, inexact as a float",
            "8:3 type_conflict field \"i\" of \"m\" is integer, got float",
            "9:3 type_conflict field \"i\" of \"m\" is integer, got unsigned",
            "10:3 type_conflict field \"f\" of \"m\" is float, got boolean",
            "11:8 type_conflict field \"f\" comes twice in this line, as integer and as float",
        ]
    );
    let stored = [
        " f=1.5,i=1i 1",
        " f=2.0 2",
        " f=3.0 3",
        " f=9007199254740992.0 4",
        " f=-9007199254740992.0 6",
        " f=4.0 8",
        " f=7.0,i=7i 13",
    ];
    assert_eq!(world.rows("m"), stored);
    assert_eq!(world.after_crash().rows("m"), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_a_new_column_takes_integers_is_decided_by_the_first_line_that_is_written() {
    let world = World::new();
    let outcome = world
        .write("m f=1.5,i=1i 1\nm f=2i 2\nm i=2.5 3\nm f=3u,i=3i 4\n")
        .await;
    assert_eq!((outcome.accepted, outcome.rejected), (3, 1));
    assert_eq!(
        world.rows("m"),
        [" f=1.5,i=1i 1", " f=2.0 2", " f=3.0,i=3i 4"]
    );
    assert_eq!(world.after_crash().rows("m"), world.rows("m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn integers_stay_out_of_floats_where_that_is_set() {
    let limits = Limits {
        integer_into_float: false,
        ..LIMITS
    };
    let room = (64 << 20, 32 << 20);
    let world = World::over(FaultStorage::new(1), limits, room, None);
    world.write("m f=1.5 1").await;
    assert_eq!(
        reports(&world, "m f=2i 2\n").await,
        ["1:3 type_conflict field \"f\" of \"m\" is float, got integer"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_fields_of_one_name_clash_in_a_line_and_across_lines() {
    let world = World::new();
    assert_eq!(
        reports(&world, "m,k=1 k=2 1\nm,t=1 f=1 2\nm t=1 3\nm,f=1 x=1 4\n").await,
        [
            "1:7 type_conflict \"k\" is both a tag and a field in this line, rename one of them",
            "3:3 type_conflict \"t\" of \"m\" is a tag, got a float field",
            "4:3 type_conflict field \"f\" of \"m\" is float, got a tag",
        ]
    );
    assert_eq!(world.rows("m"), ["t=1 f=1.0 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_twice_in_a_line_keeps_its_last_value_unless_the_types_differ() {
    let world = World::new();
    assert_eq!(
        reports(&world, "m a=1,b=1,a=2 1\nm a=1,a=2i 2\n").await,
        ["2:7 type_conflict field \"a\" comes twice in this line, as float and as integer"]
    );
    assert_eq!(world.rows("m"), [" a=2.0,b=1.0 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_called_time_is_dropped_and_told_and_alone_rejects_the_line() {
    let world = World::new();
    let outcome = world.write("m time=1,a=2 1\nm time=1 2\n").await;
    assert_eq!((outcome.accepted, outcome.rejected), (1, 1));
    let codes: Vec<_> = outcome
        .reports
        .iter()
        .map(|r| (r.line, r.column, r.code))
        .collect();
    assert_eq!(codes, [(1, 3, "field_dropped"), (2, 3, "reserved_name")]);
    assert_eq!(world.rows("m"), [" a=2.0 1"]);
    let outcome = world.write_all_or_nothing("m time=1,a=3 3\n").await;
    assert_eq!((outcome.accepted, outcome.reports.len()), (0, 1));
    assert_eq!(world.rows("m").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_tags_are_refused_and_other_underscores_are_fine() {
    let world = World::new();
    let outcome = world
        .write("m,_field=x a=1\nm,_measurement=x a=1\nm,_x=1 _field=1 1\n")
        .await;
    assert_eq!((outcome.accepted, outcome.rejected), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_nothing_writes_nothing_if_one_line_is_bad_and_leaves_no_trace() {
    let world = World::new();
    let many: String = (0..500)
        .map(|n| format!("m,host=h{n} v={n} {n}\n"))
        .collect();
    let outcome = world.write_all_or_nothing(&format!("{many}m v= 1\n")).await;
    assert_eq!((outcome.accepted, outcome.rejected), (0, 1));
    assert!(
        world.catalog.bucket_named("b").is_none(),
        "a bucket for nothing"
    );
    let outcome = world
        .write_all_or_nothing(&format!("{many}m v=\"s\" 1\n"))
        .await;
    assert_eq!(
        (outcome.accepted, outcome.rejected, outcome.first_line()),
        (0, 1, Some(501))
    );
    let outcome = world.write_all_or_nothing(&many).await;
    assert_eq!((outcome.accepted, outcome.rejected), (500, 0));
    let outcome = world
        .write_all_or_nothing(&format!("{many}m v=\"s\" 1\n"))
        .await;
    assert_eq!((outcome.accepted, outcome.rejected), (0, 1));
    assert_eq!(world.rows("m").len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_nothing_names_the_same_lines_wherever_the_slices_end() {
    // Line 1 makes `f` a field, so 2 and 4 are wrong and 5 is not, though a slice begins with 4.
    let filler = format!("n s=\"{}\" 3\n", "x".repeat(5000));
    let lines = format!("m f=1 1\nm,f=1 s=1 2\n{filler}m,f=1 s=1 4\nm f=2 5\n");
    for exists in [false, true] {
        let world = World::new();
        if exists {
            world.write("m z=1 1").await;
        }
        let outcome = world.write_all_or_nothing(&lines).await;
        let named: Vec<u32> = outcome.reports.iter().map(|report| report.line).collect();
        assert_eq!((outcome.accepted, named), (0, vec![2, 4]), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_good_line_creates_no_bucket() {
    let world = World::new();
    for lines in [
        "",
        "\n\n# only a comment\n",
        "m v=\n",
        "m,k=1 k=1\n",
        "m,time=1 v=1\n",
    ] {
        let outcome = world.write(lines).await;
        assert_eq!(outcome.accepted, 0, "{lines}");
    }
    assert!(world.catalog.bucket_named("b").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn long_names_are_repeated_only_in_part() {
    let world = World::new();
    let long = "ä".repeat(1000);
    world.write(&format!("{long} {long}=1 1")).await;
    let short = "ä".repeat(32);
    assert_eq!(
        reports(
            &world,
            &format!("{long} {long}=t 1\nm,{long}=1 {long}=1 1\n")
        )
        .await,
        [
            format!(
                "1:2002 type_conflict field \"{short}…\" of \"{short}…\" is float, got boolean"
            ),
            format!(
                "2:2006 type_conflict \"{short}…\" is both a tag and a field in this line, rename one of them"
            ),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_name_themselves_and_reject_only_the_line_that_passes_them() {
    let limits = Limits {
        point_bytes_max: 200,
        string_bytes_max: 10,
        name_bytes_max: 8,
        tag_value_bytes_max: 8,
        columns_max: 3,
        tables_max: 2,
        series_max: 4,
        ..LIMITS
    };
    let world = World::with(FaultStorage::new(1), limits);
    let long = "x".repeat(201);
    let lines = format!(
        "m v=1 1\nm s=\"12345678901\" 2\nm,tag=123456789 v=1 3\nm,{long}=1 v=1 4\nm a=1,b=1 5\nm c=1 6\nn v=1 7\no v=1 8\nm,a=x v=1 9\n"
    );
    assert_eq!(
        reports(&world, &lines).await,
        [
            "2:3 limit the string value's length in bytes is 11, the limit is 10 (limits.string_bytes_max)",
            "3:3 limit the tag value's length in bytes is 9, the limit is 8 (limits.tag_value_bytes_max)",
            "4:1 limit the point's length in bytes is 211, the limit is 200 (limits.point_bytes_max)",
            "6:1 limit the number of tags and fields is 4, the limit is 3 (limits.columns_max)",
            "8:1 limit the number of measurements is 3, the limit is 2 (limits.tables_max)",
            "9:3 type_conflict field \"a\" of \"m\" is float, got a tag",
        ]
    );
    world.write("n,t=1 v=1 1\nn,t=2 v=1 1\n").await;
    let outcome = world.write("n,t=1 v=1 2\nn,t=3 v=1 2\nn,t=2 v=1 2\n").await;
    assert_eq!(
        (outcome.accepted, outcome.rejected, outcome.first_line()),
        (2, 1, Some(2))
    );
    assert!(
        outcome.reports[0].message.contains("limits.series_max"),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_older_than_the_retention_is_named_and_the_future_is_fine() {
    let world = World::new();
    world
        .catalog
        .create_bucket("b", Some(3_600_000_000_000))
        .expect("created");
    let hour_ago = NOW_NS - 3_600_000_000_000;
    let lines = format!(
        "m v=1 {}\nm v=2 {hour_ago}\nm v=3 {}\n",
        hour_ago - 1,
        NOW_NS * 2
    );
    let outcome = world.write(&lines).await;
    assert_eq!((outcome.accepted, outcome.rejected), (2, 1));
    assert_eq!(
        (outcome.reports[0].line, outcome.reports[0].code),
        (1, "retention")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_is_written_in_slices_and_its_lines_are_numbered_through() {
    let world = World::new();
    let lines: String = (1..=5000)
        .map(|n| {
            if n % 500 == 0 {
                "bad\n".to_owned()
            } else {
                format!("m,h=h{} v={n} {n}\n", n % 7)
            }
        })
        .collect();
    let outcome = world.write(&lines).await;
    assert_eq!(
        (outcome.accepted, outcome.rejected, outcome.more),
        (4990, 10, 0)
    );
    let numbers: Vec<u32> = outcome.reports.iter().map(|report| report.line).collect();
    assert_eq!(numbers, (1..=10).map(|n| n * 500).collect::<Vec<_>>());
    assert_eq!(world.after_crash().rows("m").len(), 4990);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_hundred_bad_lines_are_counted() {
    let world = World::new();
    world.write("m v=1i 1").await;
    let lines: String = (0..150).map(|_| "m v=1 1\n").collect();
    let outcome = world.write(&lines).await;
    assert_eq!(
        (outcome.rejected, outcome.reports.len(), outcome.more),
        (150, 100, 50)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_gone_is_told_and_not_written() {
    let world = World::new();
    let mut request = world.request("m v=1 1", true);
    let other = World::with(FaultStorage::new(2), LIMITS);
    other.catalog.create_bucket("x", None).expect("created");
    request.target = Target::Existing(other.catalog.bucket_named("x").expect("there"));
    let error = world.ingest.write(request).await.expect_err("gone");
    assert!(
        matches!(&error, WriteError::BucketGone(name) if name == "x"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_in_memory_is_refused_before_it_is_logged() {
    let world = World::new();
    let held = world.budget.force(230 << 20);
    let big: String = (0..200_000)
        .map(|n| format!("m,h=h{n} v={n} {n}\n"))
        .collect();
    let request = {
        drop(held);
        let request = world.request(&big, true);
        world.budget.force(236 << 20).split(0);
        request
    };
    let pressure = world.budget.force(233 << 20);
    let error = world.ingest.write(request).await.expect_err("too much");
    assert!(matches!(error, WriteError::Overloaded(_)), "{error}");
    drop(pressure);
    assert_eq!(world.write(&big).await.accepted, 200_000);
    let stats = world.ingest.buffer().stats();
    let others = world.budget.used_bytes() - stats.reserved_bytes;
    assert!(
        others < 2000,
        "the schema of one table beside the buffer, not {others} bytes"
    );
}

#[tokio::test]
async fn a_line_is_counted_once_also_behind_the_hundred_that_are_named() {
    let world = World::new();
    world.write("m f=1 1").await;
    let lines: String = (0..150)
        .map(|n| format!("m f=\"text\",time=1 {n}\n"))
        .collect();
    let outcome = world.write(&lines).await;
    assert_eq!(outcome.rejected, 150);
    assert_eq!((outcome.reports.len(), outcome.more), (100, 50));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_fails_while_what_is_stored_fills_the_memory_and_passes_again() {
    let world = World::new();
    world.write("m v=1 1").await;
    let on_its_way = world.budget.account().force(240 << 20);
    assert_eq!(world.ingest.health(), Ok(()), "it comes back by itself");
    drop(on_its_way);
    let stored = world.budget.force(240 << 20);
    let reason = world.ingest.health().expect_err("full");
    assert!(reason.starts_with("memory is full: "), "{reason}");
    drop(stored);
    assert_eq!(world.ingest.health(), Ok(()));
}
