//! Guessing what a body is, whatever its headers say: for errors that name the wrong or missing
//! header, instead of what a decoder or parser makes of bytes that are not meant for it.

use super::{deflate, gzip, zstd};
use crate::certain::Certain;

/// The bytes at the start that are examined.
const LOOK_BYTES: usize = 64;

/// The format that a body seems to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    Gzip,
    Zstd,
    /// The zlib format, which is what `deflate` means.
    Deflate,
    /// Readable text, such as line protocol.
    Text,
    Unknown,
}

impl Looks {
    pub(super) fn of(body: &[u8]) -> Self {
        let start = body.get(..LOOK_BYTES).unwrap_or(body);
        match () {
            () if start.starts_with(gzip::MAGIC) => Self::Gzip,
            () if start.starts_with(&zstd::MAGIC) || zstd::is_skippable(start) => Self::Zstd,
            // `x\x9c` is two letters short of text.
            () if deflate::is_zlib(start) && !is_text(start) => Self::Deflate,
            () if is_text(start) => Self::Text,
            () => Self::Unknown,
        }
    }

    /// The name in a header; absent for what needs none.
    pub(super) fn encoding(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Deflate => Some("deflate"),
            Self::Text | Self::Unknown => None,
        }
    }
}

/// The encoding of a body that was sent without declaring one and that certainly is not text:
/// neither magic number is UTF-8.
pub(super) fn undeclared(body: &[u8]) -> Option<&'static str> {
    let sure = body.starts_with(gzip::MAGIC_AND_METHOD) || body.starts_with(&zstd::MAGIC);
    sure.then(|| Looks::of(body).encoding()).flatten()
}

/// A hint for an error about a body that was declared as `declared`.
pub(super) fn hint(declared: &str, body: &[u8]) -> String {
    let looks = Looks::of(body);
    match looks.encoding() {
        Some(seen) if seen == declared => String::new(),
        Some(seen) => format!("; the body looks like {seen}: send `Content-Encoding: {seen}`"),
        None if looks == Looks::Text => {
            "; the body looks like plain text: compress it, or leave Content-Encoding away"
                .to_owned()
        }
        None => String::new(),
    }
}

fn is_text(start: &[u8]) -> bool {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The last character is cut off.
        Err(error) if error.error_len().is_none() => {
            let valid = start.get(..error.valid_up_to());
            let valid = valid.and_then(|valid| std::str::from_utf8(valid).ok());
            valid.certain("the text was valid up to there")
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && text
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::{Looks, hint, undeclared};

    #[test]
    fn each_is_known_by_its_first_bytes() {
        for (body, looks) in [
            (&b"\x1f\x8b\x08\0"[..], Looks::Gzip),
            (b"\x28\xb5\x2f\xfd\0", Looks::Zstd),
            (b"\x53\x2a\x4d\x18\0", Looks::Zstd),
            (b"\x78\x9c\x03\0", Looks::Deflate),
            (b"\x78\x01\x03\0", Looks::Deflate),
            (b"m f=1", Looks::Text),
            (b"# comment\r\n\tm", Looks::Text),
            ("caf\u{e9} f=1".as_bytes(), Looks::Text),
            (b"\0\x01", Looks::Unknown),
            (b"\xff\xfe", Looks::Unknown),
            (b"", Looks::Unknown),
        ] {
            assert_eq!(Looks::of(body), looks, "{body:?}");
        }
        let cut = [b"x".repeat(63), "\u{e9}".into()].concat();
        assert_eq!(Looks::of(&cut), Looks::Text);
    }

    #[test]
    fn only_what_is_no_text_for_sure_is_said_to_lack_its_header() {
        assert_eq!(undeclared(b"\x1f\x8b\x08\0"), Some("gzip"));
        assert_eq!(undeclared(b"\x28\xb5\x2f\xfd"), Some("zstd"));
        for body in [&b"\x1f\x8b\x07"[..], b"P*M\x18", b"x\x9c", b"m f=1", b""] {
            assert_eq!(undeclared(body), None, "{body:?}");
        }
    }

    #[test]
    fn a_hint_is_given_only_where_the_header_is_wrong() {
        assert_eq!(hint("gzip", b"\x1f\x8b\x08\0"), "");
        assert_eq!(hint("gzip", b"\0\0"), "");
        assert!(hint("gzip", b"m f=1").contains("leave Content-Encoding away"));
        assert!(hint("deflate", b"\x1f\x8b\x08").contains("`Content-Encoding: gzip`"));
    }
}
