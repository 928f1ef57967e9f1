//! Bodies of 5000 lines, as requests.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::client::write_request;
use crate::support::shapes;

pub const LINES: usize = 5000;

/// A shape, cut into bodies.
pub struct Bodies {
    pub name: &'static str,
    pub identity: Vec<Vec<u8>>,
    pub gzip: Vec<Vec<u8>>,
    /// Of the text of all of them.
    pub text_bytes: usize,
}

impl Bodies {
    pub fn lines(&self) -> usize {
        self.identity.len() * LINES
    }
}

/// The shapes that ingest is measured with, `count` bodies of each.
pub fn all(count: usize) -> Vec<Bodies> {
    let lines = (count * LINES) as u64;
    vec![
        cut("tsbs cpu-only", &shapes::tsbs_cpu(lines, 4_000)),
        cut("iot", &shapes::iot(lines)),
        cut("telegraf mix", &shapes::telegraf(lines)),
        cut("every series new", &shapes::every_series_new(lines)),
    ]
}

/// TSBS cpu-only in identity requests.
pub fn tsbs(count: usize) -> Vec<Vec<u8>> {
    pieces(&shapes::tsbs_cpu((count * LINES) as u64, 4_000))
        .map(|body| write_request(body.as_bytes(), None))
        .collect()
}

fn cut(name: &'static str, text: &str) -> Bodies {
    let plain = |body: String| write_request(body.as_bytes(), None);
    let packed = |body: String| write_request(&gzip(body.as_bytes()), Some("gzip"));
    Bodies {
        name,
        identity: pieces(text).map(plain).collect(),
        gzip: pieces(text).map(packed).collect(),
        text_bytes: text.len(),
    }
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let bodies: Vec<String> = lines.chunks(LINES).map(<[&str]>::concat).collect();
    bodies.into_iter()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}
