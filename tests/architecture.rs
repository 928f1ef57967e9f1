//! Keeps the structure that the modules' docs promise: who may import whom, which library is
//! used where, how long a file may be, which versions are pinned; and that what comments cite is
//! there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test reads the sources and stops at the first surprise"
)]

#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/references.rs"]
mod references;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 500;

/// Everyone may use these.
const COMMON: &[&str] = &["behind", "telemetry", "clock", "config", "id", "memory"];

/// Everyone may use these, the leaves too: they are as if the language had them.
const LANGUAGE: &[&str] = &["certain", "narrow"];

/// The modules of ours that each module may import, beside [`COMMON`] and [`LANGUAGE`]. A module
/// that is not named fails.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("allocator", &[]),
    ("lib", &[]),
    // `ingest` for its check, which is the server's own; the folder of a stopped server is looked
    // at, salvaged and given a token through `storage` and `catalog`.
    (
        "cli",
        &[
            "server",
            "engine",
            "client",
            "line_protocol",
            "wal",
            "ingest",
            "storage",
            "catalog",
            "render",
        ],
    ),
    ("client", &[]),
    (
        "server",
        &[
            "api", "auth", "body", "engine", "flight", "catalog", "pace", "vital",
        ],
    ),
    // The server puts the sender beside each call, and hands in what answers questions.
    ("flight", &["auth", "pace", "unanswered"]),
    // What the program reads may be unreachable or damaged in ways of its own.
    ("unanswered", &["read"]),
    (
        "api",
        &[
            "auth",
            "body",
            "engine",
            "ingest",
            "export",
            "read",
            "catalog",
            "line_protocol",
            "lake",
            "render",
            "pace",
            "unanswered",
        ],
    ),
    // It opens the data folder and hands its parts to those who serve requests; where modules that
    // must not know each other meet.
    (
        "engine",
        &[
            "ingest", "export", "read", "lake", "catalog", "buffer", "columnar", "merge", "wal",
            "storage",
        ],
    ),
    ("auth", &["catalog"]),
    ("body", &[]),
    (
        "ingest",
        &[
            "line_protocol",
            "catalog",
            "buffer",
            "wal",
            "columnar",
            "storage",
            "vital",
        ],
    ),
    ("export", &["read", "catalog", "columnar", "pace"]),
    ("read", &["buffer", "columnar", "merge"]),
    ("render", &[]),
    (
        "lake",
        &["catalog", "buffer", "columnar", "merge", "storage", "vital"],
    ),
    ("merge", &["columnar"]),
    ("buffer", &["columnar"]),
    // The kinds of columns are columnar's.
    ("catalog", &["storage", "columnar"]),
    ("wal", &["storage", "vital"]),
    ("line_protocol", &[]),
    ("columnar", &[]),
    ("storage", &[]),
    ("config", &[]),
    ("telemetry", &[]),
    ("memory", &[]),
    ("clock", &[]),
    ("id", &[]),
    ("certain", &[]),
    ("narrow", &[]),
    ("behind", &[]),
    ("vital", &[]),
    ("pace", &[]),
];

/// Modules that use none of ours but [`LANGUAGE`], not even the common ones.
const LEAVES: &[&str] = &[
    "line_protocol",
    "columnar",
    "clock",
    "id",
    "certain",
    "narrow",
    "behind",
    "vital",
];

/// The packages beside the program, each a folder of `src`, and the libraries of [`HOMES`] that it
/// may use. None of them knows the program.
const PACKAGES: &[(&str, &[&str])] = &[(
    "query",
    &["datafusion", "object_store", "parquet::", "zstd::"],
)];

