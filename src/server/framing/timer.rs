//! A deadline that is set when work begins and cleared when it is done.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// A timer that can be started and stopped. It allocates once and keeps the allocation.
#[derive(Debug)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self {
            sleep: None,
            running: false,
        }
    }

    /// Starts the timer for this long, unless it is running.
    pub(super) fn start(&mut self, duration: Duration) {
        if self.running {
            return;
        }
        self.running = true;
        match &mut self.sleep {
            Some(sleep) => {
                let now = tokio::time::Instant::from_std(crate::clock::instant());
                sleep.as_mut().reset(now + duration);
            }
            None => self.sleep = Some(Box::pin(sleep(duration))),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    pub(super) fn stop(&mut self) {
        self.running = false;
    }

    /// Ready once the timer has run out; pending while it is not running.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) if self.running => sleep.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}
