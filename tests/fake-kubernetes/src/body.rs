//! A body that arrives as a test requires: whole, slowly, in part, or incomplete.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// What happens next.
pub(crate) enum Step {
    Data(Bytes),
    Pause(Duration),
    /// Nothing more ever arrives.
    Stall,
    /// The connection is closed.
    Break,
}

/// Consecutive steps.
pub(crate) struct Played {
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Played {
    /// Plays the steps.
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), pause: None }
    }

    /// The whole body at once.
    pub(crate) fn whole(body: Bytes) -> Self {
        Self::new((!body.is_empty()).then_some(Step::Data(body)))
    }
}

impl Body for Played {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                std::task::ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Data(part)) => return Poll::Ready(Some(Ok(Frame::data(part)))),
                Some(Step::Pause(time)) => self.pause = Some(Box::pin(sleep(time))),
                // Never woken: the connection ends with its client or with the server.
                Some(Step::Stall) => {
                    self.steps.push_front(Step::Stall);
                    return Poll::Pending;
                }
                Some(Step::Break) => return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.pause.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.steps.iter().collect::<Vec<_>>()[..] {
            [] => SizeHint::with_exact(0),
            [Step::Data(body)] => SizeHint::with_exact(body.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