/// Libraries and parts of the standard library that have one home.
const HOMES: &[(&str, &[&str])] = &[
    ("axum::", &["server", "api", "auth", "body"]),
    ("hyper::", &["server", "body", "client"]),
    ("hyper_util::", &["server", "client"]),
    ("hyper_rustls::", &["client"]),
    ("socket2::", &["server"]),
    ("tower::", &["server", "api", "auth"]),
    ("rustls::", &["server", "client"]),
    ("tokio_rustls::", &["server"]),
    // `cli` reads the user's own compressed files, piece by piece.
    ("flate2::", &["body", "cli"]),
    ("libdeflater::", &["body"]),
    ("zstd::", &["body", "cli", "lake"]),
    ("arrow_flight::", &["flight"]),
    ("arrow_ipc::", &["export", "flight", "render"]),
    ("datafusion", &[]),
    ("prost::", &["flight"]),
    ("tonic::", &["flight"]),
    // The engine hands it the points, protocols hand it questions.
    ("tidegate_query", &["engine", "api", "flight", "unanswered"]),
    // `telemetry` names it in the filter of what libraries log.
    ("deltalake", &["lake", "telemetry"]),
    ("object_store", &["lake"]),
    ("parquet::", &["lake", "render"]),
    ("arrow_csv::", &["render"]),
    ("arrow_json::", &["render"]),
    ("std::env::", &["config"]),
    ("SystemTime::now", &["clock"]),
    ("Instant::now", &["clock"]),
    // `cli` reads and writes files that the user names, never those of the data folder.
    ("std::fs::", &["storage", "config", "telemetry", "cli"]),
];

