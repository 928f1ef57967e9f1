//! A signal to a question that takes long.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::import::server::Run;
use crate::support::{PATIENCE, tidegate};

/// A hundred billion numbers.
pub const LONG: &str = "SELECT count(*) FROM generate_series(1, 100000000000)";

/// A server ends a question whose client is gone.
#[test]
fn a_signal_closes_the_connection_that_waits_for_the_answer() {
    for (signal, name) in [(Signal::INT, "INT"), (Signal::TERM, "TERM")] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let mut command = tidegate(&["query", "-b", "home", LONG, "--url", &url]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("runs");
        let (mut connection, _) = listener.accept().expect("it asks");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("an option");
        let mut asked = Vec::new();
        while !asked.ends_with(b")\"}") {
            let mut byte = [0];
            connection.read_exact(&mut byte).expect("a request");
            asked.extend(byte);
        }
        let id = Pid::from_raw(child.id().cast_signed()).expect("not 0");
        kill_process(id, signal).expect("it runs");
        let rest = connection.read_to_end(&mut asked);
        assert!(matches!(rest, Ok(0)), "{name}: {rest:?}");
        let run = Run::of(child.wait_with_output().expect("ends"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{name}");
        assert_eq!(run.stderr, "tidegate: interrupted\n", "{name}");
    }
}
