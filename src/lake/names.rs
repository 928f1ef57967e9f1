//! Names of folders and of columns.
//!
//! A folder is named like its bucket or measurement, bytes outside of `A-Za-z0-9_-.` as `!` and
//! two hexadecimal digits: unlike `%20`, nobody decodes that on the way. A name that is too long
//! for a folder is cut and gets a part of its hash. The whole name is in the table's metadata.

use crate::certain::Certain;
use sha2::{Digest as _, Sha256};

/// File systems take 255 bytes.
const FOLDER_BYTES_MAX: usize = 200;

/// Columns of every table that no tag or field may take.
const OURS: [&str; 3] = ["time", "time_ns", "day"];

/// Characters that engines do not accept in the name of a column.
const FORBIDDEN: &str = " ,;{}()\n\t=";

/// The folder of a bucket, or of a measurement in it.
pub(super) fn folder(name: &str) -> String {
    let mut folder = String::with_capacity(name.len());
    for (place, byte) in name.bytes().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric() || byte == b'-';
        // Readers of tables skip what begins with a dot or an underscore.
        let is_plain = is_plain || (place > 0 && matches!(byte, b'_' | b'.'));
        match is_plain {
            true => folder.push(char::from(byte)),
            false => folder.push_str(&format!("!{byte:02X}")),
        }
    }
    if folder.len() <= FOLDER_BYTES_MAX {
        return folder;
    }
    let hash = hex::encode(Sha256::digest(name.as_bytes()));
    folder.truncate(FOLDER_BYTES_MAX - 34);
    folder.push_str("!!");
    folder.push_str(hash.get(..32).certain("it has 64 digits"));
    folder
}

/// The name that a folder stands for; nothing if it was cut, or is not ours.
pub(super) fn of_folder(folder: &str) -> Option<String> {
    if folder.contains("!!") {
        return None;
    }
    let mut bytes = Vec::with_capacity(folder.len());
    let mut rest = folder.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'!' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Returns a column name for `name` that is not taken. `taken` is asked about [`folded`] names, as
/// engines compare names without regard to case.
pub(super) fn column(name: &str, number: usize, taken: impl Fn(&str) -> bool) -> String {
    let is_free = |candidate: &str| {
        let folded = folded(candidate);
        !OURS.contains(&&*folded) && !taken(&folded)
    };
    let plain: String = name
        .chars()
        .map(|letter| {
            if FORBIDDEN.contains(letter) || letter.is_control() {
                '_'
            } else {
                letter
            }
        })
        .collect();
    if !plain.is_empty() && is_free(&plain) {
        return plain;
    }
    let mut candidate = format!("{plain}_{number}");
    while !is_free(&candidate) {
        candidate.push('_');
    }
    candidate
}

/// A name in the form in which engines that ignore case compare it.
pub(super) fn folded(name: &str) -> String {
    #[cfg(test)]
    tests::FOLDED.set(tests::FOLDED.get() + 1);
    name.to_lowercase()
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::{column, folded, folder, of_folder};

    thread_local! {
        /// Names that this thread has folded.
        pub(in crate::lake) static FOLDED: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn folders_are_plain_and_read_back() {
        for (name, expected) in [
            ("cpu", "cpu"),
            ("my cpu", "my!20cpu"),
            ("a/b", "a!2Fb"),
            ("..", "!2E."),
            ("_day=1", "!5Fday!3D1"),
            ("100%!", "100!25!21"),
            ("é", "!C3!A9"),
        ] {
            assert_eq!(folder(name), expected);
            assert_eq!(of_folder(expected).as_deref(), Some(name));
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_distinct() {
        let (a, b) = ("x".repeat(300) + "a", "x".repeat(300) + "b");
        assert!(folder(&a).len() <= 200);
        assert_ne!(folder(&a), folder(&b));
        assert_eq!(of_folder(&folder(&a)), None);
    }

    #[test]
    fn columns_keep_their_names_where_engines_allow_it() {
        let taken = |name: &str| name == "v";
        assert_eq!(column("temp", 3, taken), "temp");
        assert_eq!(column("V", 3, taken), "V_3");
        assert_eq!(column("Time", 4, taken), "Time_4");
        assert_eq!(column("day", 5, taken), "day_5");
        assert_eq!(column("a b=c", 6, taken), "a_b_c");
        assert_eq!(column("", 7, taken), "_7");
        assert_eq!(
            column("Straße", 8, |name| name == folded("STRASSE")),
            "Straße"
        );
    }
}
