use clap::{CommandFactory as _, Parser as _};

use super::Cli;
use crate::telemetry::causes;

/// The help of a command, of a command of a command.
fn help(of: &str) -> String {
    let mut command = &mut Cli::command();
    for name in of.split_whitespace() {
        command = command
            .find_subcommand_mut(name)
            .expect("there is such a command");
    }
    // A command in the help stands on the lines on which it was written, however wide that is.
    let help = command.clone().term_width(0).render_long_help();
    help.to_string()
}

/// Every command that does something, by its words.
fn commands() -> Vec<String> {
    fn collect(command: &clap::Command, words: &str, found: &mut Vec<String>) {
        for below in command.get_subcommands() {
            let words = format!("{words} {}", below.get_name());
            if below.get_subcommands().next().is_none() {
                found.push(words.trim().to_owned());
            }
            collect(below, &words, found);
        }
    }
    let mut found = Vec::new();
    collect(&Cli::command(), "", &mut found);
    found
}

/// The words of a line up to where the shell takes over, without their quotes.
fn words(line: &str) -> Vec<String> {
    let own = line
        .split(" | ")
        .next()
        .and_then(|own| own.split(" > ").next());
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in own.expect("a first part").chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (' ', None) => words.push(String::new()),
            _ => words.last_mut().expect("one").push(c),
        }
    }
    words
}

#[test]
fn every_command_has_examples_that_are_understood() {
    for command in commands() {
        let text = help(&command);
        let (_, examples) = text
            .split_once("\nExamples:\n")
            .unwrap_or_else(|| panic!("{command} has no examples"));
        let examples = examples.replace(" \\\n    ", " ");
        let lines: Vec<&str> = examples
            .lines()
            .filter_map(|line| Some(&line[line.find("tidegate ")?..]))
            .collect();
        assert!(
            lines.iter().any(|line| line.contains(&command)),
            "{command}: {examples}"
        );
        for line in lines {
            let parsed = Cli::try_parse_from(words(line));
            assert!(
                parsed.is_ok(),
                "{line}: {}",
                parsed.expect_err("not understood")
            );
        }
    }
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn help_teaches_the_first_steps() {
    let text = help("");
    for part in [
        "tidegate serve",
        "curl",
        "/api/v2/write?bucket=",
        "Authorization: Token",
        "204",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn the_help_of_serve_tells_of_token_data_settings_and_stopping() {
    let text = help("serve");
    for part in [
        "TIDEGATE_INIT_TOKEN",
        "./tidegate-data",
        "TIDEGATE_LIMITS__COLUMNS_MAX=2000",
        "SIGTERM",
        "Examples:",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn what_is_not_understood_is_a_usage_error() {
    for wrong in [
        &["serve", "--lisen", "x"][..],
        &["serv"],
        &["serve", "--log-format", "xml"],
        &["token", "create", "--description", "permits nothing"],
        &["token", "create", "--read", "b", "--expires", "soon"],
        &["bucket", "create", "b", "--retention", "30"],
        &["bucket", "update", "b"],
        &["export"],
        &["export", "--bucket", "b", "--start", "yesterday"],
        &["import", "--bucket", "b"],
        &["import", "f", "--bucket", "b", "--precision", "u"],
        &["import", "f", "--bucket", "b", "--parallel", "0"],
        &["import", "f", "--bucket", "b", "--batch-bytes", "1GB"],
        &["ping", "--token", "x"],
        &["completions", "csh"],
    ] {
        let arguments = std::iter::once("tidegate").chain(wrong.iter().copied());
        let error = Cli::try_parse_from(arguments).expect_err("not understood");
        assert_eq!(error.exit_code(), 2, "{wrong:?}");
    }
}

#[test]
fn an_error_and_its_causes_are_causes() {
    let cause = std::io::Error::other("no such\nthing");
    let error = crate::config::ConfigError::Read {
        path: "/a".into(),
        source: cause,
    };
    assert_eq!(
        causes(&super::ServeError::Config(error)),
        "configuration: cannot read the configuration file /a: no such thing"
    );
}
