//! The choice of the files that are joined.

use std::sync::Arc;

use crate::columnar::{BatchBuilder, ColumnKind, FieldType, FieldValue, Segment};
use crate::lake::parquet::{KeyRange, Layout, encode_days};
use crate::lake::state::data_file::DataFile;
use crate::lake::upkeep::plan::{JoinRules, is_closed, runs};
use crate::lake::{Column, TableColumns};
use crate::merge::at_once::Sorted;

/// A day that is over.
const PAST: i32 = 0;

fn rules() -> JoinRules {
    JoinRules {
        files_min: 4,
        file_bytes_max: 1000,
        runs_max: 64,
        now_ns: i64::MAX,
        is_asked: false,
    }
}

/// A file with these rows, each a host and a time.
fn file(order: u64, bytes: u64, rows: [(&str, i64); 2]) -> DataFile {
    let times = rows.map(|(_, time_ns)| time_ns);
    DataFile {
        path: format!("{order}-{}", rows[0].0).into(),
        day: PAST,
        order,
        node: Some(1),
        bytes,
        rows: None,
        min_ns: times[0].min(times[1]),
        max_ns: times[0].max(times[1]),
        keys: Some(keys(rows)),
    }
}

fn keys(rows: [(&str, i64); 2]) -> KeyRange {
    let mut builder = BatchBuilder::new("m");
    for (host, time_ns) in rows {
        let series = builder.series(&[("host", host)]);
        let field = builder.field_column("v", FieldType::Float);
        builder.push_row(series, time_ns, &[(field, FieldValue::Float(1.0))]);
    }
    let segment: Arc<Segment> = Arc::new(builder.freeze());
    let column = |name: &str, kind| Column {
        storage: name.into(),
        name: name.into(),
        kind,
    };
    let columns = vec![
        column("host", ColumnKind::Tag),
        column("v", ColumnKind::Field(FieldType::Float)),
    ];
    let sorted = Sorted::new(&[segment]).expect("few");
    let files = encode_days(&sorted, &Layout::new(columns)).expect("encoded");
    files.into_iter().next().expect("one day").1.keys
}

fn plan(rules: &JoinRules, files: &[DataFile]) -> Vec<u64> {
    let files: Vec<&DataFile> = files.iter().collect();
    let plan = rules.plan(PAST, &files);
    let inputs = plan.map(|plan| plan.inputs).unwrap_or_default();
    inputs.iter().map(|file| file.order).collect()
}

/// Files of all series, one after the other in time.
fn flushes(bytes: &[u64]) -> Vec<DataFile> {
    let orders = 1..=bytes.len() as u64;
    orders
        .zip(bytes)
        .map(|(order, bytes)| {
            let time_ns = i64::try_from(order).expect("few") * 10;
            file(order, *bytes, [("a", time_ns), ("z", time_ns + 5)])
        })
        .collect()
}

const RUNNING: JoinRules = JoinRules {
    files_min: 4,
    file_bytes_max: 1000,
    runs_max: 64,
    now_ns: 0,
    is_asked: false,
};

#[test]
fn on_a_running_day_neighbours_from_the_newest_back_are_joined() {
    assert_eq!(plan(&RUNNING, &flushes(&[10; 4])), [1, 2, 3, 4]);
    assert!(plan(&RUNNING, &flushes(&[10; 3])).is_empty());
    let after_a_full_one = flushes(&[10, 600, 10, 10, 10, 10]);
    assert_eq!(plan(&RUNNING, &after_a_full_one), [3, 4, 5, 6]);
}

