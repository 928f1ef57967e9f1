//! Bodies that are read piece by piece by others, at the pace that every body must keep.

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::try_unfold;
use http_body::Body;

use super::pace::Pace;
use super::{BodyError, Limits};

/// The data of a body as it arrives. An error, such as one for a body that comes too slowly, is the
/// last. The limits on its length are left to whoever reads it.
pub fn arriving<B>(
    body: B,
    limits: &Limits,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    let pace = Pace::new(
        limits.idle_timeout,
        limits.rate_window,
        limits.rate_bytes_min,
    );
    try_unfold((pace, body), |(mut pace, mut body)| async move {
        let data = pace.next(&mut body).await?;
        Ok(data.map(|data| (data, (pace, body))))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::{StreamExt, TryStreamExt, stream};
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::{BodyError, Limits, arriving};

    fn limits(idle_timeout: Duration) -> Limits {
        Limits {
            wire_bytes_max: 1,
            decoded_bytes_max: 1,
            wait_max: Duration::ZERO,
            idle_timeout,
            rate_bytes_min: 0,
            rate_window: Duration::from_secs(60),
        }
    }

    fn frames(texts: &[&'static str]) -> Vec<Result<Frame<Bytes>, Infallible>> {
        let texts = texts.iter();
        texts
            .map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes()))))
            .collect()
    }

    #[tokio::test]
    async fn a_body_arrives_whole_or_ends_with_the_reason() {
        let body = StreamBody::new(stream::iter(frames(&["a", "", "b"])));
        let whole: Vec<_> = arriving(body, &limits(Duration::from_secs(60)))
            .try_collect()
            .await
            .expect("whole");
        assert_eq!(whole, ["a", "b"]);
        let silent = stream::iter(frames(&["a"])).chain(stream::pending());
        let limits = limits(Duration::from_millis(20));
        let pieces: Vec<_> = arriving(StreamBody::new(silent), &limits).collect().await;
        assert_eq!(pieces.len(), 2);
        assert!(matches!(pieces[1], Err(BodyError::Idle(_))), "{pieces:?}");
    }
}
