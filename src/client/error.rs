//! Why a request did not succeed, in words that say where to look.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use super::Address;

/// A request, or a client, that failed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address cannot be used.
    #[error("{url:?} is not the URL of a server: {problem}")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The certificates to trust cannot be used.
    #[error("{0}")]
    Certificates(String),
    /// There is no connection.
    #[error("cannot connect to {address}: {fault}")]
    Connect {
        /// Where to.
        address: Address,
        /// Why.
        fault: ConnectFault,
    },
    /// The connection ended, or carried something else than HTTP.
    #[error("{address} {problem}")]
    Broken {
        /// With whom.
        address: Address,
        /// What happened.
        problem: String,
    },
    /// No answer in time.
    #[error("{address} did not answer within {} s", .patience.as_secs_f64())]
    Timeout {
        /// Who.
        address: Address,
        /// How long was waited.
        patience: Duration,
    },
    /// The server answered with an error.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The answer is not what such a server answers.
    #[error("{address} gave {problem}")]
    Unexpected {
        /// Who.
        address: Address,
        /// What came.
        problem: String,
    },
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConnectFault {
    /// Nobody listens there.
    #[error("connection refused; is `tidegate serve` running there?")]
    Refused,
    /// No such host.
    #[error("the host's name cannot be resolved ({0}); is it spelled right?")]
    Name(String),
    /// Who signed the certificate is not known here.
    #[error("the server's certificate is signed by an authority that is not trusted here ({0})")]
    UnknownIssuer(String),
    /// The certificate is an authority's own, as `openssl req -x509` makes one by default.
    #[error(
        "the server's certificate is that of an authority (CA:TRUE), and no server's: make one \
         with openssl req -x509 … -addext basicConstraints=critical,CA:FALSE"
    )]
    AuthorityAsServer,
    /// The certificate is wrong in another way.
    #[error("the server's certificate is not accepted: {0}")]
    Certificate(String),
    /// No TLS comes back.
    #[error("the server there does not speak TLS; does the URL have to start with http://?")]
    NotTls,
    /// The parties do not agree on how to encrypt.
    #[error("no encrypted connection: {0}")]
    Tls(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who refused.
    pub address: Address,
    /// The answer's status.
    pub status: StatusCode,
    /// Whether the answer has the form of this server's errors.
    pub is_ours: bool,
    /// What the server said.
    pub message: String,
    /// How long it asks to wait.
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
    /// Whether the same request may succeed later: the server is away, restarting or busy.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Url { .. } | Self::Certificates(_) | Self::Unexpected { .. } => false,
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
    /// Whether it is a server of ours that knows no such path: the path in the URL is not its
    /// prefix.
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
