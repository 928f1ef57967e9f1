//! Where JSON has spaces and new lines.

/// The bytes around the values of JSON: none, or those of an indentation by four spaces.
pub(super) struct Layout {
    pretty: bool,
    /// From the row before to the first value of a row that is not the first.
    pub(super) next_row: &'static [u8],
    /// From the start of the list of rows to the first value.
    pub(super) first_row: &'static [u8],
    /// Between two values of a row.
    pub(super) next_value: &'static [u8],
    /// After the last value of a row.
    pub(super) row_end: &'static [u8],
}

impl Layout {
    pub(super) fn new(pretty: bool) -> Self {
        if pretty {
            Self {
                pretty,
                next_row: b",\n                        [\n                            ",
                first_row: b"\n                        [\n                            ",
                next_value: b",\n                            ",
                row_end: b"\n                        ]",
            }
        } else {
            Self {
                pretty,
                next_row: b",[",
                first_row: b"[",
                next_value: b",",
                row_end: b"]",
            }
        }
    }

    /// Starts a line at a depth; does nothing in compact JSON.
    pub(super) fn line(&self, depth: usize, out: &mut Vec<u8>) {
        if self.pretty {
            out.push(b'\n');
            out.extend((0..depth).flat_map(|_| *b"    "));
        }
    }

    /// Starts a member of an object or of a list, after a comma if another one is before it.
    pub(super) fn next(&self, is_first: bool, depth: usize, out: &mut Vec<u8>) {
        if !is_first {
            out.push(b',');
        }
        self.line(depth, out);
    }

    /// Writes the name of a member that needs no escapes, and the colon.
    pub(super) fn name(&self, name: &str, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.push(b'"');
        self.colon(out);
    }

    /// Writes a colon.
    pub(super) fn colon(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.pretty { b": " } else { b":" });
    }
}
