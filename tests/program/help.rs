//! The examples of every command's help, run as they are printed: against a running server, or in
//! the folder of one that is stopped.
//!
//! What they name exists: the buckets `home` and `old`, some tokens, files of line protocol, a
//! configuration, a certificate, a data folder. A server that an example starts has to listen, and
//! to end well when it is told to; if somebody else has its port, that example is skipped, loudly.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use tidegate::cli::Cli;

use crate::support::{self, Program, TOKEN};

/// Their examples start servers, or work on the folder of one that is stopped.
const NOT_FOR_A_RUNNING_SERVER: &[&str] = &["serve", "check", "wal", "token reset-operator"];

/// Needs a server that was built with tables.
const NEEDS_TABLES: &str = "lake";

/// Copies the tables of a data folder, where there are some.
const COPIES: &str = "cp -r tidegate-data/lake ";

/// The help of every command that ends a line of commands, by its name.
fn helps(command: &mut clap::Command, name: &str) -> Vec<(String, String)> {
    let mut helps = Vec::new();
    let own = |sub: &&mut clap::Command| sub.get_name() != "help";
    for sub in command.get_subcommands_mut().filter(own) {
        let name = format!("{name} {}", sub.get_name()).trim().to_owned();
        // As it was written, however wide that is.
        let help = sub.clone().term_width(0).render_long_help().to_string();
        helps.push((name.clone(), help));
        helps.extend(self::helps(sub, &name));
    }
    helps
}

/// The lines below `Examples:`, as they are printed.
fn example_lines(help: &str) -> Vec<&str> {
    let below = help.split("Examples:\n").nth(1).unwrap_or_default();
    let lines = below.lines().take_while(|line| line.starts_with("  "));
    lines.collect()
}

/// The commands below `Examples:`; some continue after a backslash.
fn examples(help: &str) -> Vec<String> {
    let joined = example_lines(help).join("\n").replace("\\\n", "");
    joined.lines().map(|line| line.trim().to_owned()).collect()
}