#[test]
fn on_a_running_day_a_large_file_waits_until_enough_has_gathered() {
    let mut bytes = vec![400];
    bytes.extend([10; 8]);
    let rules = JoinRules {
        files_min: 8,
        ..RUNNING
    };
    assert_eq!(plan(&rules, &flushes(&bytes)), [2, 3, 4, 5, 6, 7, 8, 9]);
    bytes[0] = 100;
    assert_eq!(plan(&rules, &flushes(&bytes)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn on_a_past_day_only_what_meets_is_joined_and_small_neighbours() {
    let parts = [
        file(9, 900, [("a", 0), ("c", 9)]),
        file(9, 900, [("d", 0), ("f", 9)]),
        file(9, 900, [("g", 0), ("i", 9)]),
    ];
    assert!(plan(&rules(), &parts).is_empty());
    let with = |late: &[DataFile]| {
        let mut files = parts.to_vec();
        files.extend_from_slice(late);
        plan(&rules(), &files)
    };
    assert_eq!(with(&[file(10, 10, [("e", 5), ("e", 5)])]), [9, 10]);
    // Between two of them, or at another time, it meets none.
    assert!(with(&[file(10, 10, [("cc", 5), ("cc", 5)])]).is_empty());
    assert!(with(&[file(10, 10, [("e", 10), ("e", 10)])]).is_empty());
    // Files in one gap become one file; files in two gaps do not, for between them lies
    // what neither of them meets.
    let gap = file(10, 10, [("cc", 5), ("cc", 5)]);
    assert_eq!(
        with(&[gap.clone(), file(11, 10, [("cd", 5), ("cd", 5)])]),
        [10, 11]
    );
    assert!(with(&[gap.clone(), file(11, 10, [("ff", 5), ("ff", 5)])]).is_empty());
    // All that the rectangle around what meets holds comes along.
    let wide = file(12, 10, [("b", 5), ("d", 5)]);
    assert_eq!(with(&[gap, wide]), [9, 9, 10, 12]);
}

#[test]
fn small_files_of_a_past_day_are_joined_and_full_ones_that_meet_nothing_are_not() {
    assert_eq!(
        plan(&rules(), &flushes(&[10, 10, 900, 900, 10, 10])),
        [1, 2]
    );
    assert!(plan(&rules(), &flushes(&[10, 900, 10, 900])).is_empty());
    assert!(plan(&rules(), &flushes(&[900; 5])).is_empty());
}

#[test]
fn more_runs_than_are_merged_at_once_are_joined_neighbours_by_neighbours() {
    let rules = JoinRules {
        runs_max: 3,
        ..rules()
    };
    let files: Vec<DataFile> = (1..=7_u64)
        .map(|order| file(order, 100 - order, [("a", 0), ("z", 9)]))
        .collect();
    assert_eq!(plan(&rules, &files), [5, 6, 7]);
    // What these have become is larger than the others.
    let mut files = files[..4].to_vec();
    files.push(file(7, 280, [("a", 0), ("z", 9)]));
    assert_eq!(plan(&rules, &files), [2, 3, 4]);
}

#[test]
fn files_that_follow_each_other_are_one_run() {
    let files = [
        file(9, 10, [("d", 0), ("f", 9)]),
        file(9, 10, [("a", 0), ("c", 9)]),
        file(10, 10, [("g", 0), ("i", 9)]),
        file(11, 10, [("b", 0), ("b", 9)]),
        file(12, 10, [("c", 0), ("c", 9)]),
    ];
    let files: Vec<&DataFile> = files.iter().collect();
    let runs: Vec<Vec<String>> = runs(&files)
        .into_iter()
        .map(|run| run.iter().map(|file| file.path.to_string()).collect())
        .collect();
    assert_eq!(
        runs,
        [vec!["9-a", "9-d", "10-g"], vec!["11-b", "12-c"]],
        "in the order of rows, and what overwrites them later"
    );
}

#[test]
fn inputs_are_closed_if_what_they_meet_keeps_its_place() {
    let all = [
        file(1, 10, [("a", 0), ("c", 9)]),
        file(2, 10, [("b", 0), ("d", 9)]),
        file(3, 10, [("c", 0), ("e", 9)]),
        file(4, 10, [("x", 0), ("z", 9)]),
    ];
    let is_closed = |orders: &[u64]| {
        let inputs = all.iter().filter(|file| orders.contains(&file.order));
        is_closed(&inputs.cloned().collect::<Vec<_>>(), &all)
    };
    assert!(is_closed(&[1, 2, 3]) && is_closed(&[2, 3]) && is_closed(&[1, 2]));
    // 2 would be below what 1 has become, and was above 1.
    assert!(!is_closed(&[1, 3]));
    // 3 is above 2 and below 4, and meets 2.
    assert!(!is_closed(&[1, 2, 4]));
    // A file that is older than those it meets stays below.
    assert!(is_closed(&[3, 4]));
    // Of unknown rows, times decide.
    let mut unknown = all.to_vec();
    unknown[2].keys = None;
    let inputs = [unknown[0].clone(), unknown[3].clone()];
    assert!(!crate::lake::upkeep::plan::is_closed(&inputs, &unknown));
}

/// Issue 8, C10: every day was looked for among all files.
#[test]
fn a_look_at_twenty_thousand_days_takes_a_moment() {
    let metadata = serde_json::json!({
        "schemaString": TableColumns::empty_schema().to_string(),
    });
    let mut state = crate::lake::state::table_state::TableState::new(metadata).expect("a schema");
    let of_a_day = [
        file(1, 900, [("a", 0), ("a", 9)]),
        file(2, 900, [("b", 0), ("b", 9)]),
    ];
    for day in 0..20_000 {
        for mut file in of_a_day.clone() {
            file.day = day;
            file.path = format!("{day}-{}", file.order).into();
            state.files.insert(Arc::clone(&file.path), file);
        }
    }
    let started = crate::clock::instant();
    assert!(rules().plans(&state).is_empty());
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
