//! The errors that people meet first, as the program tells them: each says what is wrong and what
//! to do, in one line on standard error or in the log.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Program, TOKEN, tidegate};

/// A server that has no token yet, with its log.
fn serve(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = tidegate(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(data_dir).args(arguments).stderr(Stdio::piped());
    command
}

/// The reason why it did not start: the one line of standard error.
fn refusal(mut command: Command) -> String {
    command.arg("--log-level=off").stdout(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    let deadline = Instant::now() + PATIENCE;
    let code = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status.code(),
            None if Instant::now() > deadline => {
                child.kill().expect("killed");
                panic!("it runs");
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let from = child.stderr.as_mut().expect("piped");
    from.read_to_string(&mut stderr).expect("text");
    let from = child.stdout.as_mut().expect("piped");
    from.read_to_string(&mut stdout).expect("text");
    assert_eq!(stdout, "", "it listens, or has shown a token: {stderr}");
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim_end().to_owned()
}

/// Status and body of the answer to a write.
fn write(server: &Program, headers: &str, line: &str) -> (u16, String) {
    server.ask("POST", "/api/v2/write?bucket=b", headers, line)
}

#[test]
fn a_data_folder_that_cannot_be_one_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("written");
    for path in [file.clone(), file.join("below")] {
        let told = refusal(serve(&path, &[]));
        let start = format!("tidegate: data folder {} is not a folder", path.display());
        assert!(told.starts_with(&start), "{told}");
        assert!(told.contains("storage.data_dir"), "{told}");
    }
    // Nobody may make a folder here, root neither.
    let told = refusal(serve(Path::new("/sys/tidegate-data"), &[]));
    assert!(
        told.contains("/sys/tidegate-data is not writable"),
        "{told}"
    );
    assert!(told.contains("storage.data_dir"), "{told}");
    let told = refusal(serve(folder.path(), &[]));
    assert!(told.contains("is not a tidegate data folder and not empty (it holds `file`)"));
}

/// From a bug: it was announced as listening, and its token was shown, before it gave up; `file:tables`
/// was taken for a folder at the root of the system.
#[test]
fn a_place_for_the_tables_that_cannot_be_one_is_refused_before_anything_is_announced() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in [
        "tables",
        "s4://bucket",
        "s3://",
        "http://127.0.0.1/x",
        "file:tables",
        "file://host/tables",
    ] {
        let mut command = serve(&folder.path().join("data"), &[]);
        command.env("TIDEGATE_LAKE__URL", url);
        let told = refusal(command);
        let start = format!("tidegate: lake.url \"{url}\" cannot be used: ");
        assert!(told.starts_with(&start), "{told}");
        assert!(told.contains("file:///folder"), "{told}");
    }
}

#[test]
fn missing_folders_above_the_data_folder_are_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("a/b/c");
    Program::start_ready(serve(&deep, &[])).stop();
    assert!(deep.join("lock").exists());
}

#[test]
fn a_second_process_on_a_data_folder_is_told_of_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let first = Program::start_ready(serve(&data, &[]));
    let told = refusal(serve(&data, &[]));
    let pid = format!("(pid {})", first.id());
    assert!(
        told.contains("in use by another tidegate process"),
        "{told}"
    );
    assert!(
        told.contains(&pid) && told.contains("storage.data_dir"),
        "{told}"
    );
    first.stop();
}

#[test]
fn a_first_token_that_no_client_could_send_is_refused_with_how_to_make_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for (token, reason) in [
        (format!("{TOKEN}\n"), "printf instead of echo"),
        (format!("{TOKEN} "), "printf instead of echo"),
        (format!("\"{TOKEN}\""), "it is in quotes"),
        ("short".to_owned(), "openssl rand -hex 32"),
    ] {
        let mut command = serve(&folder.path().join("data"), &[]);
        command.env("TIDEGATE_INIT_TOKEN", &token);
        let told = refusal(command);
        assert!(
            told.contains("TIDEGATE_INIT_TOKEN") && told.contains(reason),
            "{told}"
        );
        assert!(!told.contains(TOKEN), "{told}");
    }
}

