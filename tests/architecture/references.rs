//! The two papers, `src/DESIGN.md` and `src/api/CONTRACT.md`, and all that refers to them: a decision
//! or a section that is cited is there, a path and a setting that they name exist, and the defaults
//! that they print are those of `config/default.toml`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{MAY_IMPORT, read, root};

const DESIGN: &str = "src/DESIGN.md";
const CONTRACT: &str = "src/api/CONTRACT.md";
const QUERY_CONTRACT: &str = "src/query/CONTRACT.md";

/// The folders of the project's texts.
const FOLDERS: &[&str] = &["src", "tests", "benches", "config", ".ci"];
const FILES: &[&str] = &["README.md", "Cargo.toml", "Dockerfile", ".clippy.toml"];

/// Names of papers that nobody outside of the project's history has.
const UNKNOWN_PAPERS: &[&str] = &[
    concat!("contract", ".md"),
    concat!("design", ".md"),
    concat!("reliability", ".md"),
    concat!("line-protocol", ".md"),
    concat!("style", ".md"),
    concat!("query", ".md"),
    concat!("tsbs", ".md"),
    concat!("the manual", "'s"),
    concat!("see the ", "manual"),
    concat!("in the ", "manual"),
];

#[test]
fn what_is_cited_is_defined() {
    let papers = Papers::read();
    let (mut wrong, mut found) = (Vec::new(), 0);
    for file in texts() {
        for (place, prose) in passages(&file) {
            let cited = cited(&prose, home(&file));
            found += cited.len();
            let missing = cited.into_iter().filter(|cited| !papers.define(cited));
            wrong.extend(missing.map(|cited| format!("{place}: {cited:?}")));
        }
    }
    assert!(
        found > 100,
        "{found} references found: the search is broken"
    );
    assert!(
        wrong.is_empty(),
        "neither {DESIGN} nor {CONTRACT} has:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_reference_that_nothing_defines_is_noticed() {
    let papers = Papers::read();
    let missing = |prose: &str| {
        let cited = cited(prose, Paper::Contract).into_iter();
        cited.filter(|cited| !papers.define(cited)).count()
    };
    for (prose, count) in [
        (
            "(design decision D7), contract sections 1.3 and 5; RFC 9110, section 99",
            0,
        ),
        ("decisions D1 to D99", 1),
        ("contract section 1.99", 1),
        ("contract sections 1.1, 9.1 and 9.2", 2),
        ("contract 99, design section 99", 2),
    ] {
        assert_eq!(missing(prose), count, "{prose}");
    }
}

#[test]
fn no_text_names_a_paper_that_a_reader_does_not_have() {
    let mut wrong = Vec::new();
    for file in texts() {
        let text = read(&file);
        for (number, line) in text.lines().enumerate() {
            let named = UNKNOWN_PAPERS.iter().filter(|name| line.contains(**name));
            wrong.extend(named.map(|name| format!("{}:{}: {name}", file.display(), number + 1)));
        }
    }
    assert!(
        wrong.is_empty(),
        "papers of elsewhere:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn paths_in_the_papers_and_the_readme_exist() {
    let mut wrong = Vec::new();
    for paper in [DESIGN, CONTRACT, "README.md"] {
        let text = read(&root().join(paper));
        let in_code = code_spans(&text).into_iter();
        let of_ours = in_code.filter(|span| {
            let folder = span.split_once('/').map(|(folder, _)| folder);
            folder.is_some_and(|folder| FOLDERS.contains(&folder)) && !span.contains(' ')
        });
        let linked = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let linked = linked.filter(|target| !target.contains("://"));
        let mut named = of_ours.chain(linked.map(str::to_owned));
        let is_there = |path: &str| match path.strip_prefix('#') {
            Some(heading) => anchors(&text).any(|anchor| anchor == heading),
            None => root().join(path).exists(),
        };
        let missing = named.by_ref().filter(|path| !is_there(path));
        wrong.extend(missing.map(|path| format!("{paper}: {path}")));
    }
    assert!(wrong.is_empty(), "no such file:\n{}", wrong.join("\n"));
}

/// The names by which a text links to its own headings.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|heading| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[test]
fn settings_in_the_papers_and_the_readme_exist_with_the_defaults_they_print() {
    let defaults: toml::Table = read(&root().join("config/default.toml")).parse().unwrap();
    let setting = |name: &str| {
        let (section, key) = name.split_once('.')?;
        Some(defaults.get(section)?.as_table()?.get(key))
    };
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for paper in [DESIGN, CONTRACT, "README.md"] {
        let text = read(&root().join(paper));
        for name in code_spans(&text) {
            let is_name =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
            if name.chars().all(is_name) && setting(&name) == Some(None) {
                wrong.push(format!("{paper}: there is no {name}"));
            }
        }
        for row in text.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let (name, told) = (cells[1].trim_matches('`'), cells[2]);
            let Some(Some(value)) = setting(name) else {
                continue;
            };
            // A default in words is left to the reader.
            if told.parse::<i64>().is_ok() {
                compared += 1;
                if value.to_string() != told {
                    wrong.push(format!("{paper}: {name} is {value}, not {told}"));
                }
            }
        }
    }
    assert!(
        compared > 15,
        "{compared} defaults found: the search is broken"
    );
    assert!(wrong.is_empty(), "settings:\n{}", wrong.join("\n"));
}

#[test]
fn the_design_draws_the_imports_that_are_allowed() {
    let design = read(&root().join(DESIGN));
    let drawn = |module: &str| {
        let rows = design.lines().filter_map(|line| line.split_once("> "));
        let (_, imports) = rows.into_iter().find(|(of, _)| of.trim() == module)?;
        Some(imports.split(", ").collect::<BTreeSet<&str>>())
    };
    for (module, may) in MAY_IMPORT {
        if !may.is_empty() && *module != "main" {
            let may: BTreeSet<&str> = may.iter().copied().collect();
            assert_eq!(
                drawn(module),
                Some(may),
                "{module} in section 3 of {DESIGN}"
            );
        }
    }
}

#[test]
fn both_papers_are_shown_by_rustdoc() {
    for (module, paper) in [
        ("src/lib.rs", "DESIGN.md"),
        ("src/api/mod.rs", "CONTRACT.md"),
    ] {
        let included = format!("include_str!(\"{paper}\")");
        assert!(
            read(&root().join(module)).contains(&included),
            "{module}: {included}"
        );
    }
}

/// The paper that a bare section number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paper {
    Design,
    Contract,
}

