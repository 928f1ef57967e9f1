//! The results and errors that a person sees after setting something, rightly or wrongly.

mod defaults;
mod layers;
mod refusals;
mod token;

use std::ffi::OsString;

use super::{Config, Flag, Sources};

/// Sources with these environment variables.
fn variables(pairs: &[(&str, &str)]) -> Sources {
    let variables = pairs
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Sources {
        variables: variables.collect(),
        ..Sources::default()
    }
}

/// Sources with this text in a file, and the folder the file is in.
#[allow(clippy::disallowed_methods, reason = "not a data folder")]
fn file(text: &str) -> (Sources, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tidegate.toml");
    std::fs::write(&path, text).expect("written");
    (
        Sources {
            file: Some(path),
            ..Sources::default()
        },
        folder,
    )
}

/// Sources with this flag.
fn flag(name: &'static str, key: &'static str, value: &str) -> Sources {
    let flags = vec![Flag {
        name,
        key,
        value: value.to_owned(),
    }];
    Sources {
        flags,
        ..Sources::default()
    }
}

/// The reason for which these sources are refused.
fn refusal(sources: &Sources) -> String {
    Config::load(sources).expect_err("refused").to_string()
}
