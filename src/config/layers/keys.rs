//! The names of keys: those that exist, the one that was probably meant; and the text of a value in
//! an error.

use figment::value::{Dict, Num, Value};

use crate::certain::Certain;
use crate::config::ConfigError;

/// Refuses the first key that the defaults do not have.
pub(super) fn check(values: &Dict, origin: &str, defaults: &Dict) -> Result<(), ConfigError> {
    for (section, value) in values {
        let Some(known) = defaults.get(section).and_then(Value::as_dict) else {
            return Err(unknown(section, origin, defaults));
        };
        let Some(keys) = value.as_dict() else {
            return Err(ConfigError::Value {
                key: section.clone(),
                found: show(value),
                origin: origin.to_owned(),
                allowed: format!("a section: a line [{section}] with its keys below"),
            });
        };
        if let Some(key) = keys.keys().find(|key| !known.contains_key(*key)) {
            return Err(unknown(&format!("{section}.{key}"), origin, defaults));
        }
    }
    Ok(())
}

/// The error for an unknown key: says which one was probably meant, or which ones exist.
pub(super) fn unknown(key: &str, origin: &str, defaults: &Dict) -> ConfigError {
    let hint = match meant(key, defaults).as_slice() {
        [] => listing(key, defaults),
        meant => format!("did you mean {}?", alternatives(meant)),
    };
    ConfigError::UnknownKey {
        key: key.to_owned(),
        origin: origin.to_owned(),
        hint,
    }
}

/// The error for an unknown variable: says which one was probably meant, or which ones exist.
pub(super) fn unknown_variable(name: &str, key: &str, defaults: &Dict) -> ConfigError {
    let variable = |key: &String| format!("TIDEGATE_{}", key.replace('.', "__").to_uppercase());
    let hint = match meant(key, defaults)
        .iter()
        .map(variable)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => format!(
            "variables are TIDEGATE_SECTION__KEY; {}",
            listing(key, defaults)
        ),
        meant => format!("did you mean {}?", alternatives(meant)),
    };
    ConfigError::UnknownVariable {
        name: name.to_owned(),
        hint,
    }
}

/// Returns true if `key`, which has no dot, is a key whose dot was written as a single underscore:
/// TIDEGATE_SERVER_LISTEN. If it were ignored, the server would start with other settings than
/// intended.
pub(super) fn lacks_an_underscore(key: &str, defaults: &Dict) -> bool {
    full_names(defaults).any(|full| full.replace('.', "_") == key)
}

/// Joins names: `a`, `a or b`, `a, b or c`.
pub(super) fn alternatives(of: &[String]) -> String {
    match of.split_last().certain("there is something to choose from") {
        (last, []) => last.clone(),
        (last, rest) => format!("{} or {last}", rest.join(", ")),
    }
}

/// A value as TOML would write it, cut short.
pub(super) fn show(value: &Value) -> String {
    const CHARS_MAX: usize = 120;
    let text = match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Bool(_, yes) => yes.to_string(),
        Value::Num(_, Num::F32(number)) => format!("{number:?}"),
        Value::Num(_, Num::F64(number)) => format!("{number:?}"),
        Value::Num(_, number) => match (number.to_i128(), number.to_u128()) {
            (Some(number), _) => number.to_string(),
            (None, number) => number.certain("an integer is at most 128 bits").to_string(),
        },
        Value::Array(_, items) => {
            format!(
                "[{}]",
                items.iter().map(show).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Dict(..) => "a table".to_owned(),
        other => format!("{:?}", other.to_actual()),
    };
    match text.char_indices().nth(CHARS_MAX) {
        Some((cut, _)) => format!("{}…", text.get(..cut).certain("a character begins there")),
        None => text,
    }
}

fn full_names(defaults: &Dict) -> impl Iterator<Item = String> + '_ {
    defaults.iter().flat_map(|(section, keys)| {
        let keys = keys.as_dict().into_iter().flat_map(|keys| keys.keys());
        keys.map(move |key| format!("{section}.{key}"))
    })
}

/// The keys that were probably meant: those with that name in other sections, else the one with the
/// most similar spelling.
fn meant(key: &str, defaults: &Dict) -> Vec<String> {
    let last = |name: &str| {
        name.rsplit_once('.')
            .map_or(name, |(_, last)| last)
            .to_owned()
    };
    let moved: Vec<_> = full_names(defaults)
        .filter(|full| last(full) == last(key))
        .collect();
    if !moved.is_empty() {
        return moved;
    }
    let alike = full_names(defaults).map(|full| {
        let plain = |name: &str| name.replace('.', "_");
        (
            strsim::normalized_damerau_levenshtein(&plain(&full), &plain(key)),
            full,
        )
    });
    let nearest = alike
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map(|(_, full)| full).into_iter().collect()
}

/// Lists the keys of the named section, else the sections.
fn listing(key: &str, defaults: &Dict) -> String {
    let section = key.split_once('.').map_or(key, |(section, _)| section);
    match defaults.get(section).and_then(Value::as_dict) {
        Some(keys) => format!("section [{section}] has {}", joined(keys)),
        None => format!("the sections are {}", joined(defaults)),
    }
}

fn joined(names: &Dict) -> String {
    names
        .keys()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
