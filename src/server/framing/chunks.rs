//! Finding the end of a chunked body (RFC 9112, section 7.1). It is strict: CRLF only, digits only,
//! bounded extensions and trailers. The parser after it reads the same bytes again and extracts the
//! data; here only the end matters, and that both agree on it.

use crate::narrow;
use std::io;

/// The most bytes of extensions and trailers of one body.
const EXTRA_BYTES_MAX: usize = 8 * 1024;

/// The most hexadecimal digits of a chunk's size: 60 bits.
const DIGITS_MAX: u32 = 15;

/// A scanner that can stop after any byte.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    /// The bytes that are left of the current chunk.
    left: u64,
    digits: u32,
    extra_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the start of a trailer line, or of the empty line that ends the body.
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

impl Chunks {
    /// Returns how many of these bytes belong to the body, and true if it ends with them.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> io::Result<(usize, bool)> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if self.state == State::Data {
                at += self.skip(bytes.len() - at);
                continue;
            }
            self.step(*byte)?;
            at += 1;
            if self.state == State::End {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// Skips the chunk's data among `here` bytes; returns its length.
    fn skip(&mut self, here: usize) -> usize {
        let skipped = narrow::to_usize(self.left).min(here);
        self.left = self.left.saturating_sub(narrow::to_u64(skipped));
        if self.left == 0 {
            self.state = State::DataCr;
        }
        skipped
    }

    fn step(&mut self, byte: u8) -> io::Result<()> {
        self.state = match (self.state, byte) {
            (State::Size, b'\r') if self.digits > 0 => State::SizeLf,
            (State::Size, b';') if self.digits > 0 => self.extra(State::Extension)?,
            (State::Size, digit) => self.digit(digit)?,
            (State::Extension, b'\r') => State::SizeLf,
            (State::Extension, other) if is_text(other) => self.extra(State::Extension)?,
            (State::SizeLf, b'\n') => self.sized(),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size,
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerStart | State::Trailer, other) if is_text(other) => {
                self.extra(State::Trailer)?
            }
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::End,
            _ => return Err(malformed("a chunk is not framed by CRLF")),
        };
        Ok(())
    }

    fn digit(&mut self, byte: u8) -> io::Result<State> {
        let digit = char::from(byte).to_digit(16);
        let digit = digit.ok_or_else(|| malformed("a chunk's size is no hexadecimal number"))?;
        if self.digits >= DIGITS_MAX {
            return Err(malformed("a chunk's size has too many digits"));
        }
        (self.left, self.digits) = ((self.left << 4) | u64::from(digit), self.digits + 1);
        Ok(State::Size)
    }

    /// The state after the line with the size.
    fn sized(&mut self) -> State {
        self.digits = 0;
        if self.left == 0 {
            State::TrailerStart
        } else {
            State::Data
        }
    }

    fn extra(&mut self, next: State) -> io::Result<State> {
        self.extra_bytes += 1;
        if self.extra_bytes > EXTRA_BYTES_MAX {
            return Err(malformed("too many bytes of chunk extensions and trailers"));
        }
        Ok(next)
    }
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::Chunks;

    /// Returns where the body ends, if it does, however it is divided in two.
    fn end(bytes: &[u8]) -> Result<Option<usize>, String> {
        let whole = Chunks::default()
            .scan(bytes)
            .map_err(|error| error.to_string());
        for cut in 0..=bytes.len() {
            let mut chunks = Chunks::default();
            let halves = chunks.scan(&bytes[..cut]).and_then(|first| match first {
                (at, true) => Ok((at, true)),
                (at, false) => chunks
                    .scan(&bytes[cut..])
                    .map(|(more, end)| (at + more, end)),
            });
            assert_eq!(
                halves.map_err(|error| error.to_string()),
                whole,
                "cut at {cut}"
            );
        }
        whole.map(|(at, ended)| ended.then_some(at))
    }

    #[test]
    fn the_end_is_found_wherever_the_bytes_are_cut() {
        let body = b"5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(end(body), Ok(Some(body.len())));
        assert_eq!(end(&[&body[..], b"GET /"].concat()), Ok(Some(body.len())));
        let trailers = b"1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n";
        assert_eq!(end(trailers), Ok(Some(trailers.len())));
        assert_eq!(end(b"5\r\nhel"), Ok(None));
        assert_eq!(end(b"000\r\n\r\n"), Ok(Some(7)));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for body in [
            &b"\r\n"[..],
            b"5\nhello\r\n",
            b"5 \r\nhello\r\n",
            b" 5\r\n",
            b"+5\r\n",
            b"0x5\r\n",
            b"5\r\nhello\n",
            b"5\r\nhello!",
            b"5;a\nb\r\n",
            b"5\rX",
            b"0\r\nA: b\n\r\n",
            b"0\r\n\rX",
            b"1234567890123456\r\n",
        ] {
            assert!(end(body).is_err(), "{:?}", String::from_utf8_lossy(body));
        }
        let long = [b"0\r\n".to_vec(), vec![b'x'; 9000]].concat();
        assert!(Chunks::default().scan(&long).is_err());
    }
}
