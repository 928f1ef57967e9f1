//! The rules between values, and how values are fitted to the machine.

use std::path::Path;
use std::time::Duration;

use super::error::ConfigError;
use super::host::Host;
use super::settings::Config;
use crate::narrow;

/// The smallest memory budget that is chosen automatically.
const BUDGET_BYTES_MIN: u64 = 256 << 20;

/// The most bytes of a frame of the log, by its format.
const FRAME_BYTES_MAX: u64 = 16 << 20;

/// The factor by which a frame may be larger than its text, if numbers are short: a row of one
/// value, `m f=.1 1`, has eight bytes for the value and up to eight for the time.
const FRAME_BYTES_PER_TEXT: u64 = 3;

/// The youngest age for a vacuum of shared tables: no flush takes this long.
const SHARED_VACUUM_AGE_MIN: Duration = Duration::from_secs(3600);

/// Chooses the memory budget if it is left open, and keeps connections within the limit on open
/// files.
pub(super) fn fit_to_host(config: &mut Config, host: &Host) {
    if config.memory.budget_bytes == 0 {
        let quarter = host.memory_bytes.unwrap_or(0) / 4;
        config.memory.budget_bytes = quarter.max(BUDGET_BYTES_MIN);
    }
    if let Some(memory_bytes) = host.memory_bytes
        && config.memory.budget_bytes > memory_bytes / 2
    {
        config.notices.push(format!(
            "the memory budget of {} bytes is more than half of the {memory_bytes} bytes that \
             there are: under load the system may end the server (memory.budget_bytes)",
            config.memory.budget_bytes
        ));
    }
    let Some(descriptors_max) = host.descriptors_max else {
        return;
    };
    let connection = &mut config.connection;
    let share = descriptors_max.saturating_mul(connection.descriptors_percent) / 100;
    let share = narrow::to_usize(share).max(1);
    if share < connection.connections_max {
        config.remarks.push(format!(
            "connections are limited to {share} instead of {}: the process may open only \
             {descriptors_max} files (ulimit -n)",
            connection.connections_max
        ));
        connection.connections_max = share;
    }
}

/// Refuses values that do not fit each other.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    both_or_neither(config)?;
    let (memory, limits, wal) = (&config.memory, &config.limits, &config.wal);
    below(
        "memory.soft_percent",
        memory.soft_percent,
        "memory.hard_percent",
        memory.hard_percent,
    )?;
    let point_bytes_max = narrow::to_u64(limits.point_bytes_max);
    for (key, found) in [
        ("limits.string_bytes_max", limits.string_bytes_max),
        ("limits.name_bytes_max", limits.name_bytes_max),
        ("limits.tag_value_bytes_max", limits.tag_value_bytes_max),
    ] {
        let bound = Bound::key("limits.point_bytes_max", point_bytes_max);
        at_most(key, narrow::to_u64(found), &bound)?;
    }
    // This memory is never given back while the bucket exists: rows need room beside it.
    let half = "half of what memory.bucket_percent gives a bucket";
    at_most(
        "limits.schema_bytes_max",
        limits.schema_bytes_max,
        &Bound::part(half, memory.bucket_bytes_max() / 2),
    )?;
    at_most(
        "query.memory_bytes_max",
        config.query.memory_bytes_max,
        &Bound::key("memory.budget_bytes", memory.budget_bytes),
    )?;
    at_most(
        "limits.point_bytes_max",
        point_bytes_max,
        &Bound::key("limits.decoded_bytes_max", limits.decoded_bytes_max),
    )?;
    let group_bytes_max = narrow::to_u64(wal.group_bytes_max);
    at_most(
        "wal.slice_bytes_max",
        narrow::to_u64(wal.slice_bytes_max),
        &Bound::key("wal.group_bytes_max", group_bytes_max),
    )?;
    slices_fit_frames(config)?;
    at_most(
        "wal.group_bytes_max",
        group_bytes_max,
        &Bound::key("wal.segment_bytes_max", wal.segment_bytes_max),
    )?;
    // The last segment is never given back.
    at_most(
        "wal.segment_bytes_max",
        wal.segment_bytes_max,
        &Bound::part("half of wal.log_bytes_max", wal.log_bytes_max / 2),
    )?;
    safe_vacuum(config)
}

/// The upper bound of a value, and its text in an error.
struct Bound {
    bytes: u64,
    said: String,
}

impl Bound {
    /// Another key's value.
    fn key(name: &str, bytes: u64) -> Self {
        Self {
            bytes,
            said: format!("{name} = {bytes}"),
        }
    }

    /// A part of another key's value.
    fn part(what: &str, bytes: u64) -> Self {
        Self {
            bytes,
            said: format!("{bytes}, {what}"),
        }
    }
}

/// Checks that slices fit frames. A slice of a body ends with the point that reaches its size, and
/// becomes one frame of the log. A frame that is too large cannot be logged, however often the
/// client sends it again.
fn slices_fit_frames(config: &Config) -> Result<(), ConfigError> {
    let (point, slice) = (config.limits.point_bytes_max, config.wal.slice_bytes_max);
    let slice_max = FRAME_BYTES_MAX.saturating_sub(narrow::to_u64(point)) / FRAME_BYTES_PER_TEXT;
    match narrow::to_u64(slice) <= slice_max {
        true => Ok(()),
        false => Err(ConfigError::Conflict {
            key: "wal.slice_bytes_max",
            found: narrow::to_u64(slice),
            rule: format!(
                "at most {slice_max} with limits.point_bytes_max = {point}, because a frame of the \
                 log holds {FRAME_BYTES_MAX} bytes"
            ),
        }),
    }
}

/// Checks the vacuum's age in a shared lake: a file that another node has written but not committed
/// yet looks like one that nobody needs.
fn safe_vacuum(config: &Config) -> Result<(), ConfigError> {
    let lake = &config.lake;
    match lake.shared && lake.vacuum_age < SHARED_VACUUM_AGE_MIN {
        false => Ok(()),
        true => Err(ConfigError::Conflict {
            key: "lake.vacuum_age_ms",
            found: narrow::capped_u64(lake.vacuum_age.as_millis()),
            rule: "at least 3600000 (an hour) with lake.shared = true".to_owned(),
        }),
    }
}

/// Checks that certificate and key are both set or both not: one is useless without the other.
fn both_or_neither(config: &Config) -> Result<(), ConfigError> {
    let lone = |key, missing, file: &Path| ConfigError::Alone {
        key,
        found: file.to_owned(),
        missing,
    };
    match (&config.tls.cert_file, &config.tls.key_file) {
        (Some(file), None) => Err(lone("tls.cert_file", "tls.key_file", file)),
        (None, Some(file)) => Err(lone("tls.key_file", "tls.cert_file", file)),
        _ => Ok(()),
    }
}

fn below(
    key: &'static str,
    found: u64,
    other: &'static str,
    bound: u64,
) -> Result<(), ConfigError> {
    let rule = || format!("below {other} = {bound}");
    if found < bound {
        Ok(())
    } else {
        Err(ConfigError::Conflict {
            key,
            found,
            rule: rule(),
        })
    }
}

fn at_most(key: &'static str, found: u64, bound: &Bound) -> Result<(), ConfigError> {
    if found <= bound.bytes {
        return Ok(());
    }
    Err(ConfigError::Conflict {
        key,
        found,
        rule: format!("at most {}", bound.said),
    })
}
