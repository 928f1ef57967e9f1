use std::io::{Cursor, Read as _, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Input, Text};
use crate::cli::CliError;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("to memory");
    encoder.finish().expect("to memory")
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).expect("to memory")
}

/// The text of the stored points, or the error, and the number of its bytes that were taken.
fn read(stored: &[u8]) -> (Result<String, String>, Option<u64>) {
    let mut text = match Text::new(Box::new(Cursor::new(stored.to_vec()))) {
        Ok(text) => text,
        Err(error) => return (Err(error.to_string()), None),
    };
    let mut whole = String::new();
    let read = text.read_to_string(&mut whole);
    (
        read.map(|_| whole).map_err(|error| error.to_string()),
        text.taken(),
    )
}

#[test]
fn plain_gzip_and_zstd_are_told_by_their_first_bytes_and_read_to_their_end() {
    let long = "m f=1 1\n".repeat(100_000);
    for text in ["", "m", "m f=1 1\n", long.as_str()] {
        assert_eq!(read(text.as_bytes()), (Ok(text.to_owned()), None));
        for stored in [gzip(text), zstd(text)] {
            let bytes = u64::try_from(stored.len()).ok();
            assert_eq!(read(&stored), (Ok(text.to_owned()), bytes));
            let twice = [stored.clone(), stored].concat();
            let bytes = u64::try_from(twice.len()).ok();
            assert_eq!(read(&twice), (Ok(text.repeat(2)), bytes));
        }
    }
}

#[test]
fn what_is_cut_damaged_or_followed_by_something_else_is_an_error_that_says_so() {
    let text: String = (0..10_000).map(|n| format!("m f={n} {n}\n")).collect();
    for (kind, stored) in [("gzip", gzip(&text)), ("zstd", zstd(&text))] {
        let early = format!("the {kind} stream ends too early");
        for left in [11, stored.len() / 2, stored.len() - 1] {
            assert_eq!(read(&stored[..left]).0, Err(early.clone()));
        }
        let told = read(&[stored, b"m f=1 1\n".to_vec()].concat()).0;
        let told = told.expect_err("something follows");
        let expected = match kind {
            "gzip" => "8 bytes follow the last gzip member, which are not gzip",
            _ => "the zstd stream is damaged, or something else follows it: ",
        };
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn a_flipped_bit_is_told_by_the_checksum_of_gzip() {
    let text: String = (0..100).map(|n| format!("m f={n} {n}\n")).collect();
    let mut damaged = gzip(&text);
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let told = read(&damaged).0.expect_err("damaged");
    assert!(told.starts_with("the gzip stream is damaged"), "{told}");
}

#[test]
fn what_is_no_text_at_all_is_told_by_its_name() {
    for (stored, part) in [
        (&b"\xfd7zXZ\0\0\x04abc"[..], "xz -dc"),
        (b"BZh91AY&SYabc", "bzip2 -dc"),
        (b"PK\x03\x04abc", "zip archive"),
        (b"\xff\xfem\0 \0", "UTF-16"),
        (b"\xfe\xff\0m\0 ", "UTF-16"),
    ] {
        let told = read(stored).0.expect_err("no text");
        assert!(told.contains(part), "{told}");
    }
    // A measurement may begin like one of them.
    for text in ["BZh9 f=1 1", "PK f=1 1"] {
        assert_eq!(read(text.as_bytes()).0, Ok(text.to_owned()));
    }
}

#[test]
fn inputs_are_looked_for_before_any_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = |paths: &[&str]| Input::all(&paths.iter().map(Into::into).collect::<Vec<_>>());
    let told = |paths: &[&str]| crate::telemetry::causes(&all(paths).expect_err("refused"));
    assert!(told(&["-", "/no/such/file"]).starts_with("cannot open /no/such/file: "));
    let folder = folder.path().to_str().expect("plain");
    assert_eq!(
        told(&[folder]),
        format!("cannot read {folder}: is a directory")
    );
    assert!(matches!(all(&["-", "-"]), Err(CliError::Usage(_))));
    let one = all(&["-"]).expect("there");
    assert_eq!((one[0].name.as_str(), one[0].bytes), ("stdin", None));
}

/// A terminal: the end of input (Ctrl-D) is read once, and then the next input is waited for.
struct Terminal {
    typed: Cursor<Vec<u8>>,
    has_ended: bool,
}

impl std::io::Read for Terminal {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        assert!(!self.has_ended, "the end is asked for twice");
        let read = self.typed.read(buffer)?;
        self.has_ended = read == 0;
        Ok(read)
    }
}

/// From a bug: up to nine bytes that were typed needed a second Ctrl-D.
#[test]
fn the_end_of_an_input_is_read_once_however_short_it_is() {
    for text in ["", "m f=1 1\n", "m f=1 10\n", "m f=1 100\n", "m f=1 1000\n"] {
        let mut read = Text::new(Box::new(Terminal {
            typed: Cursor::new(text.as_bytes().to_vec()),
            has_ended: false,
        }))
        .expect("readable");
        let mut whole = String::new();
        read.read_to_string(&mut whole).expect("readable");
        assert_eq!(whole, text);
    }
}
