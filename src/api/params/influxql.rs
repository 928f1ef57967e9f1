//! Parameters of `/query`: in the query string and in a form or parts of a body (query contract, 8.1).

use memchr::memmem;

use super::error::ParamError;
use super::form;

const FIELDS: &str = "q/db/rp/epoch/params";

/// Names and values, decoded.
pub type Pairs = Vec<(String, String)>;

/// Reads a query string, or a form. Reported first: bad UTF-8.
pub fn pairs(query: &str) -> Result<Pairs, ParamError> {
    form::pairs(query, FIELDS).collect()
}

/// Reads a body of parts, each a value or the content of a file. Parts without a name are left out,
/// and so is what is not closed.
pub fn parts(body: &[u8], boundary: &str) -> Result<Pairs, ParamError> {
    let delimiter = format!("--{boundary}");
    let mut starts = memmem::find_iter(body, delimiter.as_bytes());
    let mut pairs = Vec::new();
    let Some(mut start) = starts.next() else {
        return Ok(pairs);
    };
    for end in starts {
        let part = body.get(start + delimiter.len()..end).unwrap_or_default();
        pairs.extend(pair(part).transpose()?);
        start = end;
    }
    Ok(pairs)
}

/// The name and the value of a part, between two delimiters.
fn pair(part: &[u8]) -> Option<Result<(String, String), ParamError>> {
    let part = part.strip_prefix(b"\r\n")?;
    let part = part.strip_suffix(b"\r\n")?;
    let end = memmem::find(part, b"\r\n\r\n")?;
    let (head, value) = (part.get(..end)?, part.get(end + 4..)?);
    let head = std::str::from_utf8(head).ok()?;
    let name = head.lines().find_map(|line| {
        let (header, value) = line.split_once(':')?;
        let is_it = header.eq_ignore_ascii_case("content-disposition");
        is_it.then(|| parameter(value, "name")).flatten()
    })?;
    let value = std::str::from_utf8(value).map(str::to_owned);
    let fields = FIELDS;
    Some(match value {
        Ok(value) => Ok((name.to_owned(), value)),
        Err(_) => Err(ParamError::NotUtf8 { fields }),
    })
}

/// The value of a parameter of a header: `form-data; name="q"`.
pub fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let parameters = header.split(';').skip(1);
    let found = parameters.filter_map(|parameter| parameter.split_once('='));
    let mut found = found.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    let (_, value) = found.next()?;
    let value = value.trim();
    let unquoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    Some(unquoted.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::{parameter, parts};

    fn of(body: &str) -> Vec<(String, String)> {
        parts(body.as_bytes(), "x y").expect("text")
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_part_is_a_value_or_a_file() {
        let body = "what comes before\r\n--x y\r\n\
                    Content-Disposition: form-data; name=\"db\"\r\n\r\nplant\r\n--x y\r\n\
                    Content-Type: text/plain\r\n\
                    content-disposition: form-data; filename=\"a.iql\"; name=q\r\n\r\n\
                    SHOW DATABASES;\r\nSHOW USERS\r\n\r\n--x y\r\n\
                    Content-Disposition: form-data; name=\"rp\"\r\n\r\n\r\n--x y--\r\n";
        let expected = [
            pair("db", "plant"),
            pair("q", "SHOW DATABASES;\r\nSHOW USERS\r\n"),
            pair("rp", ""),
        ];
        assert_eq!(of(body), expected);
        for none in [
            "",
            "--x y",
            "--x y--",
            "--x y\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nno end",
            "--x y\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x y--",
            "--x y\r\n\r\n--x y--",
        ] {
            assert_eq!(of(none), [], "{none}");
        }
        let odd = b"--x\r\nContent-Disposition: form-data; name=q\r\n\r\n\xff\r\n--x--";
        assert!(parts(odd, "x").is_err());
    }

    #[test]
    fn parameters_of_a_header_may_have_quotes() {
        let header = "multipart/form-data; charset=utf-8; Boundary=\"a b\"";
        assert_eq!(parameter(header, "boundary"), Some("a b"));
        assert_eq!(parameter(header, "charset"), Some("utf-8"));
        assert_eq!(parameter("boundary=x", "boundary"), None);
    }
}