/// A shell in a folder that has what the examples name.
struct Shell {
    folder: tempfile::TempDir,
    /// The URL of the server that the commands talk to; none if there is none.
    url: String,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).expect("writable");
        };
        let seconds =
            "room,floor=1 temperature=21.5 1767225600\nroom,floor=2 temperature=20 1767225601\n";
        let points = seconds.replace("1767225600", "1767225600000000000");
        let points = points.replace("1767225601", "1767225601000000000");
        write("seconds.lp", seconds.as_bytes());
        write("points.lp", points.as_bytes());
        for name in ["points.lp.gz", "january.lp.gz", "february.lp.gz"] {
            write(name, &gzip(&points));
        }
        for name in ["monday.lp.gz", "tuesday.lp.gz"] {
            write(name, &gzip(seconds));
        }
        write("tidegate.toml", b"[limits]\ncolumns_max = 2000\n");
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
        write("fullchain.pem", made.cert.pem().as_bytes());
        write("privkey.pem", made.signing_key.serialize_pem().as_bytes());
        let url = String::new();
        Self { folder, url }
    }

    /// A server over `tidegate-data` in the folder, with a point in the buckets of the examples.
    fn serve(&mut self) -> Program {
        let mut command = support::serve("tidegate-data");
        command.current_dir(self.folder.path());
        let server = Program::start_ready(command);
        server.url().clone_into(&mut self.url);
        self.must("tidegate import points.lp --bucket home");
        self.must("tidegate import points.lp --bucket old");
        server
    }

    /// Runs a line as a shell does, with the program in its path.
    fn command(&self, line: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_tidegate"));
        let programs = program.parent().expect("a folder").to_str().expect("plain");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .env_clear()
            .env("PATH", format!("{programs}:{path}"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        if !self.url.is_empty() {
            command.env("TIDEGATE_URL", &self.url);
            command.env("TIDEGATE_TOKEN", TOKEN);
        }
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().expect("there is a shell")
    }

    fn must(&self, line: &str) {
        let output = self.run(line);
        assert!(output.status.success(), "{line}\n{output:?}");
    }

    /// Starts the server of a line, waits until it listens, ends it as a supervisor does. Whether
    /// its port was free.
    fn must_serve(&self, line: &str) -> bool {
        let listen = line.split("--listen ").nth(1);
        let listen = listen.unwrap_or("127.0.0.1:8086").trim();
        let listen = listen.split(' ').next().expect("an address");
        if TcpListener::bind(listen).is_err() {
            return false;
        }
        // The signal is for the server, not for a shell around it.
        let mut command = self.command(&format!("exec {line}"));
        command.stderr(Stdio::piped());
        let server = Program::start(command);
        assert!(server.url().starts_with("http"), "{line}");
        let log = server.stop();
        assert!(log.contains("stopped"), "{line}: {log}");
        true
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// The commands of the help, or those for which no server may run.
fn all_examples(for_a_stopped_server: bool) -> Vec<(String, Vec<String>)> {
    let is_for_a_stopped_one = |command: &str| {
        let is_of = |name: &&str| command == *name || command.starts_with(&format!("{name} "));
        NOT_FOR_A_RUNNING_SERVER.iter().any(is_of)
    };
    let helps = helps(&mut Cli::command(), "").into_iter();
    let wanted = helps.filter(|(command, _)| is_for_a_stopped_one(command) == for_a_stopped_server);
    wanted
        .map(|(command, help)| {
            let lines = examples(&help);
            assert!(!lines.is_empty(), "{command} has no examples:\n{help}");
            let runs_it = |line: &String| line.contains("tidegate ") || line.starts_with(COPIES);
            assert!(lines.iter().all(runs_it), "{command}: {lines:?}");
            (command, lines)
        })
        .collect()
}

#[test]
fn the_examples_that_talk_to_a_server_work_as_they_are_printed() {
    let mut shell = Shell::new();
    let _server = shell.serve();
    for (command, lines) in all_examples(false) {
        for line in lines {
            if command == "token revoke" {
                shell.must("tidegate token create --read home");
            }
            if cfg!(feature = "lake") || !command.starts_with(NEEDS_TABLES) {
                shell.must(&line);
            }
        }
    }
}

#[test]
fn the_examples_that_need_no_server_or_start_one_work_as_they_are_printed() {
    let mut skipped = Vec::new();
    for (command, lines) in all_examples(true) {
        // What one command made is not in the way of the next.
        let mut shell = Shell::new();
        shell.serve().stop();
        shell.url.clear();
        let has_tables = cfg!(feature = "lake");
        for line in lines {
            if line.starts_with(COPIES) && !has_tables {
                continue;
            }
            if !line.starts_with("tidegate serve") {
                shell.must(&line);
            } else if !shell.must_serve(&line) {
                skipped.push(format!("{command}: {line}"));
            }
        }
    }
    if !skipped.is_empty() {
        // Past the test harness, which keeps what a passing test prints to itself.
        let skipped = skipped.join("\n");
        let text = format!("SKIPPED, somebody listens on the port of:\n{skipped}\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// The output of the program on a terminal of this many columns.
fn printed(command: &str, columns: usize) -> String {
    let words = command.split(' ').filter(|word| !word.is_empty());
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(words)
        .arg("--help")
        .env_clear()
        .env("COLUMNS", columns.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_help_fits_the_terminal_and_80_columns_and_breaks_no_command() {
    let names = helps(&mut Cli::command(), "").into_iter();
    let names = names.map(|(name, _)| name).chain([String::new()]);
    let mut wrong = Vec::new();
    for name in names {
        let written = printed(&name, 1000);
        for columns in [60, 80, 120] {
            let help = printed(&name, columns);
            let fits = |line: &&str| line.chars().count() <= columns.min(80);
            wrong.extend(
                help.lines()
                    .filter(|line| !fits(line))
                    .map(|line| format!("tidegate {name} at {columns}: {line}")),
            );
            if example_lines(&help) != example_lines(&written) {
                wrong.push(format!("tidegate {name} at {columns}: a broken example"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_help_says_in_one_line_what_the_command_is_for() {
    for (command, help) in helps(&mut Cli::command(), "") {
        let mut lines = help.lines();
        let first = lines.next().unwrap_or_default();
        assert!((10..=80).contains(&first.len()), "{command}: {first}");
        assert!(lines.next().is_some_and(str::is_empty), "{help}");
    }
}
