//! JSON that is kept for long and rarely read, as compressed text. The metadata of a table with a
//! thousand columns takes two megabytes when parsed, and a few kilobytes when packed.

use serde_json::Value;

/// Text of this kind repeats itself so much that the fastest level is enough.
const LEVEL: i32 = 1;

/// A JSON value, compressed.
#[derive(Clone, Debug, Default)]
pub(in crate::lake) struct Packed {
    bytes: Box<[u8]>,
    /// The length of the text.
    text_bytes: usize,
}

impl Packed {
    pub(in crate::lake) fn new(value: &Value) -> Result<Self, String> {
        let text = serde_json::to_vec(value).map_err(|error| error.to_string())?;
        let bytes = zstd::bulk::compress(&text, LEVEL).map_err(|error| error.to_string())?;
        Ok(Self {
            bytes: bytes.into(),
            text_bytes: text.len(),
        })
    }

    /// The value.
    pub(in crate::lake) fn unpack(&self) -> Result<Value, String> {
        let text = zstd::bulk::decompress(&self.bytes, self.text_bytes);
        let text = text.map_err(|error| error.to_string())?;
        serde_json::from_slice(&text).map_err(|error| error.to_string())
    }

    /// Bytes on the heap.
    pub(in crate::lake) fn heap_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Packed;

    #[test]
    fn a_value_comes_back_and_takes_a_fraction_meanwhile() {
        let fields: Vec<_> = (0..1000)
            .map(|number| json!({"name": format!("f{number}"), "type": "double"}))
            .collect();
        let value = json!({ "fields": fields });
        let packed = Packed::new(&value).expect("packed");
        assert!(packed.heap_bytes() < 8000, "{}", packed.heap_bytes());
        assert_eq!(packed.unpack().expect("unpacked"), value);
    }
}
