//! The peer of a request, where an endpoint must know whether it is still there.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Ends the request with its peer, while what it returns is held. The server puts one beside a request
/// of which only the endpoint can tell whether its work is for its answer alone.
#[derive(Clone)]
pub struct WhileThere(Arc<dyn Fn() -> Held + Send + Sync>);

/// The wish that a request ends with its peer, until this is dropped.
pub type Held = Box<dyn Any + Send + Sync>;

impl WhileThere {
    /// Wishes it by what `hold` returns.
    pub fn new<H: Any + Send + Sync>(hold: impl Fn() -> H + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Box::new(hold())))
    }

    /// Wishes it from now on.
    pub fn hold(&self) -> Held {
        (self.0)()
    }
}

impl fmt::Debug for WhileThere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WhileThere")
    }
}
