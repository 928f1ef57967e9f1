//! The examples of every command's help, run as they are printed against a real server.
//!
//! What they name exists: the buckets `home` and `old`, some tokens, files of line protocol. A
//! server that has no API for tokens and buckets, or no CSV, cannot be asked for them: those
//! examples are skipped, loudly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    missing_docs,
    reason = "tests stop at the first surprise, and play the part of users"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use clap::CommandFactory as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use tidegate::cli::Cli;

const TOKEN: &str = "a-token-for-tests-of-32-characters";

/// Their examples start servers, or work on the data folder of one that is stopped.
const NOT_FOR_A_RUNNING_SERVER: &[&str] = &["serve", "check", "wal", "token reset-operator"];

/// The help of every command that ends a line of commands, by its name.
fn helps(command: &mut clap::Command, name: &str) -> Vec<(String, String)> {
    let mut helps = Vec::new();
    let own = |sub: &&mut clap::Command| sub.get_name() != "help";
    for sub in command.get_subcommands_mut().filter(own) {
        let name = format!("{name} {}", sub.get_name()).trim().to_owned();
        helps.push((name.clone(), sub.render_long_help().to_string()));
        helps.extend(self::helps(sub, &name));
    }
    helps
}

/// The lines below `Examples:`.
fn examples(help: &str) -> Vec<&str> {
    let below = help.split("Examples:\n").nth(1).unwrap_or_default();
    let lines = below.lines().take_while(|line| line.starts_with("  "));
    lines.map(str::trim).collect()
}

struct Server {
    child: Child,
    folder: tempfile::TempDir,
    url: String,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("TIDEGATE_INIT_TOKEN", TOKEN)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut lines = stdout.lines().map(|line| line.expect("text"));
        let url = lines.find_map(|line| Some(line.strip_prefix("listening on ")?.to_owned()));
        Self {
            child,
            folder,
            url: url.expect("it listens"),
        }
    }

    /// Runs a line as a shell would, in the folder with the files, after the program's own.
    fn shell(&self, line: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_tidegate"));
        let programs = program.parent().expect("a folder").to_str().expect("plain");
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new("sh")
            .args(["-c", line])
            .env_clear()
            .env("PATH", format!("{programs}:{path}"))
            .env("TIDEGATE_URL", &self.url)
            .env("TIDEGATE_TOKEN", TOKEN)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("there is a shell")
    }

    fn must(&self, line: &str) {
        let output = self.shell(line);
        assert!(output.status.success(), "{line}\n{output:?}");
    }

    /// Makes what the examples name.
    fn prepare(&self) {
        let folder = self.folder.path();
        let seconds =
            "room,floor=1 temperature=21.5 1767225600\nroom,floor=2 temperature=20 1767225601\n";
        let points = seconds.replace("1767225600", "1767225600000000000");
        let points = points.replace("1767225601", "1767225601000000000");
        let write =
            |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("writable");
        write("seconds.lp", seconds.as_bytes());
        write("points.lp", points.as_bytes());
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(points.as_bytes()).expect("memory");
        let gzipped = encoder.finish().expect("memory");
        write("january.lp.gz", &gzipped);
        write("february.lp.gz", &gzipped);
        self.must("tidegate import points.lp --bucket home");
        self.must("tidegate import points.lp --bucket old");
    }

    /// Whether this server has the API that the command needs.
    fn has(&self, command: &str, example: &str) -> bool {
        let probe = match command.split(' ').next() {
            Some("token" | "bucket") => format!(
                "tidegate {} list",
                command.split(' ').next().unwrap_or_default()
            ),
            Some("export") if example.contains("csv") => {
                "tidegate export -b home -m room --format csv".to_owned()
            }
            _ => return true,
        };
        let told = String::from_utf8_lossy(&self.shell(&probe).stderr).into_owned();
        !told.contains("path not found") && !told.contains("unknown variant `csv`")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_examples_of_every_help_work_as_they_are_printed() {
    let server = Server::start();
    server.prepare();
    let mut skipped = Vec::new();
    for (command, help) in helps(&mut Cli::command(), "") {
        let local = |name: &&str| command == **name || command.starts_with(&format!("{name} "));
        if NOT_FOR_A_RUNNING_SERVER.iter().any(local) {
            continue;
        }
        let examples = examples(&help);
        assert!(!examples.is_empty(), "{command} has no examples:\n{help}");
        for example in examples {
            assert!(example.contains("tidegate "), "{command}: {example}");
            if !server.has(&command, example) {
                skipped.push(example.to_owned());
                continue;
            }
            if command == "token revoke" {
                server.must("tidegate token create --read home");
            }
            let output = server.shell(example);
            assert!(output.status.success(), "{example}\n{output:?}");
        }
    }
    if !skipped.is_empty() {
        eprintln!(
            "SKIPPED, this server has no API for:\n{}",
            skipped.join("\n")
        );
    }
}

#[test]
fn every_help_fits_a_terminal_and_says_in_one_line_what_the_command_is_for() {
    for (command, help) in helps(&mut Cli::command(), "") {
        for line in help.lines() {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
        let mut lines = help.lines();
        assert!(lines.next().is_some_and(|line| line.len() > 10), "{help}");
        assert!(lines.next().is_some_and(str::is_empty), "{help}");
    }
}