/// A reference in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cited {
    Decision(String),
    Section(Paper, String),
}

/// The sections and decisions that the papers define.
struct Papers {
    decisions: BTreeSet<String>,
    design: BTreeSet<String>,
    contract: BTreeSet<String>,
}

impl Papers {
    fn read() -> Self {
        let headings = |paper: &str| -> BTreeSet<String> {
            let text = read(&root().join(paper));
            let headings = text.lines().filter(|line| line.starts_with("##"));
            let first_words = headings.filter_map(|line| line.split_whitespace().nth(1));
            first_words
                .map(|word| word.trim_end_matches(['.', ':']).to_owned())
                .collect()
        };
        let (design, mut contract) = (headings(DESIGN), headings(CONTRACT));
        // It continues the numbers of the other one's subject, and is called the query contract.
        contract.extend(headings(QUERY_CONTRACT));
        let decisions = design
            .iter()
            .filter(|name| name.starts_with('D'))
            .cloned()
            .collect();
        Self {
            decisions,
            design,
            contract,
        }
    }

    fn define(&self, cited: &Cited) -> bool {
        match cited {
            Cited::Decision(name) => self.decisions.contains(name),
            Cited::Section(Paper::Design, number) => self.design.contains(number),
            Cited::Section(Paper::Contract, number) => self.contract.contains(number),
        }
    }
}

/// The paper that a file means when it names a section only.
fn home(file: &Path) -> Paper {
    match file.ends_with(DESIGN) {
        true => Paper::Design,
        false => Paper::Contract,
    }
}

/// All that a piece of prose refers to.
fn cited(prose: &str, home: Paper) -> Vec<Cited> {
    let mut found = decisions(prose);
    let prose = prose.to_lowercase();
    for (at, word) in prose.match_indices("section") {
        let before: String = prose[..at].chars().rev().take(24).collect();
        let before: String = before.chars().rev().collect();
        let paper = match () {
            () if before.contains("rfc") => continue,
            () if before.contains("contract") => Paper::Contract,
            () if before.contains("design") => Paper::Design,
            () => home,
        };
        let rest = &prose[at + word.len()..];
        let (rest, is_list) = match rest.strip_prefix('s') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        found.extend(
            numbers(rest, is_list)
                .into_iter()
                .map(|number| Cited::Section(paper, number)),
        );
    }
    for (at, word) in prose.match_indices("contract ") {
        let numbers = numbers(&prose[at + word.len() - 1..], false);
        found.extend(
            numbers
                .into_iter()
                .map(|number| Cited::Section(Paper::Contract, number)),
        );
    }
    found
}

/// `D7`, but not `ID7` nor `D7x`.
fn decisions(prose: &str) -> Vec<Cited> {
    let words = prose.split(|c: char| !c.is_alphanumeric() && c != '_');
    let is_decision = |word: &&str| {
        let number = word.strip_prefix('D').unwrap_or_default();
        !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
    };
    let found = words.filter(is_decision);
    found.map(|word| Cited::Decision(word.to_owned())).collect()
}

/// ` 1.3`, and if it is a list also what follows in ` 1.2, 3.1 and 3.2`.
fn numbers(text: &str, is_list: bool) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split_whitespace() {
        let number = word.trim_end_matches(|c: char| !c.is_ascii_digit());
        let is_number = number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == '.');
        match (is_number, word) {
            (true, _) => found.push(number.to_owned()),
            (false, "and" | "to") if !found.is_empty() => continue,
            (false, _) => break,
        }
        if !is_list || !(word.ends_with(',') || word == number) {
            break;
        }
    }
    found
}

/// The texts between single backticks.
fn code_spans(text: &str) -> Vec<String> {
    let mut spans = Vec::new();
    for line in text.lines() {
        spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    spans
}

/// The prose of a file, with the place where it begins: of sources the comments, each block as one
/// text, of others all of it.
fn passages(file: &Path) -> Vec<(String, String)> {
    let text = read(file);
    let shown = file.strip_prefix(root()).unwrap().display().to_string();
    if file.extension().is_none_or(|extension| extension != "rs") {
        let lines: Vec<&str> = text
            .lines()
            .map(|line| line.trim_start_matches(['#', ' ']))
            .collect();
        return vec![(shown, lines.join(" "))];
    }
    let mut passages: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for (number, line) in text.lines().enumerate() {
        let Some((code, comment)) = line.split_once("//") else {
            is_open = false;
            continue;
        };
        let comment = comment.trim_start_matches(['/', '!']);
        match passages
            .last_mut()
            .filter(|_| is_open && code.trim().is_empty())
        {
            Some((_, block)) => block.push_str(comment),
            None => passages.push((format!("{shown}:{}", number + 1), comment.to_owned())),
        }
        is_open = true;
    }
    passages
}

/// Every text of the project.
fn texts() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = FILES.iter().map(|file| root().join(file)).collect();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
                folders.push(path);
            } else if path.is_file() && std::fs::read_to_string(&path).is_ok() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