#[test]
fn a_token_that_is_missing_or_unknown_is_explained_once_in_the_log_and_never_to_the_client() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(&folder.path().join("data"), &[]);
    command.env("TIDEGATE_INIT_TOKEN", TOKEN);
    let server = Program::start_ready(command);
    let unknown = TOKEN.replace('0', "x");
    for headers in [
        String::new(),
        format!("Authorization: Token {unknown}\r\n"),
        format!("Authorization: {TOKEN}\r\n"),
    ] {
        for _ in 0..2 {
            let (status, body) = write(&server, &headers, "m f=1 1");
            let expected = r#"{"code":"unauthorized","message":"unauthorized access"}"#;
            assert_eq!((status, body.as_str()), (401, expected));
        }
    }
    let sent = format!("Authorization: Token  {TOKEN} \r\n");
    assert_eq!(write(&server, &sent, "m f=1 1").0, 204);
    let log = server.stop();
    for advice in [
        "it carries no token",
        "its token is not known here",
        "its Authorization header is not understood",
    ] {
        assert_eq!(log.matches(advice).count(), 1, "{advice}: {log}");
    }
    assert!(!log.contains(TOKEN) && !log.contains(&unknown), "{log}");
    // Set after the first start it has no effect, and a warning says so.
    let mut command = serve(&folder.path().join("data"), &[]);
    command.env("TIDEGATE_INIT_TOKEN", &unknown);
    let log = Program::start_ready(command).stop();
    assert!(
        log.contains("TIDEGATE_INIT_TOKEN is not a token here"),
        "{log}"
    );
}

#[test]
fn a_clock_that_is_behind_the_newest_point_is_told_after_the_replay() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = || {
        let mut command = serve(&folder.path().join("data"), &["--without-auth"]);
        // What a stop flushes is no longer in the log.
        command.env("TIDEGATE_LAKE__STOP_MS_MAX", "0");
        Program::start_ready(command)
    };
    let server = start();
    assert_eq!(write(&server, "", "m f=1").0, 204);
    assert!(!server.stop().contains("the clock of this machine"));
    let server = start();
    assert_eq!(write(&server, "", "m f=1 4102444800000000000").0, 204);
    assert!(!server.stop().contains("the clock of this machine"));
    let log = start().stop();
    assert!(log.contains("WARN"), "{log}");
    assert!(
        log.contains("the newest point in the log is of 2100-01-01T00:00:00Z"),
        "{log}"
    );
    assert!(log.contains("NTP") && log.contains("retention"), "{log}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_before_the_port_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("plain").to_owned()
    };
    let cert = file("cert.pem", &made.cert.pem());
    let key = file("key.pem", &made.signing_key.serialize_pem());
    for (arguments, told) in [
        (
            &["--tls-cert", "/no.pem", "--tls-key", &key][..],
            "cannot read /no.pem (tls.cert_file)",
        ),
        (&["--tls-cert", &cert], "tls.key_file is not"),
        (&["--tls-cert", &key, "--tls-key", &cert], "are exchanged"),
        (
            &["--tls-cert", &cert, "--tls-key", &cert],
            "there is no private key in it",
        ),
    ] {
        let refusal = refusal(serve(&data, arguments));
        assert!(refusal.contains(told), "{refusal}");
    }
    assert!(!data.exists(), "nothing was opened");
}

#[test]
fn without_a_certificate_sighup_is_logged_and_survived() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Program::start_ready(serve(&folder.path().join("data"), &[]));
    for _ in 0..2 {
        server.signal("HUP");
        server.logged("SIGHUP: nothing to read again");
    }
    assert_eq!(server.ask("GET", "/ping", "", "").0, 204);
    server.stop();
}
