//! A vital part panics in a child process: this program, told to run one test alone.
#![allow(
    clippy::disallowed_methods,
    reason = "what the parent asks of its child comes in the environment"
)]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::time::Duration;

use crate::config::{Log, LogFormat};
use crate::telemetry::init_logs;

const CHILD: &str = "TIDEGATE_TEST_CHILD";
const SIGABRT: i32 = 6;

/// In the parent, runs this very test in a child and sees that it ends as by a panic of the part of
/// this name; in the child, does the work, which must not return.
pub(crate) fn assert_ends_the_process(test: &str, part: &str, work: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        let log = Log {
            format: LogFormat::Human,
            level: "info".to_owned(),
            colors: false,
        };
        init_logs(&log).expect("once");
        work();
        std::process::exit(0);
    }
    let Output { status, stderr, .. } = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("the child runs");
    let stderr = String::from_utf8_lossy(&stderr);
    assert_eq!(status.signal(), Some(SIGABRT), "{status}:\n{stderr}");
    let is_told = |line: &str| {
        let what = "has panicked: tidegate ends at once";
        line.contains(what) && line.contains(part) && line.contains("on purpose")
    };
    assert!(stderr.lines().any(is_told), "{stderr}");
}

/// Long enough for any child to have ended before.
pub(crate) fn wait_for_the_end() {
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_panic_of_a_vital_thread_ends_the_process_and_says_so() {
    let test = "vital::tests::a_panic_of_a_vital_thread_ends_the_process_and_says_so";
    assert_ends_the_process(test, "\"threading\"", || {
        let thread = super::thread("threading", || panic!("on purpose")).expect("a thread");
        let _: Result<(), _> = thread.join();
    });
}

#[test]
fn a_panic_of_a_vital_task_ends_the_process_and_says_so() {
    let test = "vital::tests::a_panic_of_a_vital_task_ends_the_process_and_says_so";
    assert_ends_the_process(test, "\"tasking\"", || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().expect("a runtime");
        runtime.block_on(async {
            let late = async {
                tokio::task::yield_now().await;
                panic!("on purpose")
            };
            let _: Result<(), _> = tokio::spawn(super::task("tasking", late)).await;
        });
    });
}

#[test]
fn what_does_not_panic_is_handed_through() {
    let thread = super::thread("fine", || 7).expect("a thread");
    assert_eq!(thread.join().expect("no panic"), 7);
}
