//! Texts within JSON and CSV, escaped as Go does it.

/// Writes a JSON string with its quotes. What a browser could take for markup is escaped too, and
/// so are the two characters that end a line in JavaScript.
pub(super) fn write_json_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| is_suspect(*byte)) {
        let Some((plain, [suspect, after @ ..])) = rest.split_at_checked(at) else {
            break;
        };
        out.extend_from_slice(plain);
        rest = write_escape(*suspect, after, out);
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Returns true for a byte that is escaped or begins a character that may be.
#[inline]
fn is_suspect(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2)
}

/// Writes a suspect byte, escaped if need be, and returns the bytes that are left.
fn write_escape<'a>(byte: u8, after: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match (byte, after) {
        (b'"', _) => out.extend_from_slice(b"\\\""),
        (b'\\', _) => out.extend_from_slice(b"\\\\"),
        (b'\n', _) => out.extend_from_slice(b"\\n"),
        (b'\r', _) => out.extend_from_slice(b"\\r"),
        (b'\t', _) => out.extend_from_slice(b"\\t"),
        (0xe2, [0x80, 0xa8, rest @ ..]) => {
            out.extend_from_slice(b"\\u2028");
            return rest;
        }
        (0xe2, [0x80, 0xa9, rest @ ..]) => {
            out.extend_from_slice(b"\\u2029");
            return rest;
        }
        (0xe2, _) => out.push(byte),
        (byte, _) => {
            out.extend_from_slice(b"\\u00");
            for digit in [byte >> 4, byte & 0xf] {
                out.extend(DIGITS.get(usize::from(digit)));
            }
        }
    }
    after
}

/// Writes a field of CSV, in quotes if it holds a comma, a quote or an end of a line, begins with
/// white space or is `\.`.
pub(super) fn write_csv_text(text: &str, out: &mut Vec<u8>) {
    let quoted = text == "\\."
        || text.starts_with(char::is_whitespace)
        || text
            .bytes()
            .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if !quoted {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for (at, piece) in text.split('"').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(piece.as_bytes());
    }
    out.push(b'"');
}

/// Appends a key or a value of a tag, escaped as in line protocol.
pub(super) fn push_tag(text: &str, out: &mut String) {
    for character in text.chars() {
        if matches!(character, ',' | '=' | ' ') {
            out.push('\\');
        }
        out.push(character);
    }
}
