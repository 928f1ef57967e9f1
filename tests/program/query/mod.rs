//! `tidegate query` as a shell and a terminal see it, against the real server.

mod errors;
mod formats;
mod influxql;
mod interruption;
mod parameters;
mod prompt;

use std::process::{Command, Stdio};

use crate::import::server::Run;
use crate::support::{self, Program, TOKEN, tidegate};

/// Points with all types of fields; what a terminal obeys; a tag and a time that others lack.
const LINES: &str = "room,floor=1 temp=20.5,n=-1i,u=18446744073709551615u,ok=t,\
                     note=\"say \\\"hi\\\", \u{1b}[2J\" 1700000000000000000\n\
                     room,floor=2 temp=30 1700000010500000000\n\
                     room temp=5 1700000020000000001\n";

/// A server whose bucket `home` holds [`LINES`], and the folder that it must not outlive.
struct Server {
    program: Program,
    folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let program = Program::start_ready(support::serve(data.to_str().expect("plain")));
        let (status, body) = program.ask_as(TOKEN, "POST", "/api/v2/write?bucket=home", LINES);
        assert_eq!(status, 204, "{body}");
        Self { program, folder }
    }

    /// `tidegate query --bucket home` with these further arguments.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tidegate(&["query", "--bucket", "home"]);
        command
            .args(arguments)
            .env("TIDEGATE_URL", self.program.url())
            .env("TIDEGATE_TOKEN", TOKEN);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().expect("runs"))
    }

    /// The output of a command that must succeed without a word.
    #[track_caller]
    fn answer(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
        run.stdout
    }

    /// The path of a file in the folder.
    fn path(&self, name: &str) -> String {
        self.folder
            .path()
            .join(name)
            .to_str()
            .expect("plain")
            .to_owned()
    }

    /// The answer to a statement on standard input.
    fn piped(&self, statement: &str, arguments: &[&str]) -> Run {
        let path = self.path("statement.sql");
        std::fs::write(&path, statement).expect("writable");
        let input = std::fs::File::open(&path).expect("there");
        let output = self.command(arguments).stdin(Stdio::from(input)).output();
        Run::of(output.expect("runs"))
    }
}
