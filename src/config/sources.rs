//! The sources of settings, collected before anything is interpreted.

use std::ffi::OsString;
use std::path::PathBuf;

use super::host::Host;

/// The input of [`super::Config::load`]. The default is empty: the built-in defaults alone, on a
/// machine about which nothing is known.
#[derive(Clone, Default)]
pub struct Sources {
    /// A file in the form of `config/default.toml`.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not start with `TIDEGATE_` are ignored.
    pub variables: Vec<(OsString, OsString)>,
    /// Flags that were given.
    pub flags: Vec<Flag>,
    /// The machine.
    pub host: Host,
}

/// A flag of the command line that stands for a key.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag as the user wrote it, for errors: `--listen`.
    pub name: &'static str,
    /// The key it sets: `server.listen`.
    pub key: &'static str,
    /// The value, read by the type of the key's default.
    pub value: String,
}

impl Sources {
    /// Collects the process's own environment and machine, with this file and these flags.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        let variables = std::env::vars_os().collect();
        Self {
            file,
            variables,
            flags,
            host: Host::detect(),
        }
    }
}

/// Returns true if colours are wanted: not if `NO_COLOR` is set and not empty, and not on a
/// terminal without colours (<https://no-color.org>).
pub(super) fn colors(variables: &[(OsString, OsString)]) -> bool {
    let says_no = |(name, value): &(OsString, OsString)| match name.to_str() {
        Some("NO_COLOR") => !value.is_empty(),
        Some("TERM") => value == "dumb",
        _ => false,
    };
    !variables.iter().any(says_no)
}

/// Reads one variable of the process's environment, for the commands that have no
/// [`super::Config`].
#[allow(
    clippy::disallowed_methods,
    reason = "this module reads the environment for all"
)]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
