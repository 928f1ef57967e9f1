use std::collections::BTreeSet;
use std::time::Duration;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use crate::config::{Config, Cors, DEFAULTS, Host, Sources};
use crate::memory::Marks;

fn defaults() -> Dict {
    Toml::from_str(DEFAULTS).expect("the defaults are TOML")
}

#[test]
fn the_defaults_alone_are_a_valid_configuration() {
    let config = Config::load(&Sources::default()).expect("valid");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8086");
    assert_eq!(config.server.cors(), Cors::Any);
    assert_eq!(config.server.shutdown_grace, Duration::from_secs(9));
    assert_eq!(config.limits.wire_bytes_max, 50_000_000);
    assert_eq!(config.memory.wait_max, Duration::from_millis(500));
    assert!(config.init_token.is_none() && config.notices.is_empty());
}

/// No section has defaults of its own and none accepts unknown keys, so the file loads if and only
/// if it has exactly the keys of the types.
#[test]
fn a_key_missing_in_the_file_and_one_unknown_to_the_types_are_both_noticed() {
    for (section, keys) in &defaults() {
        for key in keys.as_dict().expect("a section").keys() {
            let mut without = defaults();
            let Some(Value::Dict(_, keys)) = without.get_mut(section) else {
                panic!("a section")
            };
            keys.remove(key);
            let figment = figment::Figment::from(figment::providers::Serialized::defaults(without));
            let error = figment.extract::<Config>().expect_err("a key is missing");
            assert!(
                error
                    .to_string()
                    .contains(&format!("missing field `{key}`")),
                "{error}"
            );
        }
        let mut more = defaults();
        let Some(Value::Dict(_, keys)) = more.get_mut(section) else {
            panic!("a section")
        };
        keys.insert("surplus".to_owned(), Value::from(1));
        let figment = figment::Figment::from(figment::providers::Serialized::defaults(more));
        assert!(
            figment.extract::<Config>().is_err(),
            "{section} accepts unknown keys"
        );
    }
}

/// The text above a key, up to the key before.
fn comments() -> Vec<(String, String)> {
    let (mut found, mut comment, mut section) = (Vec::new(), String::new(), String::new());
    for line in DEFAULTS.lines() {
        match line.split_once(" = ") {
            _ if line.starts_with('#') => comment.push_str(line),
            _ if line.starts_with('[') => section = line.trim_matches(['[', ']']).to_owned(),
            Some((key, _)) => {
                found.push((format!("{section}.{key}"), std::mem::take(&mut comment)));
            }
            None if line.is_empty() && !comment.is_empty() && section.is_empty() => comment.clear(),
            None => {}
        }
    }
    found
}

#[test]
fn every_key_is_explained_and_those_with_a_unit_name_it() {
    let comments = comments();
    let keys = defaults()
        .values()
        .filter_map(Value::as_dict)
        .map(Dict::len)
        .sum::<usize>();
    assert_eq!(comments.len(), keys);
    for (key, comment) in comments {
        assert!(comment.len() > 15, "{key} is not explained: {comment:?}");
        for (unit, word) in [
            ("_ms", "Milliseconds"),
            ("_bytes", "Bytes"),
            ("_percent", "Percent"),
        ] {
            let has_unit = key.ends_with(unit) || key.contains(&format!("{unit}_"));
            assert!(
                !has_unit || comment.contains(word),
                "{key} does not tell its unit: {comment}"
            );
        }
    }
}

/// The range in the comment is the range that is enforced: both ends are accepted, one past them
/// is not.
#[test]
fn the_ranges_in_the_comments_are_those_that_are_enforced() {
    let defaults = defaults();
    let mut checked = BTreeSet::new();
    for (key, comment) in comments() {
        let (section, name) = key.split_once('.').expect("a full name");
        let numbers = range(&comment);
        let default = defaults
            .get(section)
            .and_then(|keys| keys.as_dict()?.get(name).cloned());
        let Some((least, most)) = numbers else {
            assert!(
                !matches!(default, Some(Value::Num(..))),
                "{key} has no range: {comment}"
            );
            continue;
        };
        assert!(
            accepts(section, name, least) && accepts(section, name, most),
            "{key}"
        );
        assert!(!accepts(section, name, most + 1), "{key} > {most}");
        assert!(
            least == 0 || !accepts(section, name, least - 1),
            "{key} < {least}"
        );
        checked.insert(key);
    }
    assert!(checked.len() > 30, "{checked:?}");
}

/// Reads `… 5 to 10…` in a comment.
fn range(comment: &str) -> Option<(u64, u64)> {
    let (before, after) = comment
        .split_once(" to ")
        .filter(|(before, _)| before.ends_with(|c: char| c.is_ascii_digit()))?;
    let least = before.rsplit(' ').next()?.parse().ok()?;
    let most = after
        .chars()
        .take_while(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .ok()?;
    Some((least, most))
}

/// Returns true if the value is in the key's own range, whatever the other keys are.
fn accepts(section: &str, name: &str, value: u64) -> bool {
    let mut values = defaults();
    let Some(Value::Dict(_, keys)) = values.get_mut(section) else {
        panic!("a section")
    };
    keys.insert(name.to_owned(), Value::from(value));
    let figment = figment::Figment::from(figment::providers::Serialized::defaults(values));
    figment.extract::<Config>().is_ok()
}

fn on(host: Host) -> Config {
    Config::load(&Sources {
        host,
        ..Sources::default()
    })
    .expect("valid")
}

#[test]
fn the_memory_budget_is_a_quarter_of_what_there_is_and_at_least_256_mib() {
    const MIB: u64 = 1 << 20;
    let host = |mib: u64| Host {
        memory_bytes: Some(mib * MIB),
        descriptors_max: None,
    };
    assert_eq!(on(host(4000)).memory.budget_bytes, 1000 * MIB);
    assert_eq!(on(host(600)).memory.budget_bytes, 256 * MIB);
    assert_eq!(on(Host::default()).memory.budget_bytes, 256 * MIB);
    assert!(on(host(600)).notices.is_empty());
    let notices = on(host(300)).notices;
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("memory.budget_bytes")),
        "{notices:?}"
    );
}

#[test]
fn the_marks_are_shares_of_the_budget() {
    let mut sources = super::variables(&[("TIDEGATE_MEMORY__BUDGET_BYTES", "10_000_000")]);
    sources.host = Host {
        memory_bytes: Some(1 << 40),
        descriptors_max: None,
    };
    let memory = Config::load(&sources).expect("valid").memory;
    let marks = Marks {
        budget_bytes: 10_000_000,
        soft_bytes: 7_000_000,
        hard_bytes: 8_500_000,
    };
    assert_eq!(memory.marks(), marks);
    assert_eq!(memory.bucket_bytes_max(), 5_000_000);
}

#[test]
fn connections_leave_a_fifth_of_the_open_files_to_the_log_and_the_tables() {
    let config = on(Host {
        memory_bytes: None,
        descriptors_max: Some(1000),
    });
    assert_eq!(config.connection.connections_max, 800);
    assert!(
        config
            .remarks
            .iter()
            .any(|notice| notice.contains("ulimit")),
        "{config:?}"
    );
    let config = on(Host {
        memory_bytes: None,
        descriptors_max: Some(1_000_000),
    });
    assert_eq!(config.connection.connections_max, 16_384);
    assert!(config.remarks.is_empty());
}
