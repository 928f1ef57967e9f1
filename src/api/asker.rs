//! The sender of a question, as records of questions show it.

use tidegate_query::{Asker, Presence};

use crate::auth::Identity;

/// The sender of a question about this bucket, who waits for it so long. Its token appears by its id and
/// description.
pub fn asker(
    identity: &Identity,
    bucket: &str,
    protocol: &'static str,
    presence: Presence,
) -> Asker {
    let (token, description) = match identity {
        Identity::Anyone => (None, String::new()),
        Identity::Token(token) => (Some(token.id.to_string()), token.description.clone()),
    };
    Asker {
        token,
        description,
        sees_all: identity.may_manage(),
        bucket: bucket.to_owned(),
        protocol,
        presence,
        columns_only: false,
    }
}
