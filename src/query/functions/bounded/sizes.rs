//! How much each of the functions makes of its arguments, at most.
//!
//! One of them makes little, and takes long for it. What is not here makes of its arguments a small multiple of them (`upper`, `encode`, `array_sort`)
//! or a value of a few bytes; a test knows all of them by name, so that none of a new DataFusion
//! goes unseen.

use datafusion::common::exec_err;
use datafusion::error::Result;

use super::given::{DAY, Given};

/// The bytes of the value in a row, at most.
pub(super) type Size = fn(&Given, usize) -> u64;

/// How much a call makes, at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    /// The bytes of the largest value.
    pub(super) value_bytes: u64,
    /// The bytes of all values.
    pub(super) bytes: u64,
}

/// The functions that can make much more than they are given, by name.
pub(super) const GROWING: [(&str, Size); 29] = [
    ("repeat", repeated),
    ("lpad", padded),
    ("rpad", padded),
    ("replace", replaced),
    ("regexp_replace", replaced_by_pattern),
    ("regexp_match", groups),
    ("concat", all),
    ("||", all),
    ("concat_ws", separated),
    ("overlay", all),
    ("to_char", formatted),
    ("range", series),
    ("generate_series", series),
    ("array_repeat", repeated),
    ("array_resize", resized),
    ("array_concat", all),
    ("array_append", all),
    ("array_prepend", all),
    ("array_union", all),
    ("arrays_zip", zipped),
    ("make_array", all),
    ("array_to_string", joined),
    ("array_replace", elements_replaced),
    ("array_replace_n", elements_replaced),
    ("array_replace_all", elements_replaced),
    ("struct", all),
    ("named_struct", all),
    ("map", all),
    ("levenshtein", number),
];

/// The most steps that a call makes for a row, of which a batch has thousands and between which nothing else
/// gets its turn.
const STEPS_MAX: usize = 1 << 15;

/// Refuses a call that would take far longer than its arguments let expect.
///
/// # Errors
/// The one that says which arguments are too long.
pub(super) fn check_steps(name: &str, given: &Given) -> Result<()> {
    if name != "levenshtein" {
        return Ok(());
    }
    for row in 0..given.rows() {
        let bytes = |place| given.text(place, row).map_or(0, str::len);
        let (one, other) = (bytes(0), bytes(1));
        if one.saturating_mul(other) > STEPS_MAX {
            return exec_err!(
                "levenshtein compares each byte of one text with each of the other: they have {one} and \
                 {other}, and the product must be at most {STEPS_MAX}: compare a part of them, as left(…, 180)"
            );
        }
    }
    Ok(())
}

/// How much a function makes; none if it is not one of these.
pub(super) fn of(name: &str) -> Option<Size> {
    let of_name = GROWING.iter().find(|(growing, _)| *growing == name);
    of_name.map(|(_, size)| *size)
}

/// How much a call makes of these arguments.
pub(super) fn made(size: Size, given: &Given) -> Made {
    let none = Made {
        value_bytes: 0,
        bytes: 0,
    };
    (0..given.rows()).fold(none, |made, row| {
        let bytes = size(given, row);
        Made {
            value_bytes: made.value_bytes.max(bytes),
            bytes: made.bytes.saturating_add(bytes),
        }
    })
}

/// `f(value, n)`
fn repeated(given: &Given, row: usize) -> u64 {
    given.bytes(0, row).saturating_mul(given.number(1, row))
}

/// A number.
fn number(_: &Given, _: usize) -> u64 {
    8
}

/// `f(text, characters[, fill])`
fn padded(given: &Given, row: usize) -> u64 {
    let fill = given.text(2, row).unwrap_or(" ");
    let character_bytes = fill.chars().map(char::len_utf8).max().unwrap_or(1);
    let character_bytes = u64::try_from(character_bytes).unwrap_or(4);
    let fill_bytes = given.number(1, row).saturating_mul(character_bytes);
    given.bytes(0, row).saturating_add(fill_bytes)
}

/// `f(text, from, to)`
fn replaced(given: &Given, row: usize) -> u64 {
    let (text, from) = (given.text(0, row), given.text(1, row));
    let times = match (text, from) {
        (Some(text), Some(from)) => text.matches(from).count(),
        _ => 0,
    };
    let times = u64::try_from(times).unwrap_or(u64::MAX);
    let added = times.saturating_mul(given.bytes(2, row));
    given.bytes(0, row).saturating_add(added)
}

