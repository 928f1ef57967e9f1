//! Percent-encoding: the names of buckets and measurements may be any text.

/// Encodes `text` as one segment of a path: `/` and everything else but letters, digits and `-_.~`.
pub fn path_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Encodes `text` as the value of a query parameter.
pub fn query_value(text: &str) -> String {
    path_segment(text)
}

#[cfg(test)]
mod tests {
    use super::path_segment;

    #[test]
    fn everything_that_means_something_in_a_url_is_encoded() {
        assert_eq!(path_segment("home-1_a.b~"), "home-1_a.b~");
        assert_eq!(
            path_segment("a/b c+d?e&f=%ä"),
            "a%2Fb%20c%2Bd%3Fe%26f%3D%25%C3%A4"
        );
    }
}
