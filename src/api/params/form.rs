//! The pairs of a query string, read strictly: a value that is not UTF-8 after decoding is an
//! error, not a replacement character that would name another bucket.

use super::error::ParamError;

/// The pairs in order. `fields` names what the endpoint reads, for the error.
pub(super) fn pairs(
    query: &str,
    fields: &'static str,
) -> impl Iterator<Item = Result<(String, String), ParamError>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => Ok((name, value)),
                _ => Err(ParamError::NotUtf8 { fields }),
            }
        })
}

/// Decodes a name or value. A `%` without two hexadecimal digits after it stands for itself.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, hex_pair(after)) {
            (b'%', Some(pair)) => pair,
            (b'+', _) => (b' ', after),
            (other, _) => (*other, after),
        };
        decoded.push(byte);
        rest = after;
    }
    String::from_utf8(decoded).ok()
}

/// The byte of two hexadecimal digits, and the text after them.
fn hex_pair(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = text.split_first_chunk::<2>()?;
    let mut byte = [0];
    hex::decode_to_slice(digits, &mut byte).ok()?;
    Some((u8::from_be_bytes(byte), after))
}

/// Fills a slot that may be filled once.
pub(super) fn fill<T>(
    slot: &mut Option<T>,
    value: T,
    fields: &'static str,
    name: &'static str,
) -> Result<(), ParamError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParamError::Duplicate { fields, name }),
    }
}

#[cfg(test)]
mod tests {
    use super::pairs;

    fn of(query: &str) -> Vec<(String, String)> {
        pairs(query, "x").collect::<Result<_, _>>().expect("text")
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn pluses_and_percents_are_decoded_and_lone_percents_are_kept() {
        assert_eq!(of("bucket=a+b%2Bc%2fd"), [pair("bucket", "a b+c/d")]);
        assert_eq!(of("b%75cket=%C3%A4"), [pair("bucket", "ä")]);
        assert_eq!(
            of("a=100%&b=%zz&c=%4"),
            [pair("a", "100%"), pair("b", "%zz"), pair("c", "%4")]
        );
        let odd = [
            pair("a", ""),
            pair("b", ""),
            pair("", "c"),
            pair("d", "e=f"),
        ];
        assert_eq!(of("&&a&b=&=c&d=e=f"), odd);
        assert_eq!(of(""), []);
    }

    #[test]
    fn what_is_no_utf8_is_an_error_in_names_and_values() {
        for query in ["a=%ff", "%c3=a", "a=b&c=%ed%a0%80"] {
            assert!(pairs(query, "x").any(|pair| pair.is_err()), "{query}");
        }
    }
}
