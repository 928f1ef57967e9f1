//! The period in which a certificate is valid, which the TLS library does not expose.

use chrono::{DateTime, Utc};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::time::Time;

const NS: i64 = 1_000_000_000;

/// The first and the last second of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: DateTime<Utc>,
    pub(super) not_after: DateTime<Utc>,
}

/// The position of a moment relative to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Early,
    Valid,
    Expired,
}

impl Validity {
    pub(super) fn at(&self, now_ns: i64) -> Standing {
        let now_s = now_ns.div_euclid(NS);
        if now_s < self.not_before.timestamp() {
            Standing::Early
        } else if now_s > self.not_after.timestamp() {
            Standing::Expired
        } else {
            Standing::Valid
        }
    }
}

/// Reads the period of a certificate in DER; `None` if it is not understood.
pub(super) fn of(der: &[u8]) -> Option<Validity> {
    let certificate = Certificate::from_der(der).ok()?;
    let validity = certificate.tbs_certificate().validity();
    Some(Validity {
        not_before: moment(&validity.not_before)?,
        not_after: moment(&validity.not_after)?,
    })
}

fn moment(time: &Time) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    DateTime::from_timestamp(seconds, 0)
}
