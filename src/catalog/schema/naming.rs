//! Names of columns in stored tables (design decision D14).
//!
//! Readers of tables compare column names without regard to case, and three columns are ours. A
//! column keeps its own name where it can; else its number is appended, which is unique for ever.

/// Columns of every stored table that no tag or field may take.
const OURS: [&str; 3] = ["time", "time_ns", "day"];

/// The storage name of column number `id`, given which names are `taken`.
pub(super) fn storage_name(name: &str, id: u32, taken: impl Fn(&str) -> bool) -> Box<str> {
    let free = |candidate: &str| {
        !OURS.iter().any(|ours| same_without_case(ours, candidate)) && !taken(candidate)
    };
    if free(name) {
        return name.into();
    }
    let mut candidate = format!("{name}_{id}");
    while !free(&candidate) {
        candidate.push('_');
    }
    candidate.into()
}

/// Whether a reader that ignores case would take two names for one.
pub(super) fn same_without_case(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        a.eq_ignore_ascii_case(b)
    } else {
        a.to_lowercase() == b.to_lowercase()
    }
}
