//! Warnings about settings that are allowed but dangerous, logged at every start.

use crate::config::Config;

/// A sentence for each dangerous setting.
pub(super) fn of(config: &Config) -> Vec<String> {
    let listen = config.server.listen;
    let exposed = !listen.ip().to_canonical().is_loopback();
    let mut warnings = Vec::new();
    if exposed && config.tls.cert_file.is_none() {
        warnings.push(format!(
            "NOT ENCRYPTED: listening on {listen} without TLS; whoever is on the way can read \
             points and steal tokens. Outside a trusted network set tls.cert_file and \
             tls.key_file (--tls-cert, --tls-key), put a TLS proxy in front, or listen on 127.0.0.1"
        ));
    }
    match (config.server.without_auth, exposed) {
        (true, true) => warnings.push(format!(
            "NO AUTHENTICATION: everyone who can reach {listen} may read and write everything. \
             Remove --without-auth (server.without_auth) unless this is a bench"
        )),
        (true, false) => warnings.push(
            "NO AUTHENTICATION: every program on this machine may read and write everything. \
             Remove --without-auth (server.without_auth) unless this is a bench"
                .to_owned(),
        ),
        (false, _) => {}
    }
    warnings
}
