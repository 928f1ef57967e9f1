use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::{file, flag, refusal, variables};
use crate::config::{Config, Sources};

fn in_file(text: &str) -> String {
    let (sources, folder) = file(text);
    refusal(&sources).replace(folder.path().to_str().expect("plain"), "")
}

#[test]
fn a_mistyped_key_in_a_file_is_refused_with_the_one_that_was_meant() {
    assert_eq!(
        in_file("[server]\nlisen = \"127.0.0.1:1\"\n"),
        "unknown key server.lisen in the file /tidegate.toml: did you mean server.listen?"
    );
    assert_eq!(
        in_file("listen = \"127.0.0.1:1\"\n"),
        "unknown key listen in the file /tidegate.toml: did you mean server.listen?"
    );
    assert_eq!(
        in_file("[limits]\nsegment_bytes_max = 1\n"),
        "unknown key limits.segment_bytes_max in the file /tidegate.toml: \
         did you mean buffer.segment_bytes_max or wal.segment_bytes_max?"
    );
}

#[test]
fn a_key_unlike_any_other_is_refused_with_those_that_there_are() {
    assert_eq!(
        in_file("[export]\nbucket = \"a\"\n"),
        "unknown key export.bucket in the file /tidegate.toml: \
         section [export] has concurrent_max, rate_bytes_min"
    );
    assert_eq!(
        in_file("[database]\nengine = \"a\"\n"),
        "unknown key database in the file /tidegate.toml: the sections are buffer, connection, \
         export, lake, limits, log, memory, query, server, storage, tls, types, wal"
    );
}

#[test]
fn a_mistyped_variable_is_refused_with_the_one_that_was_meant() {
    assert_eq!(
        refusal(&variables(&[("TIDEGATE_SERVER__LISEN", "127.0.0.1:1")])),
        "unknown environment variable TIDEGATE_SERVER__LISEN: did you mean TIDEGATE_SERVER__LISTEN?"
    );
    assert_eq!(
        refusal(&variables(&[("TIDEGATE_SERVER_LISTEN", "127.0.0.1:1")])),
        "unknown environment variable TIDEGATE_SERVER_LISTEN: did you mean TIDEGATE_SERVER__LISTEN?"
    );
    assert_eq!(
        refusal(&variables(&[("TIDEGATE_X__Y", "1")])),
        "unknown environment variable TIDEGATE_X__Y: variables are TIDEGATE_SECTION__KEY; the \
         sections are buffer, connection, export, lake, limits, log, memory, query, server, storage, tls, types, wal"
    );
}

