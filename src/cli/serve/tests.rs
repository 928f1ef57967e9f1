use std::error::Error as _;

use super::{Serve, port, warnings};
use crate::config::{Config, Sources};

fn config(serve: &Serve) -> Config {
    let sources = Sources {
        flags: serve.flags(),
        ..Sources::default()
    };
    Config::load(&sources).expect("valid")
}

fn listening_on(listen: &str, without_auth: bool) -> Config {
    config(&Serve {
        listen: Some(listen.to_owned()),
        without_auth,
        ..Serve::default()
    })
}

#[test]
fn every_flag_sets_its_key() {
    let text = |text: &str| Some(text.to_owned());
    let config = config(&Serve {
        config: None,
        listen: text("127.0.0.1:1"),
        data_dir: text("/data"),
        tls_cert: text("/c.pem"),
        tls_key: text("/k.pem"),
        without_auth: true,
        log_format: text("json"),
        log_level: text("debug"),
    });
    assert_eq!(config.server.listen.port(), 1);
    assert_eq!(config.storage.data_dir.to_str(), Some("/data"));
    let tls = (config.tls.cert_file, config.tls.key_file);
    assert_eq!(tls, (Some("/c.pem".into()), Some("/k.pem".into())));
    assert!(config.server.without_auth);
    assert_eq!(config.log.format, crate::config::LogFormat::Json);
    assert_eq!(config.log.level, "debug");
}

#[test]
fn the_defaults_are_safe_and_warn_of_nothing() {
    assert!(warnings::of(&config(&Serve::default())).is_empty());
    assert!(warnings::of(&listening_on("[::1]:8086", false)).is_empty());
}

#[test]
fn a_server_that_others_can_reach_without_tls_warns() {
    for listen in ["0.0.0.0:8086", "[::]:8086", "192.168.1.5:8086"] {
        let warnings = warnings::of(&listening_on(listen, false));
        assert!(
            matches!(warnings.as_slice(), [only] if only.contains("without TLS")),
            "{listen}"
        );
    }
}

#[test]
fn with_a_certificate_others_may_reach_it() {
    let mut config = listening_on("0.0.0.0:8086", false);
    config.tls.cert_file = Some("/c.pem".into());
    assert!(warnings::of(&config).is_empty());
}

#[test]
fn a_server_without_authentication_warns_wherever_it_listens() {
    for (listen, count) in [("127.0.0.1:8086", 1), ("0.0.0.0:8086", 2)] {
        let warnings = warnings::of(&listening_on(listen, true));
        assert_eq!(warnings.len(), count, "{warnings:?}");
        assert!(
            warnings
                .iter()
                .any(|text| text.contains("NO AUTHENTICATION")),
            "{warnings:?}"
        );
    }
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_what_to_do() {
    let first = port::bind("127.0.0.1:0".parse().expect("valid"))
        .await
        .expect("a free port");
    let address = first.local_addr().expect("bound");
    let error = port::bind(address).await.expect_err("in use");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot listen on {address}: the port is in use")),
        "{text}"
    );
    assert!(text.contains("--listen"), "{text}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused_with_what_to_do() {
    let error = port::bind("192.0.2.1:8086".parse().expect("valid"))
        .await
        .expect_err("not ours");
    assert!(
        error.to_string().contains("does not have that address"),
        "{error}"
    );
}
