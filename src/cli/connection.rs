//! The flags of every command that talks to a server, and the session that they become, which explains
//! errors in terms of these flags.

use std::path::PathBuf;

use clap::Args;
use http::StatusCode;

use super::{CliError, files};
use crate::client::{
    Address, Answer, Client, ClientError, ConnectFault, Refusal, Request, Roots, Token, TokenError,
};
use crate::config;

/// The variable that holds the token.
const TOKEN_VARIABLE: &str = "TIDEGATE_TOKEN";

/// The location of the server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(super) struct Location {
    /// The server; a path in the URL is kept.
    #[arg(
        long,
        value_name = "URL",
        env = "TIDEGATE_URL",
        default_value = "http://127.0.0.1:8086"
    )]
    url: String,
    /// Trust the certificates in this PEM file, not the system's: for https with a private CA.
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
}

/// The location of the server, and the token to use.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(super) struct Connection {
    #[command(flatten)]
    location: Location,
    /// The token [env: TIDEGATE_TOKEN]. Flags can be seen by other users of this machine: prefer
    /// the variable, or --token-file.
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// Read the token from this file.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The place where the token was given, if it was.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Nowhere,
    Flag,
    Variable,
    File(PathBuf),
}

/// A client, with what is needed to explain its errors.
#[derive(Clone, Debug)]
pub(super) struct Session {
    client: Client,
    #[cfg(feature = "query")]
    token: Option<Token>,
    given: Given,
    ca_cert: Option<PathBuf>,
}

impl Location {
    /// A session without a token.
    pub(super) fn session(&self) -> Result<Session, CliError> {
        self.session_with(None, Given::Nowhere)
    }

    fn session_with(&self, token: Option<&Token>, given: Given) -> Result<Session, CliError> {
        let address = self
            .url
            .parse::<Address>()
            .map_err(|error| CliError::Usage(error.to_string()))?;
        let roots = match &self.ca_cert {
            Some(path) => Roots::Pem(files::read_small(path)?),
            None => Roots::System,
        };
        let client = Client::new(address, token, &roots).map_err(|error| match &self.ca_cert {
            Some(path) => CliError::Usage(format!("--ca-cert {}: {error}", path.display())),
            None => CliError::Client {
                error,
                advice: "; give those to trust with --ca-cert FILE".to_owned(),
            },
        })?;
        Ok(Session {
            client,
            #[cfg(feature = "query")]
            token: token.cloned(),
            given,
            ca_cert: self.ca_cert.clone(),
        })
    }
}

impl Connection {
    /// A session with the token that was given, or without one: the server may run without
    /// authentication.
    pub(super) fn session(&self) -> Result<Session, CliError> {
        let variable = config::variable(TOKEN_VARIABLE);
        let variable = variable.map(|value| value.to_string_lossy().into_owned());
        let (token, given) = self.token(variable)?;
        self.location.session_with(token.as_ref(), given)
    }

    /// A flag wins over the variable. An empty variable counts as unset, so that a single command can
    /// run without it.
    fn token(&self, variable: Option<String>) -> Result<(Option<Token>, Given), CliError> {
        let (text, given) = match (&self.token_file, &self.token, variable) {
            (Some(path), _, _) => {
                let text = String::from_utf8_lossy(&files::read_small(path)?).into_owned();
                (text, Given::File(path.clone()))
            }
            (None, Some(text), _) => (text.clone(), Given::Flag),
            (None, None, Some(text)) if !text.trim().is_empty() => (text, Given::Variable),
            _ => return Ok((None, Given::Nowhere)),
        };
        let wrong = |error: TokenError| CliError::Token {
            given: given.words(),
            error,
        };
        let token = Token::new(&text).map_err(wrong)?;
        Ok((Some(token), given))
    }
}

impl Given {
    fn words(&self) -> String {
        match self {
            Self::Nowhere => "that was not given".to_owned(),
            Self::Flag => "of --token".to_owned(),
            Self::Variable => format!("in {TOKEN_VARIABLE}"),
            Self::File(path) => format!("in {}", path.display()),
        }
    }
}

impl Session {
    /// The client itself, for more than one request with one answer.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns true if a text has the token of this session in it.
    #[cfg(feature = "query")]
    pub(super) fn has_token_in(&self, text: &str) -> bool {
        self.token.as_ref().is_some_and(|token| token.is_in(text))
    }

    /// Sends a request; anything but success is an error.
    pub(super) async fn ask(&self, request: Request) -> Result<Answer, CliError> {
        let answer = self.client.send(request).await.and_then(Answer::success);
        answer.map_err(|error| self.explain(error))
    }

    /// Adds to an error what these flags can do about it.
    pub(super) fn explain(&self, error: ClientError) -> CliError {
        let advice = match &error {
            ClientError::Connect {
                fault: ConnectFault::UnknownIssuer(_),
                ..
            } => self.about_the_authority(),
            ClientError::Refused(refusal) if refusal.is_of_the_path() => {
                "; the path in --url has to be the server's prefix (server.path_prefix), or none if \
                 it has none"
                    .to_owned()
            }
            ClientError::Refused(refusal) => self.about_the_token(refusal),
            _ => String::new(),
        };
        CliError::Client { error, advice }
    }

    fn about_the_authority(&self) -> String {
        match &self.ca_cert {
            None => "; if it is a private one, give its certificate with --ca-cert FILE".to_owned(),
            Some(path) => format!("; is {} the certificate of that authority?", path.display()),
        }
    }

    fn about_the_token(&self, refusal: &Refusal) -> String {
        match (refusal.status, &self.given) {
            (StatusCode::UNAUTHORIZED, Given::Nowhere) => format!(
                "; no token was given: set {TOKEN_VARIABLE}, or use --token-file FILE or --token"
            ),
            (StatusCode::UNAUTHORIZED, given) => format!(
                "; the server does not know the token {} (it is given by --token, --token-file or \
                 {TOKEN_VARIABLE}, in this order). The usual causes are a trailing newline or \
                 another character too many where it was stored, a token that was revoked or has \
                 expired, and a URL of another server than the one that made it",
                given.words()
            ),
            (StatusCode::FORBIDDEN, given) => format!(
                "; the token {} is valid, but does not permit this: use another, `tidegate token \
                 create --help` tells how to make one",
                given.words()
            ),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
