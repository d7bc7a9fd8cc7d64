//! How requests and responses look on a stream: one CBOR value within its limit, and nothing after it.
//!
//! Libp2p's own CBOR codec cuts off what is too large and overlooks what is left over; here either
//! is refused. Knows no protocol.

use std::io;
use std::marker::PhantomData;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use kinmesh_proto::codec;
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A codec for requests of type `Q` and responses of type `A`.
#[derive(Debug, Clone)]
pub struct Cbor<Q, A> {
    request_max: u64,
    response_max: u64,
    kinds: PhantomData<fn() -> (Q, A)>,
}

impl<Q, A> Cbor<Q, A> {
    /// Takes requests and responses of at most this many bytes.
    pub fn new(request_max: u64, response_max: u64) -> Self {
        Self { request_max, response_max, kinds: PhantomData }
    }
}

impl<Q, A> Codec for Cbor<Q, A>
where
    Q: Serialize + DeserializeOwned + Send,
    A: Serialize + DeserializeOwned + Send,
{
    type Protocol = StreamProtocol;
    type Request = Q;
    type Response = A;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Q>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.request_max).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<A>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.response_max).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Q) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&codec::encode(&request)).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: A) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&codec::encode(&response)).await
    }
}

async fn read<V: DeserializeOwned>(io: &mut (impl AsyncRead + Unpin + Send), max: u64) -> io::Result<V> {
    let mut bytes = Vec::new();
    // One byte above the limit tells that there was more; what follows it is never read.
    io.take(max.saturating_add(1)).read_to_end(&mut bytes).await?;
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    codec::decode(&bytes, max).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use futures::io::Cursor;

    use super::*;

    async fn reads(bytes: &[u8], max: u64) -> io::Result<String> {
        read(&mut Cursor::new(bytes), max).await
    }

    #[tokio::test]
    async fn one_value_within_the_limit_and_nothing_else_is_read() {
        let bytes = codec::encode(&"hello");
        let size = bytes.len() as u64;
        assert_eq!(reads(&bytes, size).await.unwrap(), "hello");
        assert!(reads(&bytes, size - 1).await.is_err());
        assert!(reads(&[&bytes[..], b"\0"].concat(), size).await.is_err());
        assert!(reads(&[&bytes[..], b"\0"].concat(), 100).await.is_err());
    }
}
