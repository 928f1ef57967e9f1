//! The body of a request that has no answer, and its text as a header.

use super::layout::Layout;
use super::text::write_json_text;
use super::{Format, csv, msgpack};

/// Returns the body that says why a request as a whole was refused.
///
/// JSON has the text under `message`, as the API of InfluxDB 2, and under `error`, as 1.x, after the
/// `code` of the former (`invalid`, `unauthorized`); the other formats have the text alone.
pub fn failure(format: Format, pretty: bool, code: &str, text: &str) -> Vec<u8> {
    let mut body = Vec::new();
    match format {
        Format::Json => write_json(pretty, code, text, &mut body),
        Format::ApplicationCsv | Format::TextCsv => csv::write_error(text, &mut body),
        Format::Msgpack => msgpack::write_error(text, &mut body),
    }
    body
}

/// The most bytes of a text in the header `X-InfluxDB-Error`.
const HEADER_MAX_BYTES: usize = 1024;

/// Returns the text as the value of the header `X-InfluxDB-Error`: its first 1,024 bytes, without
/// half a character at their end, and with spaces for what a header must not hold.
pub fn failure_header(text: &str) -> String {
    text.get(..text.floor_char_boundary(HEADER_MAX_BYTES))
        .unwrap_or(text)
        .chars()
        .map(|character| match character {
            '\t' => character,
            _ if character.is_ascii_control() => ' ',
            _ => character,
        })
        .collect()
}

fn write_json(pretty: bool, code: &str, text: &str, out: &mut Vec<u8>) {
    let layout = Layout::new(pretty);
    out.push(b'{');
    for (at, (name, value)) in [("code", code), ("message", text), ("error", text)]
        .into_iter()
        .enumerate()
    {
        layout.next(at == 0, 1, out);
        layout.name(name, out);
        write_json_text(value, out);
    }
    layout.line(0, out);
    out.extend_from_slice(b"}\n");
}
