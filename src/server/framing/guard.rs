//! The guard of a connection: every byte passes here, and its state says what comes next.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, BytesMut};
use tokio::io::ReadBuf;

use super::chunks::Chunks;
use super::head::{self, Framing, Refusal, Verdict};
use super::limits::Limits;
use super::presence::Presence;
use super::remains::{Remains, Returned, Unread};
use super::timer::Timer;
use crate::clock;
use crate::narrow;
use crate::pace::Taking;

/// The method of the request that replaces a refused one.
pub(in crate::server) const REFUSED: &str = "TIDEGATE-REFUSED";

/// The request that replaces a refused one. It names the path if that is beyond doubt, because
/// errors look different on different paths.
pub(super) fn stand_in(refused: &[u8]) -> Vec<u8> {
    let path = head::path(refused).unwrap_or("/");
    format!("{REFUSED} {path} HTTP/1.1\r\nhost: -\r\nconnection: close\r\n\r\n").into_bytes()
}

pub(super) const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The reason for which the request that was just replaced was refused.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Refusals(Arc<Mutex<Option<Refusal>>>);

impl Refusals {
    pub(in crate::server) fn take(&self) -> Option<Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn put(&self, refusal: Refusal) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }
}

/// The part of the stream that the peer sends next.
#[derive(Debug)]
pub(super) enum State {
    /// A request's head, or the preface of HTTP/2.
    Head,
    /// This many bytes of a body.
    Length(u64),
    /// A chunked body.
    Chunked(Chunks),
    /// HTTP/2.
    Passing,
    /// Nothing that will be read.
    Refused,
}

impl State {
    /// Returns how many of these bytes belong to the body, and the next state if it ends with them.
    pub(super) fn follow(&mut self, fresh: &[u8]) -> io::Result<(usize, Option<Self>)> {
        match self {
            Self::Length(left) => {
                let passed = narrow::to_usize(*left).min(fresh.len());
                *left -= narrow::to_u64(passed);
                Ok((passed, (*left == 0).then_some(Self::Head)))
            }
            Self::Chunked(chunks) => {
                let (passed, ended) = chunks.scan(fresh)?;
                Ok((passed, ended.then_some(Self::Head)))
            }
            Self::Head | Self::Passing | Self::Refused => Ok((fresh.len(), None)),
        }
    }
}

/// A connection with the guard in front of it. The guard only lends the connection to its service:
/// when it is dropped, the connection comes back through [`Returned`], to be closed properly.
#[derive(Debug)]
pub(in crate::server) struct Guard<IO> {
    pub(super) io: Option<IO>,
    pub(super) limits: Limits,
    pub(super) state: State,
    /// The bytes that arrived and were not passed on; the first `vetted` of them may be.
    pub(super) held: BytesMut,
    pub(super) vetted: usize,
    /// True once the peer has closed its side.
    pub(super) ended: bool,
    /// True until a request is passed on: until then the deadline runs from the connection's start.
    pub(super) awaiting_first: bool,
    pub(super) head_timer: Timer,
    pub(super) write_timer: Timer,
    /// What the peer has taken of its answers.
    pub(super) taking: Taking,
    pub(super) refusals: Refusals,
    pub(super) presence: Presence,
    pub(super) give_back: Option<tokio::sync::oneshot::Sender<Remains<IO>>>,
}

impl<IO> Guard<IO> {
    pub(in crate::server) fn new(io: IO, limits: Limits) -> (Self, Refusals, Returned<IO>) {
        let (give_back, returned) = tokio::sync::oneshot::channel();
        let refusals = Refusals::default();
        let guard = Self {
            io: Some(io),
            limits,
            state: State::Head,
            held: BytesMut::new(),
            vetted: 0,
            ended: false,
            awaiting_first: true,
            head_timer: Timer::new(),
            write_timer: Timer::new(),
            taking: Taking::new(limits.pace, clock::instant()),
            refusals: refusals.clone(),
            presence: Presence::default(),
            give_back: Some(give_back),
        };
        (guard, refusals, Returned::new(returned))
    }

