//! The imports of the program, file by file: they close no circle.
//!
//! A path counts for the file that defines the item, not for the files that pass it on by
//! `pub use`. Names that a glob or a macro brings in, and methods, are not seen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use super::{code_of, is_test, program, root};

/// The path of a file's module, from the crate down.
type Module = Vec<String>;

/// The findings in the code of a file.
#[derive(Default)]
struct File {
    /// The items that it defines.
    defined: BTreeSet<String>,
    /// The names that its `use` declarations bind, with their paths.
    bound: BTreeMap<String, Vec<String>>,
    /// The paths in its code, private imports included.
    paths: BTreeSet<Vec<String>>,
}

type Files = BTreeMap<Module, File>;

/// The files that each file imports.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn the_imports_of_the_files_close_no_circle() {
    let files = program().into_iter().filter(|file| !is_test(file));
    let files: Files = files
        .map(|file| (module(&file), parse(&code_of(&file))))
        .collect();
    let imports = imports(&files);
    let count: usize = imports.values().map(BTreeSet::len).sum();
    assert!(count > 1000, "{count} imports found: the search is broken");
    let circles = circles(&imports);
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_noticed_through_names_that_are_passed_on() {
    let source = |module: &str, code: &str| {
        (
            module.split('/').map(str::to_owned).collect::<Module>(),
            parse(code),
        )
    };
    let mut files = Files::from([
        (Module::new(), File::default()),
        source(
            "a",
            "mod b;\nmod c;\npub use b::{B, Other as O};\npub use c::C;\n",
        ),
        source(
            "a/b",
            "use super::c;\npub struct B(c::C);\npub struct Other;\n",
        ),
        source("a/c", "pub struct C;\n"),
    ]);
    assert_eq!(circles(&imports(&files)), Vec::<String>::new());
    files.extend([source("a/c", "pub struct C;\nfn f() -> crate::a::O {}\n")]);
    let found = ["a/b > a/c > a/b", "a/c > a/b > a/c"];
    assert_eq!(circles(&imports(&files)), found);
}

/// The shortest circle through each file that has one.
fn circles(imports: &Imports) -> Vec<String> {
    let circles = imports.keys().filter_map(|file| circle(imports, file));
    let names = |files: Vec<Module>| files.iter().map(|file| file.join("/")).collect::<Vec<_>>();
    circles.map(|files| names(files).join(" > ")).collect()
}

fn circle(imports: &Imports, file: &Module) -> Option<Vec<Module>> {
    let mut seen = BTreeSet::new();
    let mut ways = VecDeque::from([vec![file.clone()]]);
    while let Some(way) = ways.pop_front() {
        for next in way
            .last()
            .and_then(|last| imports.get(last))
            .into_iter()
            .flatten()
        {
            let longer = [way.as_slice(), std::slice::from_ref(next)].concat();
            if next == file {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push_back(longer);
            }
        }
    }
    None
}

fn imports(files: &Files) -> Imports {
    let mut found = Imports::new();
    for (module, file) in files {
        let paths = file
            .paths
            .iter()
            .filter_map(|path| home(files, module, path, 0));
        let others = paths.filter(|other| other != module).collect();
        found.insert(module.clone(), others);
    }
    found
}

/// The file that defines the item of a path, if it is one of ours.
fn home(files: &Files, from: &Module, path: &[String], steps: usize) -> Option<Module> {
    let (mut at, mut rest) = (from.clone(), path);
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" => at.clear(),
            "super" => drop(at.pop()),
            "self" => {}
            name => {
                let file = files.get(&at)?;
                let child = [at.as_slice(), &[name.to_owned()]].concat();
                if files.contains_key(&child) {
                    at = child;
                } else if file.defined.contains(name) {
                    return Some(at);
                } else {
                    let bound = file.bound.get(name).filter(|_| steps < 8)?;
                    let path = [bound.as_slice(), after].concat();
                    return home(files, &at, &path, steps + 1);
                }
            }
        }
        rest = after;
    }
    None
}

/// `src/wal/mod.rs` is `wal`, `src/wal/read/chain.rs` is `wal/read/chain`.
fn module(file: &Path) -> Module {
    let relative = file
        .strip_prefix(root().join("src"))
        .unwrap()
        .with_extension("");
    let parts = relative
        .iter()
        .map(|part| part.to_str().unwrap().to_owned());
    let mut parts: Module = parts.collect();
    parts.pop_if(|last| last == "mod" || last == "lib");
    parts
}

fn parse(code: &str) -> File {
    let mut file = File {
        defined: code.lines().filter_map(item).collect(),
        ..File::default()
    };
    let mut other = String::new();
    for part in code.split_inclusive(';') {
        // What precedes `use` on its line: indentation or a visibility.
        let start = part.rfind("use ").filter(|start| {
            let line = part[..*start].rsplit('\n').next().unwrap_or_default();
            line.trim().is_empty() || line.starts_with("pub")
        });
        let Some(start) = start else {
            other.push_str(part);
            continue;
        };
        let (before, tree) = part.split_at(start);
        let is_passed_on = before.ends_with("pub ") || before.ends_with(") ");
        other.push_str(before);
        let mut names = Vec::new();
        expand(tree["use ".len()..].trim_end_matches(';'), &[], &mut names);
        for (name, path) in names {
            file.paths.extend((!is_passed_on).then(|| path.clone()));
            file.bound.insert(name, path);
        }
    }
    let paths = other
        .split(|c| !is_word(c) && c != ':')
        .filter(|path| path.contains("::"));
    file.paths.extend(paths.map(segments));
    file
}

/// The name of the item that begins on this line, outside of any block.
fn item(line: &str) -> Option<String> {
    const KINDS: [&str; 8] = [
        "fn",
        "struct",
        "enum",
        "trait",
        "type",
        "const",
        "static",
        "macro_rules",
    ];
    line.starts_with(char::is_lowercase).then_some(())?;
    let mut words = line.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    words.find(|word| KINDS.contains(word))?;
    words.find(|word| !KINDS.contains(word)).map(str::to_owned)
}

/// The names that the tree of a `use` binds, with their paths.
fn expand(tree: &str, above: &[String], found: &mut Vec<(String, Vec<String>)>) {
    let (path, list) = match tree.split_once('{') {
        Some((path, list)) => (path, list.rsplit_once('}').map(|(list, _)| list)),
        None => (tree, None),
    };
    let (path, alias) = path.split_once(" as ").unwrap_or((path, ""));
    let mut path = [above, &segments(path)].concat();
    let Some(list) = list else {
        path.pop_if(|last| last == "self");
        let last = path.last().cloned().unwrap_or_default();
        let name = Some(alias.trim().to_owned()).filter(|alias| !alias.is_empty());
        found.push((name.unwrap_or(last), path));
        return;
    };
    let mut depth = 0;
    let parts = list.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for part in parts.filter(|part| !part.trim().is_empty()) {
        expand(part, &path, found);
    }
}

fn segments(path: &str) -> Vec<String> {
    let parts = path
        .split("::")
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