#[test]
fn every_module_imports_only_what_it_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for file in program() {
        let module = module_of(&file);
        let Some(may) = allowed.get(module.as_str()) else {
            wrong.push(format!("{}: module {module} has no rule", file.display()));
            continue;
        };
        for import in imports(&code_of(&file)) {
            let common = COMMON.contains(&import.as_str()) && !LEAVES.contains(&module.as_str());
            let common = common || LANGUAGE.contains(&import.as_str());
            if import != module && !common && !may.contains(&import.as_str()) {
                wrong.push(format!("{}: crate::{import}", file.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports against the dependency rule:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_library_stays_in_its_home() {
    let mut wrong = Vec::new();
    for file in sources("src") {
        let module = module_of(&file);
        let text = code_of(&file);
        let package = PACKAGES.iter().find(|(package, _)| *package == module);
        for (name, homes) in HOMES {
            let is_home = match package {
                Some((_, may)) => may.contains(name),
                None => homes.contains(&module.as_str()),
            };
            if mentions(&text, name) && !is_home {
                wrong.push(format!("{}: {name} belongs in {homes:?}", file.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "libraries out of their homes:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_packages_beside_the_program_know_nothing_of_it() {
    for (package, _) in PACKAGES {
        let folder = format!("src/{package}");
        let manifest = manifest(&folder);
        let known = ["dependencies", "dev-dependencies", "build-dependencies"]
            .into_iter()
            .filter_map(|table| manifest.get(table)?.as_table())
            .flat_map(toml::Table::keys);
        let ours: Vec<&String> = known.filter(|name| name.starts_with("tidegate")).collect();
        assert!(ours.is_empty(), "{folder}/Cargo.toml: {ours:?}");
    }
    let members = manifest("")["workspace"]["members"].clone();
    let listed: Vec<String> = PACKAGES.iter().map(|(p, _)| format!("src/{p}")).collect();
    assert_eq!(members.as_array().unwrap().len(), listed.len());
    assert!(listed.iter().all(|folder| {
        let members = members.as_array().unwrap().iter();
        members.map(|m| m.as_str().unwrap()).any(|m| m == folder)
    }));
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let files = ["src", "tests", "benches"].into_iter().flat_map(sources);
    let long: Vec<String> = files
        .map(|file| (read(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, file)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "files to be split:\n{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources("src")
        .into_iter()
        .filter(|file| !is_test(file) && !read(file).starts_with("//!"))
        .map(|file| file.display().to_string())
        .collect();
    assert!(
        silent.is_empty(),
        "files without a module doc:\n{}",
        silent.join("\n")
    );
}

/// Pins of crates whose types meet those of the lake and of the query engine to come.
const PINS: &[(&str, &str)] = &[
    ("arrow", "59.3."),
    ("arrow-array", "59.3."),
    ("arrow-buffer", "59.3."),
    ("arrow-cast", "59.3."),
    ("arrow-csv", "59.3."),
    ("arrow-ipc", "59.3."),
    ("arrow-json", "59.3."),
    ("arrow-schema", "59.3."),
    ("arrow-flight", "59.3."),
    ("datafusion", "55.2."),
    ("deltalake-core", "1.1."),
    ("parquet", "59.3."),
    ("object_store", "0.13."),
    ("tokio", "1."),
    ("axum", "0.8."),
    ("hyper", "1."),
    ("tonic", "0.14."),
    ("nom", "8."),
    ("thiserror", "2."),
];

/// Crates of which the program must have one version.
const SINGLE: &[&str] = &[
    "arrow",
    "arrow-array",
    "arrow-schema",
    "arrow-flight",
    "parquet",
    "object_store",
    "deltalake-core",
    "datafusion",
    "axum",
    "hyper",
    "tonic",
];

#[test]
fn pinned_crates_have_their_versions_and_stand_once() {
    let versions = locked_versions();
    for name in direct_dependencies() {
        let Some((_, pin)) = PINS.iter().find(|(pinned, _)| *pinned == name) else {
            continue;
        };
        let found = &versions[&name];
        let pinned = found.iter().any(|version| version.starts_with(pin));
        assert!(pinned, "{name} is {found:?}, pinned to {pin}x");
    }
    for name in SINGLE {
        let count = versions.get(*name).map_or(0, BTreeSet::len);
        assert!(
            count <= 1,
            "{count} versions of {name}: {:?}",
            versions.get(*name)
        );
    }
    assert!(versions.contains_key("arrow-array") && versions.contains_key("axum"));
}

fn locked_versions() -> BTreeMap<String, BTreeSet<String>> {
    let lock: toml::Table = read(&root().join("Cargo.lock")).parse().unwrap();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        versions
            .entry(text("name"))
            .or_default()
            .insert(text("version"));
    }
    versions
}

/// The dependencies of all packages of the workspace, those of tests included.
fn direct_dependencies() -> BTreeSet<String> {
    let folders = PACKAGES.iter().map(|(package, _)| format!("src/{package}"));
    let mut found = BTreeSet::new();
    for folder in std::iter::once(String::new()).chain(folders) {
        let manifest = manifest(&folder);
        for table in ["dependencies", "dev-dependencies"] {
            let named = manifest.get(table).and_then(toml::Value::as_table);
            found.extend(named.into_iter().flat_map(toml::Table::keys).cloned());
        }
    }
    found
}

fn manifest(folder: &str) -> toml::Table {
    let file = root().join(folder).join("Cargo.toml");
    read(&file).parse().unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The sources of the program itself, without the packages beside it.
fn program() -> Vec<PathBuf> {
    let mut files = sources("src");
    files.retain(|file| {
        !PACKAGES
            .iter()
            .any(|(package, _)| module_of(file) == *package)
    });
    files
}

/// All Rust files below a folder of the project, build output excepted.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty() || folder != "src", "no sources found");
    found.sort();
    found
}

/// `src/wal/format/frame.rs` and `src/wal.rs` are of module `wal`.
fn module_of(file: &Path) -> String {
    let relative = file.strip_prefix(root().join("src")).unwrap();
    let first = relative
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn is_test(file: &Path) -> bool {
    file.components()
        .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// The program's code: without comments, and without tests, which may use more.
fn code_of(file: &Path) -> String {
    if is_test(file) {
        return String::new();
    }
    let text = read(file);
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns whether a path starts with `name`: `tower::` but not `my_tower::`.
fn mentions(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(position, _)| {
        !code[..position].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

/// The first segments of all `crate::…` paths, braces included.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (position, path) in code.match_indices("crate::") {
        let rest = &code[position + path.len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list
                .split('}')
                .next()
                .unwrap_or_default()
                .split(',')
                .collect(),
            None => vec![rest],
        };
        for name in names {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let first = name
                .trim_start()
                .split(|c| !word(c))
                .next()
                .unwrap_or_default();
            if first.starts_with(|c: char| c.is_lowercase()) {
                found.insert(first.to_owned());
            }
        }
    }
    found
}
