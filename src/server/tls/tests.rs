#![allow(
    clippy::disallowed_methods,
    reason = "files that an operator would write"
)]

use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::validity::{Standing, of};
use super::{Tls, config};

/// A certificate and its key, in PEM.
fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn files(cert: &str, key: &str) -> (config::Tls, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| -> Option<PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        Some(path)
    };
    let files = config::Tls {
        cert_file: write("cert.pem", cert),
        key_file: write("key.pem", key),
    };
    (files, folder)
}

/// The reason for which these cannot be used, without the folder's name.
fn refusal(cert: &str, key: &str) -> String {
    let (files, folder) = files(cert, key);
    let error = Tls::load(&files).expect_err("refused");
    let text = crate::telemetry::causes(&error);
    text.replace(folder.path().to_str().expect("plain"), "")
}

#[test]
fn a_pair_is_taken_whatever_stands_around_it() {
    let ((cert, key), (other, _)) = (pair(), pair());
    let noted = format!("Subject: me\n{cert}\nIssuer: them\n{other}");
    for (cert, key) in [(&cert, &key), (&noted, &format!("{cert}{key}"))] {
        let (files, _folder) = files(cert, key);
        assert!(Tls::load(&files).expect("usable").is_some());
    }
    assert!(Tls::load(&config::Tls::default()).expect("none").is_none());
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_what_to_do() {
    let (cert, key) = pair();
    let (mut files, folder) = files(&cert, &key);
    let told = |files: &config::Tls| Tls::load(files).expect_err("refused").to_string();
    files.cert_file = Some(PathBuf::from("/no/such.pem"));
    assert_eq!(
        told(&files),
        "cannot read /no/such.pem (tls.cert_file): there is no such file; correct the path"
    );
    files.cert_file = Some(folder.path().to_owned());
    assert!(told(&files).contains("it is a folder"), "{}", told(&files));
    std::fs::write(folder.path().join("der"), [0x30, 0x82, 0xff]).expect("written");
    files.cert_file = Some(folder.path().join("der"));
    assert!(told(&files).contains("openssl x509 -inform der"));
}

#[test]
fn what_is_not_in_a_file_is_said() {
    let (cert, key) = pair();
    assert_eq!(
        refusal("", &key),
        "/cert.pem (tls.cert_file) cannot be used: there is no certificate in it; \
         it begins with -----BEGIN CERTIFICATE-----"
    );
    assert_eq!(
        refusal(&cert, "hello"),
        "/key.pem (tls.key_file) cannot be used: there is no private key in it; \
         it begins with -----BEGIN PRIVATE KEY-----"
    );
    let exchanged = "perhaps tls.cert_file and tls.key_file are exchanged";
    assert!(refusal(&key, &cert).ends_with(exchanged));
    assert!(refusal(&cert, &cert).ends_with(exchanged));
    let locked = key.replace(" PRIVATE", " ENCRYPTED PRIVATE");
    let told = refusal(&cert, &locked);
    assert!(told.contains("openssl pkey -in /key.pem"), "{told}");
}

#[test]
fn what_is_damaged_is_said_without_repeating_it() {
    let (cert, key) = pair();
    let cut = &key[..key.len() / 2];
    let told = refusal(&cert, cut);
    assert!(told.starts_with("/key.pem (tls.key_file) cannot be used: its PEM is broken"));
    assert!(!told.contains(&cut[40..60]), "repeats the key: {told}");
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let told = refusal(nonsense, &key);
    assert!(told.contains("/cert.pem (tls.cert_file)"), "{told}");
    assert!(told.contains("version 3 is needed"), "{told}");
    let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let told = refusal(&cert, nonsense);
    assert!(told.contains("RSA (2048 bits or more)"), "{told}");
}

#[test]
fn a_key_of_another_certificate_is_refused_by_both_names() {
    let ((cert, _), (_, key)) = (pair(), pair());
    let told = refusal(&cert, &key);
    assert!(
        told.starts_with(
            "the private key in /key.pem (tls.key_file) does not belong to the first certificate \
             in /cert.pem (tls.cert_file)"
        ),
        "{told}"
    );
}

#[test]
fn a_reload_that_fails_leaves_what_is_in_use() {
    let ((cert, key), (other, _)) = (pair(), pair());
    let (files, _folder) = files(&cert, &key);
    let tls = Tls::load(&files).expect("usable").expect("some");
    let current = || std::sync::Arc::as_ptr(&tls.shared.current.read().expect("sound"));
    let before = current();
    std::fs::write(path(files.cert_file.as_deref()), other).expect("written");
    assert!(tls.reload().is_err());
    assert_eq!(current(), before);
    std::fs::write(path(files.cert_file.as_deref()), cert).expect("written");
    tls.reload().expect("usable again");
    assert_ne!(current(), before);
}

fn path(file: Option<&Path>) -> &Path {
    file.expect("set")
}

#[test]
fn the_time_of_a_certificate_is_read_in_both_of_its_forms() {
    let key = KeyPair::generate().expect("made");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("valid");
    for (first, last) in [(1975, 2049), (2020, 2050), (2020, 4096)] {
        params.not_before = date_time_ymd(first, 1, 2);
        params.not_after = date_time_ymd(last, 12, 31);
        let cert = params.self_signed(&key).expect("made");
        let validity = of(cert.der()).expect("understood");
        assert_eq!(
            validity.not_before.to_string(),
            format!("{first}-01-02 00:00:00 UTC")
        );
        assert_eq!(
            validity.not_after.to_string(),
            format!("{last}-12-31 00:00:00 UTC")
        );
        let now = |seconds: i64| validity.at(seconds.saturating_mul(1_000_000_000));
        assert_eq!(now(validity.not_before.timestamp() - 1), Standing::Early);
        assert_eq!(now(1_700_000_000), Standing::Valid);
    }
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    let cert = params.self_signed(&key).expect("made");
    let validity = of(cert.der()).expect("understood");
    assert_eq!(validity.at(1_700_000_000_000_000_000), Standing::Expired);
    for cut in 0..120 {
        assert_eq!(of(&cert.der()[..cut]), None, "cut at {cut}");
    }
}
