//! The `Authorization` header: three schemes, one secret.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Base64 with or without padding: some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The scheme by which a secret was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Token,
    Bearer,
    Basic,
}

/// The secret that a request carries. Absent if there is no `Authorization` header, if there are
/// several (two credentials count as none), or if it cannot be read.
pub(super) fn secret_of(headers: &HeaderMap) -> Option<(Scheme, Cow<'_, [u8]>)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes().trim_ascii();
    if values.next().is_some() {
        return None;
    }
    let blank = value.iter().position(u8::is_ascii_whitespace)?;
    let (scheme, rest) = value.split_at_checked(blank)?;
    let rest = rest.trim_ascii();
    let (scheme, secret) = match () {
        () if scheme.eq_ignore_ascii_case(b"token") => (Scheme::Token, Cow::Borrowed(rest)),
        () if scheme.eq_ignore_ascii_case(b"bearer") => (Scheme::Bearer, Cow::Borrowed(rest)),
        () if scheme.eq_ignore_ascii_case(b"basic") => (Scheme::Basic, Cow::Owned(password(rest)?)),
        () => return None,
    };
    (!secret.is_empty()).then_some((scheme, secret))
}

/// The part after the first colon, without blanks around it, as with the other schemes: `echo
/// user:token | base64` encodes a line break too. The user before the colon is ignored.
fn password(encoded: &[u8]) -> Option<Vec<u8>> {
    let pair = BASE64.decode(encoded).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let (_, password) = pair.split_at_checked(colon + 1)?;
    Some(password.trim_ascii().to_vec())
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::secret_of;

    fn of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().expect("a header value"));
        }
        secret_of(&headers).map(|(_, secret)| String::from_utf8(secret.into_owned()).expect("text"))
    }

    #[test]
    fn every_scheme_carries_the_secret_in_any_case_and_with_any_blanks() {
        // `user:s3:cret`, `:s3:cret`, and `user:s3:cret` with a line break
        for value in [
            "Token s3:cret",
            "token s3:cret",
            "  TOKEN \t s3:cret  ",
            "Bearer s3:cret",
            "bEARER   s3:cret",
            "Basic dXNlcjpzMzpjcmV0",
            "basic OnMzOmNyZXQ=",
            "Basic OnMzOmNyZXQ",
            "Basic dXNlcjpzMzpjcmV0Cg==",
        ] {
            assert_eq!(of(&[value]).as_deref(), Some("s3:cret"), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_carries_nothing() {
        for value in [
            "",
            "Token",
            "Token ",
            "Token    ",
            "Bearer",
            "s3cret",
            "Digest s3cret",
            "Tokens3cret",
            "Basic",
            "Basic !!!",
            // `user` without a colon, and `user:` without a password
            "Basic dXNlcg==",
            "Basic dXNlcjo=",
        ] {
            assert_eq!(of(&[value]), None, "{value}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(
            of(&["Token a", "Token a"]),
            None,
            "two credentials are none"
        );
    }
}
