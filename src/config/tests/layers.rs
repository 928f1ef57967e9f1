use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::{file, flag, variables};
use crate::config::{Config, Cors, LogFormat, Sources};

fn load(sources: &Sources) -> Config {
    Config::load(sources).expect("valid")
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let (in_file, _folder) = file(
        "[server]\nlisten = \"127.0.0.1:1\"\npath_prefix = \"/file\"\nallow_empty_org = true\n",
    );
    let in_variables = variables(&[
        ("TIDEGATE_SERVER__LISTEN", "127.0.0.1:2"),
        ("TIDEGATE_SERVER__PATH_PREFIX", "/variable"),
    ]);
    let in_flags = flag("--listen", "server.listen", "127.0.0.1:3");
    let all = Sources {
        flags: in_flags.flags,
        variables: in_variables.variables,
        ..in_file
    };
    let server = load(&all).server;
    assert_eq!(server.listen.port(), 3);
    assert_eq!(server.path_prefix, "/variable");
    assert!(server.allow_empty_org);
    assert!(
        server.auto_create_buckets,
        "what nobody set keeps its default"
    );
}

#[test]
fn variables_are_read_by_the_type_of_their_key() {
    let config = load(&variables(&[
        ("TIDEGATE_STORAGE__DATA_DIR", "123"),
        ("TIDEGATE_SERVER__WITHOUT_AUTH", "true"),
        ("TIDEGATE_LIMITS__COLUMNS_MAX", "2000"),
        ("TIDEGATE_SERVER__ALLOWED_HOSTS", "A.example, b.example"),
        ("TIDEGATE_SERVER__CORS_ORIGINS", ""),
        ("TIDEGATE_LOG__FORMAT", "json"),
    ]));
    assert_eq!(config.storage.data_dir.to_str(), Some("123"));
    assert!(config.server.without_auth);
    assert_eq!(config.limits.columns_max, 2000);
    assert_eq!(config.server.allowed_hosts, ["a.example", "b.example"]);
    assert_eq!(config.server.cors(), Cors::Listed(&[]));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn variables_that_are_not_ours_are_left_alone() {
    let mut sources = variables(&[
        ("PATH", "/bin"),
        ("TIDEGATE_PORT", "tcp://10.0.0.1:8086"),
        ("TIDEGATE_PORT_8086_TCP_ADDR", "10.0.0.1"),
        ("TIDEGATE_COMMIT", "abc"),
    ]);
    sources.variables.push((
        OsString::from_vec(vec![b'X', 0xff]),
        OsString::from_vec(vec![0xff]),
    ));
    assert_eq!(load(&sources).server.listen.port(), 8086);
}

#[test]
fn colours_are_left_out_where_nobody_wants_them() {
    for (variable, value, colors) in [
        ("TERM", "xterm", true),
        ("TERM", "dumb", false),
        ("NO_COLOR", "1", false),
        ("NO_COLOR", "", true),
    ] {
        let log = load(&variables(&[(variable, value)])).log;
        assert_eq!(log.colors, colors, "{variable}={value}");
    }
}

#[test]
fn by_itself_every_origin_may_call_with_authentication_and_none_without() {
    let off = load(&flag("--without-auth", "server.without_auth", "true"));
    assert_eq!(off.server.cors(), Cors::Listed(&[]));
    let some = load(&variables(&[(
        "TIDEGATE_SERVER__CORS_ORIGINS",
        "https://a.example",
    )]));
    assert_eq!(
        some.server.cors(),
        Cors::Listed(&["https://a.example".to_owned()])
    );
    let all = load(&variables(&[
        ("TIDEGATE_SERVER__CORS_ORIGINS", "*"),
        ("TIDEGATE_SERVER__WITHOUT_AUTH", "true"),
    ]));
    assert_eq!(all.server.cors(), Cors::Any);
}

#[test]
fn log_levels_by_module_are_accepted() {
    let config = load(&variables(&[(
        "TIDEGATE_LOG__LEVEL",
        "warn,tidegate::wal=debug",
    )]));
    assert_eq!(config.log.level, "warn,tidegate::wal=debug");
}
