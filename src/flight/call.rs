//! What surrounds a call: its sender, its headers, and the time by which it ends.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use super::status;
use crate::auth::Identity;
use crate::clock;

/// The headers that may name the database (query contract, on Flight SQL).
const DATABASE_HEADERS: [&str; 4] = ["database", "bucket", "bucket-name", "iox-namespace-name"];

/// A call.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) sender: Identity,
    pub(super) headers: HeaderMap,
    deadline: Option<Instant>,
    cut: CancellationToken,
}

/// Without the values of headers, of which one is the token.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Call")
            .field("headers", &names)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// The call of a request.
    pub(super) fn of<T>(request: &Request<T>, cut: &CancellationToken) -> Result<Self, Status> {
        let sender = request.extensions().get::<Identity>().cloned();
        let sender = sender.ok_or_else(|| status::internal("a call came in without a sender"))?;
        let headers = request.metadata().clone().into_headers();
        let patience = headers.get("grpc-timeout").map(timeout).transpose()?;
        let now = Instant::from_std(clock::instant());
        Ok(Self {
            sender,
            headers,
            // A time that no clock reaches is none.
            deadline: patience.and_then(|patience| now.checked_add(patience)),
            cut: cut.clone(),
        })
    }

    /// The database that the headers name. They may name it several times, but only one.
    pub(super) fn database(&self) -> Result<Option<String>, Status> {
        let values = DATABASE_HEADERS
            .iter()
            .flat_map(|name| self.headers.get_all(*name));
        let mut found: Option<&str> = None;
        for value in values {
            let name = value.to_str().or(std::str::from_utf8(value.as_bytes()));
            let name = name.map_err(|_| status::invalid("the database's name is not UTF-8"))?;
            if found.is_some_and(|found| found != name) {
                let text = format!(
                    "more than one database is named in the headers {}",
                    DATABASE_HEADERS.join(", ")
                );
                return Err(status::invalid(text));
            }
            found = Some(name);
        }
        Ok(found.filter(|name| !name.is_empty()).map(ToOwned::to_owned))
    }

    /// Returns true if statements are InfluxQL.
    pub(super) fn speaks_influxql(&self) -> bool {
        let language = self.headers.get("x-influxdata-query-language");
        language.is_some_and(|language| language.as_bytes().eq_ignore_ascii_case(b"influxql"))
    }

    /// Refuses what is not SQL.
    pub(super) fn speaks_sql(&self) -> Result<(), Status> {
        let language = self.headers.get("x-influxdata-query-language");
        match language.is_none_or(|language| language.as_bytes().eq_ignore_ascii_case(b"sql")) {
            true => Ok(()),
            false => Err(status::no_influxql()),
        }
    }

    /// Does work for as long as the call lasts.
    pub(super) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        tokio::select! {
            biased;
            done = work => done,
            status = self.ended() => Err(status),
        }
    }

    /// Waits until the call must end, and says why.
    pub(super) async fn ended(&self) -> Status {
        let late = async {
            match self.deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = late => {
                Status::deadline_exceeded("the call took longer than its client waits (grpc-timeout)")
            }
            () = self.cut.cancelled() => Status::unavailable("the server is stopping"),
        }
    }
}

/// The duration of a `grpc-timeout`: at most eight digits and a unit.
fn timeout(value: &HeaderValue) -> Result<Duration, Status> {
    let read = || {
        let text = value.to_str().ok()?;
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let is_number = digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| is_number)?;
        Some(match unit {
            "H" => Duration::from_secs(number.checked_mul(3600)?),
            "M" => Duration::from_secs(number.checked_mul(60)?),
            "S" => Duration::from_secs(number),
            "m" => Duration::from_millis(number),
            "u" => Duration::from_micros(number),
            "n" => Duration::from_nanos(number),
            _ => return None,
        })
    };
    read().ok_or_else(|| {
        status::invalid(
            "grpc-timeout is not understood: it has up to 8 digits and a unit, one of H M S m u n",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;
    use tokio_util::sync::CancellationToken;
    use tonic::{Code, Request};

    use super::{Call, timeout};
    use crate::auth::Identity;

    fn call(headers: &[(&'static str, &'static str)]) -> Call {
        let mut request = Request::new(());
        request.extensions_mut().insert(Identity::Anyone);
        for (name, value) in headers {
            let value = value.parse().expect("a value");
            request.metadata_mut().append(*name, value);
        }
        Call::of(&request, &CancellationToken::new()).expect("a call")
    }

    #[test]
    fn a_timeout_has_digits_and_a_unit() {
        for (text, duration) in [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ] {
            let value = HeaderValue::from_static(text);
            assert_eq!(timeout(&value).expect(text), duration);
        }
        for text in ["", "S", "1", "-1S", "+1S", "1s", "123456789S", "1.5S"] {
            let error = timeout(&HeaderValue::from_static(text)).expect_err(text);
            assert_eq!(error.code(), Code::InvalidArgument, "{text}");
        }
    }

    #[test]
    fn several_headers_may_name_the_database_if_they_agree() {
        assert_eq!(call(&[]).database().expect("none"), None);
        assert_eq!(call(&[("database", "")]).database().expect("none"), None);
        let agreed = call(&[("database", "b"), ("bucket-name", "b"), ("bucket", "b")]);
        assert_eq!(agreed.database().expect("one").as_deref(), Some("b"));
        let error = call(&[("database", "b"), ("iox-namespace-name", "c")]).database();
        let error = error.expect_err("two");
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains("more than one"), "{error}");
    }

    #[test]
    fn a_call_is_never_shown_with_its_token() {
        let call = call(&[("authorization", "Bearer s3cret"), ("database", "b")]);
        let shown = format!("{call:?}");
        assert!(shown.contains("authorization"), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[tokio::test]
    async fn a_call_without_a_sender_is_a_fault_of_ours() {
        let error = Call::of(&Request::new(()), &CancellationToken::new());
        assert_eq!(error.expect_err("no sender").code(), Code::Internal);
    }

    #[tokio::test]
    async fn work_ends_with_the_time_of_its_call_and_with_the_server() {
        let never = || std::future::pending::<Result<(), tonic::Status>>();
        let late = call(&[("grpc-timeout", "1m")]);
        let error = late.within(never()).await.expect_err("late");
        assert_eq!(error.code(), Code::DeadlineExceeded);
        let stopped = call(&[]);
        stopped.cut.cancel();
        let error = stopped.within(never()).await.expect_err("stopped");
        assert_eq!(error.code(), Code::Unavailable);
        assert!(stopped.within(async { Ok(()) }).await.is_ok());
    }
}