/// `f(text, pattern, to[, flags])`: `to` may name the whole match in every two of its bytes.
fn replaced_by_pattern(given: &Given, row: usize) -> u64 {
    let (text, to) = (given.bytes(0, row), given.text(2, row).unwrap_or(""));
    let references = to.matches(['\\', '$']).count();
    let references = u64::try_from(references).unwrap_or(u64::MAX);
    let is_global = given.text(3, row).is_some_and(|flags| flags.contains('g'));
    let times = if is_global { text + 1 } else { 1 };
    let to_bytes = u64::try_from(to.len()).unwrap_or(u64::MAX);
    text.saturating_mul(references.saturating_add(1))
        .saturating_add(times.saturating_mul(to_bytes))
}

/// `f(text, pattern)`: each group may hold all of the text.
fn groups(given: &Given, row: usize) -> u64 {
    let groups = given.text(1, row).unwrap_or("").matches('(').count();
    let groups = u64::try_from(groups).unwrap_or(u64::MAX).saturating_add(1);
    given.bytes(0, row).saturating_mul(groups)
}

/// What the arguments have together.
fn all(given: &Given, row: usize) -> u64 {
    (0..given.count()).fold(0, |sum: u64, place| {
        sum.saturating_add(given.bytes(place, row))
    })
}

/// `f(separator, …)`
fn separated(given: &Given, row: usize) -> u64 {
    let places = u64::try_from(given.count()).unwrap_or(u64::MAX);
    let separators = given.bytes(0, row).saturating_mul(places);
    all(given, row).saturating_add(separators)
}

/// `f(time, format)`: no two bytes of a format make more than a long date.
fn formatted(given: &Given, row: usize) -> u64 {
    given.bytes(1, row).saturating_mul(24)
}

/// `f(end)`, `f(first, end[, step])`
fn series(given: &Given, row: usize) -> u64 {
    let steps = match (given.integer(0, row), given.integer(1, row)) {
        (Some(end), None) if given.count() == 1 => steps(0, end, 1),
        (Some(first), Some(end)) => {
            let step = if given.count() > 2 {
                given.integer(2, row)
            } else {
                Some(1)
            };
            step.map_or(0, |step| steps(first, end, step))
        }
        _ => match (given.time_ns(0, row), given.time_ns(1, row)) {
            (Some(first), Some(end)) => {
                let step = given.interval_ns(2, row).unwrap_or(DAY);
                // Months and days of both signs may go either way.
                steps(0, (end - first).abs(), step.abs().max(1))
            }
            _ => 0,
        },
    };
    steps.saturating_mul(8)
}

/// How many steps lead from the first to the end, both included.
fn steps(first: i128, end: i128, step: i128) -> u64 {
    let way = end - first;
    if step == 0 || (way != 0 && way.is_negative() != step.is_negative()) {
        return 0;
    }
    u64::try_from(way / step + 1).unwrap_or(u64::MAX)
}

/// `f(list, elements[, value])`
fn resized(given: &Given, row: usize) -> u64 {
    let value = given.bytes(2, row).max(16);
    let added = given.number(1, row).saturating_mul(value);
    given.bytes(0, row).saturating_add(added)
}

/// The longest list counts for all.
fn zipped(given: &Given, row: usize) -> u64 {
    let lists = 0..given.count();
    let longest = lists.map(|place| given.elements(place, row)).max();
    let places = u64::try_from(given.count()).unwrap_or(u64::MAX);
    let missing = longest
        .unwrap_or(0)
        .saturating_mul(places)
        .saturating_mul(16);
    all(given, row).saturating_add(missing)
}

/// `f(list, separator[, null])`: a number has at most 32 characters.
fn joined(given: &Given, row: usize) -> u64 {
    let between = given.bytes(1, row) + given.bytes(2, row) + 32;
    let between = given.elements(0, row).saturating_mul(between);
    given.bytes(0, row).saturating_add(between)
}

/// `f(list, from, to, …)`
fn elements_replaced(given: &Given, row: usize) -> u64 {
    let replaced = given.elements(0, row).saturating_mul(given.bytes(2, row));
    given.bytes(0, row).saturating_add(replaced)
}
