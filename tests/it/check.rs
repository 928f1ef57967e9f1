//! `ingest::Check`, which `tidegate check` runs, against a server: for every file of real data and
//! every case of the corpus it says what a server with a new bucket answers, word by word.

use serde_json::{Value, json};
use tidegate::config::{Config, Sources};
use tidegate::engine::ingest_options;
use tidegate::ingest::Check;
use tidegate::line_protocol::Precision;

use crate::data::{case, lp_files, shared};
use crate::server::Server;

fn precision(parameter: &str) -> Precision {
    match parameter {
        "ns" => Precision::Nanosecond,
        "us" => Precision::Microsecond,
        "ms" => Precision::Millisecond,
        "s" => Precision::Second,
        other => panic!("{other}"),
    }
}

/// Returns the check's result for a body that arrives in steps of `step` bytes: the accepted and
/// the rejected lines, and the reports as a server's answer has them.
fn checked(body: &[u8], parameter: &str, step: usize) -> (u64, u64, Vec<Value>) {
    let config = Config::load(&Sources::default()).expect("the defaults are valid");
    let now_ns = 1_700_000_000_000_000_000;
    let mut check = Check::new(ingest_options(&config), precision(parameter), now_ns);
    let (mut start, mut end) = (0, 0);
    let (mut accepted, mut rejected, mut reports) = (0, 0, Vec::new());
    loop {
        let text = &body[start..end];
        match check.slice(text, end == body.len()).expect("short lines") {
            Some(slice) => {
                start += slice.bytes;
                accepted += slice.accepted;
                rejected += slice.rejected;
                reports.extend(slice.reports.into_iter().map(|report| {
                    json!({"line": report.line, "column": report.column,
                           "code": report.code, "message": report.message})
                }));
            }
            None if end == body.len() => return (accepted, rejected, reports),
            None => end = body.len().min(end + step),
        }
    }
}

/// Holds the check of a body against a server's answer. Says how many lines were rejected.
async fn compare(server: &Server, name: &str, parameter: &str, body: &[u8], step: usize) -> u64 {
    let query = format!("bucket={name}&precision={parameter}");
    let answer = server.write(&query, body).await;
    let (accepted, rejected, reports) = checked(body, parameter, step);
    if answer.status == 204 {
        assert_eq!((rejected, reports), (0, Vec::new()), "{name}");
        return 0;
    }
    assert_eq!(answer.status, 400, "{name}: {}", answer.text());
    let told = answer.json();
    let first: Vec<Value> = reports.iter().take(100).cloned().collect();
    assert_eq!(told["errors"], json!(first), "{name}");
    assert_eq!(told["accepted"], json!(accepted), "{name}");
    assert_eq!(told["rejected"], json!(rejected), "{name}");
    rejected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_file_of_real_data_is_checked_as_a_server_takes_it() {
    let Some(folder) = shared("data") else { return };
    let server = Server::start().await;
    let mut files = 0;
    for (name, parameter, body) in lp_files(&folder) {
        files += 1;
        for (step, parameter) in [(100_000, parameter), (10_000_000, "ns"), (1_000_000, "s")] {
            let bucket = format!("{name}-{step}");
            compare(&server, &bucket, parameter, &body, step).await;
        }
    }
    assert!(files >= 5, "{files} files");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_the_corpus_is_checked_as_a_server_takes_it() {
    let Some(path) = shared("corpus/line-protocol-corpus.json") else {
        return;
    };
    let corpus: Value =
        serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
    let lots = |config: &mut Config| config.limits.buckets_max = 100_000;
    let server = Server::with(lots).await;
    let (mut cases, mut rejected, mut all) = (0, 0, Vec::new());
    for (id, decode) in corpus["decode"].as_object().expect("cases") {
        let Some((parameter, text, _)) = case(decode) else {
            panic!("{id} cannot be read")
        };
        cases += 1;
        rejected += compare(&server, id, parameter, &text, 7).await;
        all.extend_from_slice(&text);
        all.push(b'\n');
    }
    // And all of them as one body, of several slices, with all their clashes.
    let again = all.repeat(1 + (3 << 20) / all.len());
    compare(&server, "all", "ns", &again, 50_000).await;
    eprintln!("corpus: {cases} cases, {rejected} lines rejected");
    assert!(cases > 4000 && rejected > 1000, "{cases} {rejected}");
    server.stop().await;
}
