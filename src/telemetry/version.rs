//! The version of the program.

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from, if the build was given one.
pub const COMMIT: &str = match option_env!("TIDEGATE_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