    /// Returns what tells the guard that the peer must stay.
    pub(in crate::server) fn presence(&self) -> Presence {
        self.presence.clone()
    }

    /// Makes a guard that refuses before anything was read.
    pub(in crate::server) fn refusing(
        io: IO,
        limits: Limits,
        refusal: Refusal,
    ) -> (Self, Refusals, Returned<IO>) {
        let (mut guard, refusals, returned) = Self::new(io, limits);
        guard.refuse(refusal);
        (guard, refusals, returned)
    }

    /// Checks the held bytes and decides how many of them may be passed on.
    pub(super) fn vet(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Head => self.vet_head(),
            State::Length(left) => {
                self.vetted = narrow::to_usize(*left).min(self.held.len());
                *left -= narrow::to_u64(self.vetted);
                if *left == 0 {
                    self.state = State::Head;
                }
            }
            State::Chunked(chunks) => {
                let (vetted, ended) = chunks.scan(&self.held)?;
                self.vetted = vetted;
                if ended {
                    self.state = State::Head;
                }
            }
            State::Passing => self.vetted = self.held.len(),
            State::Refused => {}
        }
        Ok(())
    }

    pub(super) fn vet_head(&mut self) {
        if self.awaiting_first && HTTP2_PREFACE.starts_with(&self.held) {
            return;
        }
        if self.awaiting_first && self.held.starts_with(HTTP2_PREFACE) {
            (self.state, self.vetted) = (State::Passing, self.held.len());
            return self.head_timer.stop();
        }
        // RFC 9112, section 2.2: empty lines before a request are ignored.
        while self.held.starts_with(b"\r\n") {
            self.held.advance(2);
        }
        match head::check(&self.held, &self.limits) {
            Verdict::Incomplete => {}
            Verdict::Refused(refusal) => self.refuse(refusal),
            Verdict::Good {
                head_bytes,
                framing,
            } => {
                self.vetted = head_bytes;
                self.state = match framing {
                    Framing::Length(0) => State::Head,
                    Framing::Length(length) => State::Length(length),
                    Framing::Chunked => State::Chunked(Chunks::default()),
                };
                self.awaiting_first = false;
                self.head_timer.stop();
            }
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refusals.put(refusal);
        let stand_in = stand_in(&self.held);
        self.held.clear();
        self.held.extend_from_slice(&stand_in);
        (self.state, self.vetted) = (State::Refused, stand_in.len());
        self.head_timer.stop();
    }

    /// Passes vetted bytes on.
    pub(super) fn pass(&mut self, out: &mut ReadBuf<'_>) {
        let length = self.vetted.min(out.remaining());
        out.put_slice(&self.held.split_to(length));
        self.vetted -= length;
        if self.held.is_empty() {
            // An idle connection holds no memory here.
            self.held = BytesMut::new();
        }
    }
}

impl<IO> Drop for Guard<IO> {
    fn drop(&mut self) {
        let unread = match self.state {
            _ if self.ended => Unread::Nothing,
            State::Head if self.held.is_empty() => Unread::Nothing,
            State::Length(left) => {
                // Bytes that are held and not vetted have arrived but were not counted yet.
                let came = self.held.len().saturating_sub(self.vetted);
                Unread::Bytes(left.saturating_sub(narrow::to_u64(came)))
            }
            State::Head | State::Chunked(_) | State::Refused => Unread::Unknown,
            // The protocol ends a refused stream; the connection continues.
            State::Passing => Unread::Nothing,
        };
        if let (Some(io), Some(give_back)) = (self.io.take(), self.give_back.take()) {
            // If nobody is waiting for it any more, the connection just closes.
            let _ = give_back.send(Remains { io, unread });
        }
    }
}
