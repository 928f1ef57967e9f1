//! The options of an accepted socket.
//!
//! Promises: small answers leave at once, and a peer that takes little of a long one is seen to take it.

use socket2::SockRef;
use tokio::net::TcpStream;

/// The most bytes that wait in the system for the peer to make room for them. The system says that the
/// peer took something once half of them have left; of its own it would keep MiB, and say so after a third.
const UNSENT_BYTES_MAX: u32 = 64 * 1024;

/// Sets the options. A socket works without them, too.
pub(super) fn prepare(stream: &TcpStream) {
    // Answers are small and written as a whole: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps delaying small packets");
    }
    if let Err(error) = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX) {
        tracing::debug!(%error, "a connection holds as many bytes as the system lets it");
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use socket2::SockRef;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::timeout;

    use super::prepare;

    /// From a bug: a client that took 15 KiB per second was cut off after 30 s, as the system had MiB of
    /// its answer and said nothing.
    #[tokio::test]
    async fn a_peer_that_takes_little_is_seen_to_take_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        SockRef::from(&socket)
            .set_recv_buffer_size(64 * 1024)
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (peer, accepted) = tokio::join!(socket.connect(address), listener.accept());
        let (mut peer, (stream, _)) = (peer.unwrap(), accepted.unwrap());
        prepare(&stream);
        let answer = vec![0; 64 * 1024];
        let mut waiting = 0;
        // The system may take more for a while: full is what stays full.
        while timeout(Duration::from_millis(500), stream.writable())
            .await
            .is_ok()
        {
            match stream.try_write(&answer) {
                Ok(taken) => waiting += taken,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        assert!(waiting < 1024 * 1024, "{waiting} bytes wait for the peer");
        let mut taken = vec![0; waiting / 2];
        peer.read_exact(&mut taken).await.unwrap();
        let seen = timeout(Duration::from_secs(20), stream.writable()).await;
        assert!(seen.is_ok(), "{waiting} bytes waited, half were taken");
    }
}