#[test]
fn a_value_out_of_range_is_refused_with_its_key_its_origin_and_what_is_allowed() {
    assert_eq!(
        in_file("[connection]\nhead_timeout_ms = 5\n"),
        "connection.head_timeout_ms = 5 (from the file /tidegate.toml) is not allowed: \
         expected an integer from 100 to 3600000"
    );
    assert_eq!(
        refusal(&variables(&[("TIDEGATE_CONNECTION__HEADERS_MAX", "-1")])),
        "connection.headers_max = -1 (from the environment variable \
         TIDEGATE_CONNECTION__HEADERS_MAX) is not allowed: expected an integer from 8 to 1000"
    );
    assert_eq!(
        refusal(&variables(&[("TIDEGATE_MEMORY__BUDGET_BYTES", "17")])),
        "memory.budget_bytes = 17 (from the environment variable TIDEGATE_MEMORY__BUDGET_BYTES) is \
         not allowed: expected 0 or an integer from 1048576 to 1125899906842624"
    );
    assert_eq!(
        refusal(&flag("--listen", "server.listen", "localhost")),
        "server.listen = \"localhost\" (from the flag --listen) is not allowed: \
         expected an IP address and a port, such as 127.0.0.1:8086 or [::]:8086"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    assert_eq!(
        in_file("[wal]\nsegment_bytes_max = \"64 MiB\"\n"),
        "wal.segment_bytes_max = \"64 MiB\" (from the file /tidegate.toml) is not allowed: \
         expected an integer from 65536 to 2147483648"
    );
    assert_eq!(
        refusal(&variables(&[("TIDEGATE_SERVER__WITHOUT_AUTH", "yes")])),
        "server.without_auth = \"yes\" (from the environment variable \
         TIDEGATE_SERVER__WITHOUT_AUTH) is not allowed: expected true or false"
    );
    assert_eq!(
        in_file("[server]\nallowed_hosts = \"a\"\n"),
        "server.allowed_hosts = \"a\" (from the file /tidegate.toml) is not allowed: \
         expected a list of strings"
    );
    assert_eq!(
        in_file("[log]\nformat = \"xml\"\n"),
        "log.format = \"xml\" (from the file /tidegate.toml) is not allowed: \
         expected \"human\" or \"json\""
    );
    assert_eq!(
        in_file("server = 5\n"),
        "server = 5 (from the file /tidegate.toml) is not allowed: \
         expected a section: a line [server] with its keys below"
    );
}

#[test]
fn values_that_would_be_misread_later_are_refused() {
    for (variable, value) in [
        ("TIDEGATE_LOG__LEVEL", "inof"),
        ("TIDEGATE_LOG__LEVEL", "info,tidegate=loud"),
        ("TIDEGATE_LOG__LEVEL", ""),
        ("TIDEGATE_SERVER__PATH_PREFIX", "influx"),
        ("TIDEGATE_SERVER__PATH_PREFIX", "/influx/"),
        ("TIDEGATE_SERVER__PATH_PREFIX", "/a/../b"),
        ("TIDEGATE_SERVER__PATH_PREFIX", "/{route}"),
        ("TIDEGATE_SERVER__CORS_ORIGINS", "auto,https://a.example"),
        ("TIDEGATE_SERVER__CORS_ORIGINS", "a.example"),
        ("TIDEGATE_SERVER__CORS_ORIGINS", "https://a.example/path"),
        ("TIDEGATE_SERVER__ALLOWED_HOSTS", "a.example:8086"),
        ("TIDEGATE_STORAGE__DATA_DIR", ""),
    ] {
        let text = refusal(&variables(&[(variable, value)]));
        assert!(
            text.contains(variable) && text.contains("is not allowed"),
            "{value}: {text}"
        );
    }
}

#[test]
fn values_that_do_not_fit_each_other_are_refused_by_both_names() {
    assert_eq!(
        in_file("[memory]\nsoft_percent = 95\n"),
        "memory.soft_percent = 95 is not allowed: it must be below memory.hard_percent = 85"
    );
    assert_eq!(
        in_file("[limits]\npoint_bytes_max = 70000\n"),
        "limits.string_bytes_max = 1048576 is not allowed: \
         it must be at most limits.point_bytes_max = 70000"
    );
    // From a bug: this slice did not fit a frame, and a write got 503 for ever.
    assert_eq!(
        in_file("[limits]\npoint_bytes_max = 8388608\n[wal]\nslice_bytes_max = 4194304\n"),
        "wal.slice_bytes_max = 4194304 is not allowed: it must be at most 2796202 with \
         limits.point_bytes_max = 8388608, because a frame of the log holds 16777216 bytes"
    );
}

#[test]
fn a_certificate_without_its_key_and_a_key_without_its_certificate_are_refused() {
    assert_eq!(
        in_file("[tls]\ncert_file = \"/c.pem\"\n"),
        "tls.cert_file = \"/c.pem\" is set, but tls.key_file is not: \
         set both for HTTPS, or neither for plain HTTP"
    );
    assert_eq!(
        refusal(&flag("--tls-key", "tls.key_file", "/k.pem")),
        "tls.key_file = \"/k.pem\" is set, but tls.cert_file is not: \
         set both for HTTPS, or neither for plain HTTP"
    );
}

#[test]
fn a_broken_file_is_refused_with_the_line_and_a_missing_one_with_its_path() {
    let text = in_file("[server]\nlisten = \n");
    assert!(
        text.starts_with("the file /tidegate.toml, line 2: "),
        "{text}"
    );
    assert!(!text.contains('\n'), "{text}");
    let missing = Sources {
        file: Some(PathBuf::from("/no/such.toml")),
        ..Sources::default()
    };
    assert_eq!(
        refusal(&missing),
        "cannot read the configuration file /no/such.toml"
    );
}

#[test]
fn a_variable_that_is_not_text_is_refused_by_name() {
    let mut sources = Sources::default();
    let value = OsString::from_vec(vec![b'/', 0xff]);
    sources
        .variables
        .push((OsString::from("TIDEGATE_STORAGE__DATA_DIR"), value));
    let error = Config::load(&sources).expect_err("not text");
    assert!(
        error.to_string().contains("TIDEGATE_STORAGE__DATA_DIR"),
        "{error}"
    );
}

/// From a bug: they were ignored, and a server started with other settings than intended.
#[test]
fn a_variable_that_is_named_as_a_flag_is_refused_with_the_key_s_name() {
    for (name, told) in [
        ("TIDEGATE_LISTEN", "TIDEGATE_SERVER__LISTEN"),
        ("TIDEGATE_DATA_DIR", "TIDEGATE_STORAGE__DATA_DIR"),
        ("TIDEGATE_CONFIG", "--config"),
    ] {
        let text = refusal(&variables(&[(name, "x")]));
        assert!(text.contains(name) && text.contains(told), "{text}");
    }
}
