use std::io::{Read, Write};

use bytes::Bytes;
use zstd::stream::Encoder;
use zstd::stream::raw::CParameter;

use super::{Decode, Frames, Header, WINDOW_BYTES_MAX, claim};

/// One frame that contains its length.
fn frame(text: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(text, 3).expect("to memory")
}

/// One frame as a stream writes it: with a checksum, without a length, with this window.
fn streamed(text: &[u8], window_log: u32) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), 1).expect("made");
    encoder.include_checksum(true).expect("set");
    encoder
        .set_parameter(CParameter::WindowLog(window_log))
        .expect("set");
    encoder.write_all(text).expect("to memory");
    encoder.finish().expect("to memory")
}

fn skippable(first: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("small").to_le_bytes();
    [&[first, 0x2a, 0x4d, 0x18], &length[..], content].concat()
}

fn decode(wire: impl Into<Bytes>) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let result = Frames::new(wire.into()).and_then(|mut frames| frames.read_to_end(&mut out));
    result.map(|_| out).map_err(|error| error.to_string())
}

/// Text that does not compress well.
fn text(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + state.to_be_bytes()[0] % 16
    };
    (0..length).map(byte).collect()
}

#[test]
fn every_frame_is_decoded_empty_and_skippable_ones_too() {
    let wire = [
        skippable(0x50, b"first"),
        frame(b"a\n"),
        streamed(b"", 20),
        skippable(0x5f, b""),
        streamed(b"b\n", 20),
    ];
    assert_eq!(decode(wire.concat()).expect("decodes"), b"a\nb\n");
    assert_eq!(decode(frame(b"")).expect("decodes"), b"");
    assert_eq!(decode(skippable(0x57, b"only")).expect("decodes"), b"");
    let long = text(3_000_000);
    for wire in [frame(&long), streamed(&long, 18), streamed(&long, 23)] {
        assert!(decode(wire).expect("decodes") == long);
    }
}

#[test]
fn whatever_follows_the_last_frame_is_an_error() {
    for garbage in [&b"x"[..], b"\0\0\0\0", b"\x28\xb5\x2f", b"m f=1 1\n"] {
        for whole in [frame(b"a\n"), skippable(0x50, b"a")] {
            let wire = [&whole[..], garbage].concat();
            let reason = format!("{} bytes follow the last frame", garbage.len());
            assert_eq!(decode(wire), Err(reason));
        }
    }
    assert_eq!(
        decode(&b"m f=1"[..]),
        Err("it does not begin with a frame".to_owned())
    );
}

#[test]
fn a_stream_cut_anywhere_but_between_frames_ends_too_early() {
    let first = streamed(b"m f=1 1\nm f=2 2\n", 20);
    let wires = [
        [first.clone(), frame(&text(500))].concat(),
        [first.clone(), skippable(0x50, b"abc")].concat(),
    ];
    for wire in wires {
        for end in 1..wire.len() {
            let told = decode(wire[..end].to_vec());
            if end == first.len() {
                assert!(told.is_ok());
            } else if (1..4).contains(&end.saturating_sub(first.len())) {
                assert!(told.expect_err("cut").ends_with("follow the last frame"));
            } else {
                assert_eq!(told, Err("it ends too early".to_owned()), "cut at {end}");
            }
        }
    }
}

#[test]
fn a_checksum_that_does_not_fit_is_an_error() {
    let mut wire = streamed(b"m f=1 1\n", 20);
    let end = wire.len();
    wire[end - 1] ^= 1;
    let told = decode(wire).expect_err("broken");
    assert!(told.contains("checksum"), "{told}");
}

#[test]
fn a_window_beyond_what_is_recommended_is_refused_in_words() {
    assert!(decode(streamed(&text(100), 23)).is_ok());
    let told = decode(streamed(&text(100), 24)).expect_err("refused");
    assert!(
        told.starts_with("it needs a window of 16777216 bytes, at most 8388608 are supported"),
        "{told}"
    );
    // 2^23 and an eighth of that.
    let slightly = [&super::MAGIC[..], &[0, 13 << 3 | 1, 1, 0, 0]].concat();
    assert!(decode(slightly).is_err());
    let dictionary = [&super::MAGIC[..], &[0x21, 7, 1, 1, 0, 0]].concat();
    let told = decode(dictionary).expect_err("refused");
    assert!(told.contains("dictionary"), "{told}");
}

#[test]
fn a_header_is_read_in_all_of_its_shapes() {
    let read = |bytes: &[u8]| Header::read(&[&super::MAGIC[..], bytes].concat());
    let header = |window_bytes, content_bytes| {
        Some(Header {
            window_bytes,
            content_bytes,
            dictionary: false,
        })
    };
    assert_eq!(read(&[0x20, 9]), header(9, Some(9)));
    assert_eq!(read(&[0x00, 0x52]), header(1_310_720, None));
    assert_eq!(read(&[0x40, 0, 1, 1]), header(1024, Some(513)));
    assert_eq!(read(&[0xa0, 1, 2, 0, 0]), header(513, Some(513)));
    let largest = [[0xe0].as_slice(), &[0xff; 8]].concat();
    assert_eq!(read(&largest), header(u64::MAX, Some(u64::MAX)));
    assert_eq!(read(&[0x00, 0xff]), header(15 << 38, None));
    for cut in [&[][..], &[0x20], &[0x00], &[0x43, 0, 1, 2, 3, 4, 1]] {
        assert_eq!(read(cut), None, "{cut:?}");
    }
}

#[test]
fn a_claim_is_believed_where_it_is_likely() {
    let long = text(5000);
    assert_eq!(claim(&frame(&long)), Some(5000));
    assert_eq!(claim(&streamed(&long, 20)), None);
    let boasting = [&super::MAGIC[..], &[0xe0, 0, 0, 0, 0, 1, 0, 0, 0]].concat();
    assert_eq!(claim(&boasting), None);
    assert_eq!(claim(b"abc"), None);
}

#[test]
fn what_the_decoder_needs_grows_with_what_came_out_up_to_its_window() {
    let long = text(12_000_000);
    let mut frames = Frames::new(streamed(&long, 23).into()).expect("made");
    let mut chunk = vec![0; 32 * 1024];
    let first = frames.own_bytes(chunk.len());
    assert!(first < 1 << 20, "{first}");
    while frames.read(&mut chunk).expect("decodes") > 0 {
        assert!(frames.own_bytes(chunk.len()) < WINDOW_BYTES_MAX + (1 << 20));
    }
    assert!(frames.own_bytes(chunk.len()) > WINDOW_BYTES_MAX);
    let mut small = Frames::new(frame(b"m f=1").into()).expect("made");
    assert!(small.own_bytes(chunk.len()) < 200_000);
}
