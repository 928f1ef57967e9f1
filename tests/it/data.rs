//! Real data and the corpus of the line protocol, there and back again: what is exported, written
//! to another server and exported once more is the same byte for byte. Files that are not there
//! are skipped, loudly.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::server::{Server, export};

/// A folder of the material that tests may use; it is no part of the project.
pub fn shared(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared", "../../shared"].map(|place| root.join(place).join(name));
    let found = places.into_iter().find(|place| place.exists());
    if found.is_none() {
        eprintln!("SKIPPED: there is no ../shared/{name}");
    }
    found
}

/// Name, precision and text of every file of line protocol in a folder.
pub fn lp_files(folder: &Path) -> Vec<(String, &'static str, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let lines = paths.filter(|path| path.extension().is_some_and(|extension| extension == "lp"));
    let file = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_str().expect("text");
        // By their README these two have seconds.
        let precision = match name {
            "home-sensor-data" | "eu-wind-data" => "s",
            _ => "ns",
        };
        let bytes = std::fs::read(&path).expect("readable");
        (name.to_owned(), precision, bytes)
    };
    lines.map(file).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_real_data_survive_two_servers() {
    let Some(folder) = shared("data") else { return };
    let (first, second) = (Server::start().await, Server::start().await);
    let mut files = 0;
    for (name, precision, bytes) in lp_files(&folder) {
        files += 1;
        let query = format!("bucket={name}&precision={precision}");
        first.write(&query, &bytes).await.is_written();
        let exported = first.export(&name).await;
        assert!(exported.lines().count() > 10, "{name}");
        second
            .write(&format!("bucket={name}"), &exported)
            .await
            .is_written();
        assert!(second.export(&name).await == exported, "{name}");
        // Again, and compressed: nothing changes.
        let zipped = crate::server::write(&query).header("Content-Encoding", "gzip");
        first
            .ask(zipped.body(crate::write::gzip::gzip(&bytes)))
            .await
            .is_written();
        assert!(first.export(&name).await == exported, "{name}");
    }
    assert!(files >= 5, "{files} files");
    let again = Server::over(second.stop().await, |_| ()).await;
    let query = export("bucket=home-sensor-data");
    assert_eq!(
        again.ask(query.clone()).await.body,
        first.ask(query).await.body,
        "after a restart"
    );
    first.stop().await;
    again.stop().await;
}

/// Precision parameter, text, and whether the corpus accepts it.
pub fn case(decode: &Value) -> Option<(&'static str, Vec<u8>, bool)> {
    let input = &decode["input"];
    let precision = match input["precision"].as_str()? {
        "1ns" => "ns",
        "1µs" => "us",
        "1ms" => "ms",
        "1s" => "s",
        _ => return None,
    };
    let text = match &input["text"] {
        Value::String(text) => text.clone().into_bytes(),
        other => {
            use base64::Engine as _;
            let binary = other["binary"].as_str()?;
            base64::engine::general_purpose::STANDARD
                .decode(binary)
                .ok()?
        }
    };
    Some((precision, text, decode["output"].get("result").is_some()))
}

/// Returns whether the server rejected this on purpose although the grammar accepts it: reserved
/// names, a tag and a field of one name, one field with two types, types that conflict between the
/// lines of a case.
fn refused_on_purpose(answer: &Value) -> bool {
    let errors = answer["errors"].as_array().expect("a list");
    errors.iter().all(|error| {
        matches!(
            error["code"].as_str(),
            Some("reserved_name" | "type_conflict" | "field_dropped")
        )
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cases_of_the_corpus_are_taken_as_it_says_and_survive_two_servers() {
    let Some(path) = shared("corpus/line-protocol-corpus.json") else {
        return;
    };
    let corpus: Value =
        serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
    let lots = |config: &mut tidegate::config::Config| config.limits.buckets_max = 100_000;
    let (first, second) = (Server::with(lots).await, Server::with(lots).await);
    let (mut accepted, mut refused, mut on_purpose) = (0, 0, 0);
    // One bucket per case would sync a catalog for each: only what is accepted gets one.
    for (id, decode) in corpus["decode"].as_object().expect("cases") {
        let Some((precision, text, good)) = case(decode) else {
            panic!("{id} cannot be read")
        };
        let query = format!("bucket={id}&precision={precision}&accept_partial=false");
        let answer = first.write(&query, &text).await;
        match (answer.status, good) {
            (204, true) => {}
            (400, true) => {
                assert!(
                    refused_on_purpose(&answer.json()),
                    "{id}: {}",
                    answer.text()
                );
                on_purpose += 1;
                continue;
            }
            (400, false) => {
                refused += 1;
                continue;
            }
            (status, _) => panic!("{id}: {status} {}", answer.text()),
        }
        if !first.has_bucket(id).await {
            continue;
        }
        accepted += 1;
        let exported = first.export(id).await;
        second
            .write(&format!("bucket={id}"), &exported)
            .await
            .is_written();
        assert_eq!(second.export(id).await, exported, "{id}");
    }
    eprintln!("corpus: {accepted} stored, {refused} refused, {on_purpose} refused on purpose");
    assert!(accepted > 200 && refused > 1000, "{accepted} {refused}");
    first.stop().await;
    second.stop().await;
}
