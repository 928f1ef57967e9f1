//! The errors of requests, in words that say where to look.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use super::address::{Address, AddressError};

/// A request, or a client, that failed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The certificates to trust cannot be used.
    #[error("{0}")]
    Certificates(String),
    /// There is no connection.
    #[error("cannot connect to {address}: {fault}")]
    Connect {
        /// The address of the server.
        address: Address,
        /// The reason.
        fault: ConnectFault,
    },
    /// The connection ended, or carried something other than HTTP.
    #[error("{address} {problem}")]
    Broken {
        /// The address of the server.
        address: Address,
        /// The problem, as a verb and what follows it.
        problem: String,
    },
    /// There was no answer in time.
    #[error("{address} did not answer within {} s", .patience.as_secs_f64())]
    Timeout {
        /// The address of the server.
        address: Address,
        /// The time that was waited.
        patience: Duration,
    },
    /// The server answered with an error.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The answer is not one that our server would give.
    #[error("{address} gave {problem}")]
    Unexpected {
        /// The address of the server.
        address: Address,
        /// The answer, as a noun and what follows it.
        problem: String,
    },
}

/// The reason for which there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConnectFault {
    /// Nothing listens there.
    #[error("connection refused; is `tidegate serve` running there?")]
    Refused,
    /// There is no host of this name.
    #[error("the host's name cannot be resolved ({0}); is it spelled right?")]
    Name(String),
    /// The certificate was signed by an unknown authority.
    #[error("the server's certificate is signed by an authority that is not trusted here ({0})")]
    UnknownIssuer(String),
    /// The certificate is that of an authority itself, as `openssl req -x509` makes by default.
    #[error(
        "the server's certificate is that of an authority (CA:TRUE), and no server's: make one \
         with openssl req -x509 … -addext basicConstraints=critical,CA:FALSE"
    )]
    AuthorityAsServer,
    /// The certificate is wrong in another way.
    #[error("the server's certificate is not accepted: {0}")]
    Certificate(String),
    /// The server does not answer with TLS.
    #[error("the server there does not speak TLS; does the URL have to start with http://?")]
    NotTls,
    /// The two sides found no common way to encrypt.
    #[error("no encrypted connection: {0}")]
    Tls(String),
    /// Any other fault.
    #[error("{0}")]
    Other(String),
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The address of the server.
    pub address: Address,
    /// The answer's status.
    pub status: StatusCode,
    /// True if the answer has the form of our server's errors.
    pub is_ours: bool,
    /// The server's message.
    pub message: String,
    /// The time that it asks to wait.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            status,
            message,
            ..
        } = self;
        if self.is_ours {
            write!(f, "{message} ({} from {address})", status.as_u16())
        } else {
            write!(
                f,
                "{address} answered {status}, not as tidegate does; is that its URL?"
            )?;
            match message.as_str() {
                "" => Ok(()),
                text => write!(f, " It said: {text}"),
            }
        }
    }
}

impl ClientError {
    /// Returns true if the same request may succeed later: the server is away, restarting or busy.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Address(_) | Self::Certificates(_) | Self::Unexpected { .. } => false,
            Self::Connect { fault, .. } => fault.is_transient(),
            Self::Broken { .. } | Self::Timeout { .. } => true,
            Self::Refused(refusal) => refusal.is_transient(),
        }
    }
}

impl ConnectFault {
    fn is_transient(&self) -> bool {
        match self {
            Self::Refused | Self::Name(_) | Self::Tls(_) | Self::Other(_) => true,
            Self::UnknownIssuer(_)
            | Self::AuthorityAsServer
            | Self::Certificate(_)
            | Self::NotTls => false,
        }
    }
}

impl Refusal {
    /// Returns true if a server of ours answered that it does not know the path: the path in the
    /// URL is not its prefix.
    pub fn is_of_the_path(&self) -> bool {
        self.is_ours && self.status == StatusCode::NOT_FOUND && self.message == "path not found"
    }

    fn is_transient(&self) -> bool {
        match self.status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => false,
            status => status.is_server_error(),
        }
    }
}
