//! Gzip with all its members, strict about what follows the last one: otherwise half a file that was
//! appended to another would be lost silently.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;

use super::explain::explained;

/// The first bytes of each member.
pub(super) const GZIP: &[u8] = &[0x1f, 0x8b];

pub(super) struct Gunzip<R> {
    /// None after the end.
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            decoder: Some(GzDecoder::new(reader)),
        }
    }

    /// Begins the next member, if there is one.
    fn go_on(&mut self, mut rest: R) -> io::Result<()> {
        let next = rest.fill_buf()?;
        if next.is_empty() {
            return Ok(());
        }
        if next.first() != GZIP.first() {
            let bytes = io::copy(&mut rest, &mut io::sink())?;
            let reason = format!("{bytes} bytes follow the last gzip member, which are not gzip");
            return Err(io::Error::new(ErrorKind::InvalidData, reason));
        }
        self.decoder = Some(GzDecoder::new(rest));
        Ok(())
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(mut decoder) = self.decoder.take() {
            match decoder.read(out) {
                Ok(0) if !out.is_empty() => self.go_on(decoder.into_inner())?,
                Err(error) => return Err(explained("gzip", &error)),
                result => {
                    self.decoder = Some(decoder);
                    return result;
                }
            }
        }
        Ok(0)
    }
}
