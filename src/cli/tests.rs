use clap::{CommandFactory as _, Parser as _};

use super::{Cli, one_line};

fn help(of: &str) -> String {
    let mut command = Cli::command();
    let command = match of {
        "" => &mut command,
        name => command
            .find_subcommand_mut(name)
            .expect("there is such a command"),
    };
    command.render_long_help().to_string()
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
fn help_fits_a_terminal_of_100_columns() {
    for line in [help(""), help("serve")]
        .iter()
        .flat_map(|text| text.lines())
    {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn what_is_not_understood_is_a_usage_error() {
    for wrong in [
        &["serve", "--lisen", "x"][..],
        &["serv"],
        &["serve", "--log-format", "xml"],
    ] {
        let arguments = std::iter::once("tidegate").chain(wrong.iter().copied());
        let error = Cli::try_parse_from(arguments).expect_err("not understood");
        assert_eq!(error.exit_code(), 2, "{wrong:?}");
    }
}

#[test]
fn an_error_and_its_causes_are_one_line() {
    let cause = std::io::Error::other("no such\nthing");
    let error = crate::config::ConfigError::Read {
        path: "/a".into(),
        source: cause,
    };
    assert_eq!(
        one_line(&super::ServeError::Config(error)),
        "configuration: cannot read the configuration file /a: no such thing"
    );
}
