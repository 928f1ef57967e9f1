//! The guard as a stream of bytes.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::guard::{Guard, State};
use crate::certain::Certain;
use crate::clock;

/// The reason why the slice of new bytes exists, even if it is empty.
const FILLED: &str = "a read only adds bytes, and no more are passed on than arrived";

/// The bytes that are read at once while waiting for a head.
const HEAD_CHUNK_BYTES: usize = 4096;

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the connection was given back")
}

impl<IO: AsyncRead + Unpin> Guard<IO> {
    /// Reads more of a head. Returns false if the peer has closed its side.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.awaiting_first || !self.held.is_empty() {
            self.head_timer.start(self.limits.head_timeout);
        }
        // Not zeroed: for a small request that was most of what the guard cost.
        let mut chunk = [const { MaybeUninit::uninit() }; HEAD_CHUNK_BYTES];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        let io = Pin::new(self.io.as_mut().ok_or_else(gone)?);
        if io.poll_read(cx, &mut chunk)?.is_pending() {
            // A peer that sent no request can only expect the connection to close without an
            // answer.
            ready!(self.head_timer.poll_expired(cx));
            return Poll::Ready(Ok(false));
        }
        self.held.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(!chunk.filled().is_empty()))
    }

    /// Fails if the peer has closed its side though it waits for an answer that nobody else needs. What
    /// it sends ahead of that answer is held back.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let waits = self.presence.is_needed() && matches!(self.state, State::Head);
        while waits && self.held.len() < HEAD_CHUNK_BYTES && !self.ended {
            let mut chunk = [const { MaybeUninit::uninit() }; HEAD_CHUNK_BYTES];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            let io = Pin::new(self.io.as_mut().ok_or_else(gone)?);
            if io.poll_read(cx, &mut chunk)?.is_pending() {
                return Ok(());
            }
            self.held.extend_from_slice(chunk.filled());
            self.ended = chunk.filled().is_empty();
        }
        match waits && self.ended {
            true => {
                let reason = "the peer left before its answer";
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason))
            }
            false => Ok(()),
        }
    }

    /// Reads a body straight into `out`. Bytes of the next request are held back.
    fn poll_body(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        let io = Pin::new(self.io.as_mut().ok_or_else(gone)?);
        ready!(io.poll_read(cx, out))?;
        let fresh = out.filled().get(before..).certain(FILLED);
        if fresh.is_empty() {
            self.ended = true;
            return Poll::Ready(Ok(()));
        }
        let (passed, state) = self.state.follow(fresh)?;
        self.held
            .extend_from_slice(fresh.get(passed..).certain(FILLED));
        if let Some(state) = state {
            self.state = state;
        }
        out.set_filled(before + passed);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Guard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.vetted == 0 && !this.held.is_empty() {
                this.vet()?;
            }
            if this.vetted > 0 {
                this.pass(out);
                return Poll::Ready(Ok(()));
            }
            match this.state {
                // The answer ends the connection; an end of the input would end it before that.
                State::Refused => return Poll::Pending,
                State::Head => {
                    if !ready!(this.poll_head(cx))? {
                        this.ended = true;
                        return Poll::Ready(Ok(()));
                    }
                }
                State::Length(_) | State::Chunked(_) | State::Passing => {
                    return this.poll_body(cx, out);
                }
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> Guard<IO> {
    /// Calls `write` on the connection; a peer that takes nothing for too long is an error. `bytes` are
    /// those that were taken.
    fn poll_taken<T>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut IO>, &mut Context<'_>) -> Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        let this = &mut *self;
        let io = Pin::new(this.io.as_mut().ok_or_else(gone)?);
        if let Poll::Ready(result) = write(io, cx) {
            this.write_timer.stop();
            if let Ok(bytes @ 1..) = result.as_ref().map(bytes) {
                this.taking.took(bytes, 0, clock::instant());
            }
            return Poll::Ready(result);
        }
        if !this.write_timer.is_running() {
            let patience = this.taking.patience(0, clock::instant());
            this.write_timer.start(patience);
        }
        ready!(this.write_timer.poll_expired(cx));
        let reason = "the peer takes nothing of its answer";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, reason)))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_taken(cx, |io, cx| io.poll_write(cx, bytes), |taken| *taken)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_taken(
            cx,
            |io, cx| io.poll_write_vectored(cx, slices),
            |taken| *taken,
        )
    }

    fn is_write_vectored(&self) -> bool {
        self.io.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    /// Called whenever the connection is looked after, also while an answer is made.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_gone(cx)?;
        self.poll_taken(cx, |io, cx| io.poll_flush(cx), |()| 0)
    }

    /// Only flushes: the connection is closed properly once it has been given back.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
