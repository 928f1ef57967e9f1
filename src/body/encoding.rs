//! `Content-Encoding`: one table of names, and one decoder per encoding. A new encoding is a row in
//! [`NAMES`], a variant, and an arm in [`Encoding::decoder`].

use std::io;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::BodyError;
use super::decoder::Decode;
use super::deflate::Inflating;
use super::gzip::{self, Members};
use super::member;
use super::zstd::{self, Frames};

/// The encoding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The body is not encoded.
    Identity,
    /// RFC 1952, with any number of members.
    Gzip,
    /// RFC 8878, with any number of frames.
    Zstd,
    /// RFC 1950, or bare RFC 1951.
    Deflate,
}

/// The names of encodings, compared without regard to case.
const NAMES: &[(&str, Encoding)] = &[
    ("", Encoding::Identity),
    ("identity", Encoding::Identity),
    ("gzip", Encoding::Gzip),
    ("x-gzip", Encoding::Gzip),
    ("zstd", Encoding::Zstd),
    ("deflate", Encoding::Deflate),
];

/// The most bytes of an unknown name that are repeated to the client.
const ECHO_BYTES_MAX: usize = 64;

/// The factor by which line protocol is assumed to grow when it is decoded, if nothing better is
/// known.
const RATIO_GUESS: u64 = 4;

impl Encoding {
    /// The encoding that the headers name. Several encodings on top of each other are not
    /// supported.
    pub fn of(headers: &HeaderMap) -> Result<Self, BodyError> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let Some(first) = values.next() else {
            return Ok(Self::Identity);
        };
        let name = first.as_bytes().trim_ascii();
        let known = NAMES
            .iter()
            .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        match (known, values.next()) {
            (Some((_, encoding)), None) => Ok(*encoding),
            _ => Err(BodyError::UnknownEncoding {
                encoding: echo(headers),
            }),
        }
    }

    /// The name of the encoding in errors.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
        }
    }

    /// A decoder for a whole body; absent if there is nothing to decode.
    pub(super) fn decoder(self, wire: Bytes) -> io::Result<Option<Box<dyn Decode>>> {
        Ok(match self {
            Self::Identity => None,
            Self::Gzip => Some(Box::new(Members::new(wire))),
            Self::Zstd => Some(Box::new(Frames::new(wire)?)),
            Self::Deflate => Some(Box::new(Inflating::new(wire))),
        })
    }

    /// The bytes that `wire_bytes` are expected to decode to, before they have arrived.
    pub(super) fn guess(self, wire_bytes: u64) -> u64 {
        match self {
            Self::Identity => 0,
            Self::Gzip | Self::Zstd | Self::Deflate => wire_bytes.saturating_mul(RATIO_GUESS),
        }
    }

    /// The bytes that a body may be decoded to at once, if it may.
    pub(super) fn at_once_bytes(self, wire: &[u8]) -> Option<usize> {
        match self {
            Self::Gzip => member::at_once_bytes(wire),
            Self::Identity | Self::Deflate | Self::Zstd => None,
        }
    }

    /// The bytes that a body claims to decode to. The claim may be false.
    pub(super) fn claim(self, wire: &[u8]) -> Option<u64> {
        match self {
            Self::Identity | Self::Deflate => None,
            Self::Gzip => gzip::claim(wire),
            Self::Zstd => zstd::claim(wire),
        }
    }
}

/// All values as one text that is safe to show to the client.
fn echo(headers: &HeaderMap) -> String {
    let values: Vec<_> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let mut text = values.join(", ");
    text.truncate(text.floor_char_boundary(ECHO_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::CONTENT_ENCODING;

    use super::Encoding;

    fn of(values: &[&str]) -> Result<Encoding, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, value.parse().expect("a header value"));
        }
        Encoding::of(&headers).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_known_in_any_case() {
        for name in ["gzip", "GZIP", " x-gzip ", "X-GZip"] {
            assert_eq!(of(&[name]), Ok(Encoding::Gzip), "{name}");
        }
        for (name, encoding) in [
            ("zstd", Encoding::Zstd),
            ("ZStd", Encoding::Zstd),
            ("deflate", Encoding::Deflate),
            ("DEFLATE", Encoding::Deflate),
        ] {
            assert_eq!(of(&[name]), Ok(encoding), "{name}");
        }
        for names in [&[][..], &[""], &["identity"], &["Identity"]] {
            assert_eq!(of(names), Ok(Encoding::Identity), "{names:?}");
        }
    }

    #[test]
    fn an_unknown_name_or_a_stack_of_encodings_is_repeated_and_cut() {
        assert_eq!(
            of(&["br"]),
            Err("unacceptable content-encoding: br".to_owned())
        );
        let stacked = "unacceptable content-encoding: gzip, gzip".to_owned();
        assert_eq!(of(&["gzip", "gzip"]), Err(stacked.clone()));
        assert_eq!(of(&["gzip, gzip"]), Err(stacked));
        let long = of(&[&"x".repeat(500)]).expect_err("unknown");
        assert_eq!(long.len(), "unacceptable content-encoding: ".len() + 64);
    }
}
