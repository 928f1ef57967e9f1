//! Reading single values. Each function is a serde deserializer whose error says what is allowed;
//! the layers add the key and the origin of the value.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Reads an integer from `MIN` to `MAX`.
pub(super) fn bounded<'de, const MIN: u64, const MAX: u64, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    from.deserialize_u64(Integer::<T> {
        min: MIN,
        max: MAX,
        or_zero: false,
        target: PhantomData,
    })
}

/// Reads 0, or an integer from `MIN` to `MAX`.
pub(super) fn bounded_or_zero<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
    from: D,
) -> Result<u64, D::Error> {
    from.deserialize_u64(Integer {
        min: MIN,
        max: MAX,
        or_zero: true,
        target: PhantomData,
    })
}

/// Reads milliseconds from `MIN` to `MAX`.
pub(super) fn millis<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
    from: D,
) -> Result<Duration, D::Error> {
    bounded::<MIN, MAX, D, u64>(from).map(Duration::from_millis)
}

struct Integer<T> {
    min: u64,
    max: u64,
    or_zero: bool,
    target: PhantomData<T>,
}

impl<T: TryFrom<u64>> Visitor<'_> for Integer<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zero = if self.or_zero { "0 or " } else { "" };
        write!(f, "{zero}an integer from {} to {}", self.min, self.max)
    }

    fn visit_u64<E: Error>(self, found: u64) -> Result<T, E> {
        let allowed = (self.min..=self.max).contains(&found) || (self.or_zero && found == 0);
        let value = if allowed {
            T::try_from(found).ok()
        } else {
            None
        };
        value.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(found), &self))
    }

    fn visit_i64<E: Error>(self, found: i64) -> Result<T, E> {
        match u64::try_from(found) {
            Ok(found) => self.visit_u64(found),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(found), &self)),
        }
    }
}

/// Reads an IP address with a port.
pub(super) fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    checked(
        from,
        "an IP address and a port, such as 127.0.0.1:8086 or [::]:8086",
        |text| text.parse().ok(),
    )
}

/// Reads a folder's path.
pub(super) fn data_dir<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    checked(from, "the path of a folder", |text| {
        (!text.trim().is_empty()).then(|| PathBuf::from(text))
    })
}

/// Reads a file's path, or empty text for none.
pub(super) fn optional_file<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<PathBuf>, D::Error> {
    checked(from, "the path of a file, or \"\" for none", |text| {
        Some((!text.is_empty()).then(|| PathBuf::from(text)))
    })
}

/// Reads empty text, or a path without a slash at its end.
pub(super) fn path_prefix<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let allowed = "\"\" or a path such as \"/influx\": it starts with `/`, does not end with it, \
                   and has only letters, digits, `-`, `_`, `.`, `~` and single `/`";
    checked(from, allowed, |text| {
        is_prefix(text).then(|| text.to_owned())
    })
}

fn is_prefix(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let segment =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain);
    text.is_empty()
        || text
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(segment))
}

/// Reads origins of web pages: `auto` or `*` alone, or any number of `scheme://host[:port]`.
pub(super) fn origins<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let list = Vec::<String>::deserialize(from)?;
    let alone = list.len() == 1;
    match list.iter().find(|origin| !is_origin(origin, alone)) {
        None => Ok(list),
        Some(wrong) => Err(D::Error::invalid_value(
            Unexpected::Str(wrong),
            &"a list of origins such as [\"https://grafana.example\"], or [\"auto\"], [\"*\"] or []",
        )),
    }
}

fn is_origin(origin: &str, alone: bool) -> bool {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    (alone && (origin == "auto" || origin == "*"))
        || host.is_some_and(|host| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"/?#@*\"".contains(&byte))
        })
}

/// Reads host names without a port, converted to lower case.
pub(super) fn host_names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let list = Vec::<String>::deserialize(from)?;
    match list.iter().find(|name| !is_host(name)) {
        None => Ok(list.iter().map(|name| name.to_ascii_lowercase()).collect()),
        Some(wrong) => Err(D::Error::invalid_value(
            Unexpected::Str(wrong),
            &"a list of host names or addresses without a port, such as [\"influx.home.example\"]",
        )),
    }
}

fn is_host(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(name);
    bare.parse::<std::net::Ipv6Addr>().is_ok() || (!name.is_empty() && name.bytes().all(plain))
}

/// Reads a log level, or levels per module separated by commas.
pub(super) fn level<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let allowed = "error, warn, info, debug, trace or off, or such a level by module: \
                   \"info,tidegate::wal=debug\"";
    checked(from, allowed, |text| {
        // A bare word that is not a level would be taken for a module's name: a typo in the level
        // would then silence everything else.
        let known =
            |part: &str| LEVELS.contains(&part.rsplit_once('=').map_or(part, |(_, level)| level));
        text.split(',').all(known).then(|| text.to_owned())
    })
}

fn checked<'de, D, T>(
    from: D,
    allowed: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    from.deserialize_str(Text { allowed, read })
}

struct Text<F> {
    allowed: &'static str,
    read: F,
}

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.allowed)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self.allowed))
    }
}
