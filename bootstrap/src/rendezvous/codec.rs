//! The server's side of a rendezvous stream: one request in, one answer out.

use std::io;

use futures::{AsyncRead, AsyncWrite};
use kinmesh_net::rendezvous::{read_message, write_message};
use kinmesh_proto::limits::RENDEZVOUS_REQUEST_MAX;
use kinmesh_proto::rendezvous::{Request, Response};
use libp2p::StreamProtocol;
use libp2p::request_response;

/// Reads requests and writes responses; a server does neither the other way round.
#[derive(Debug, Clone, Copy)]
pub struct Codec;

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = read_message(io, RENDEZVOUS_REQUEST_MAX).await?;
        Request::decode(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a request"))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, _: &mut T, _: Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_message(io, &response.encode()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;

    fn read(bytes: &[u8]) -> io::Result<Request> {
        let protocol = StreamProtocol::new("/test");
        block_on(Codec.read_request(&protocol, &mut Cursor::new(bytes)))
    }

    #[test]
    fn a_request_is_read_and_rubbish_is_not() {
        let request = Request::Unregister { namespace: "room".into() };
        let mut io = Cursor::new(Vec::new());
        block_on(write_message(&mut io, &request.clone().encode())).unwrap();
        let bytes = io.into_inner();
        assert_eq!(read(&bytes).unwrap(), request);
        for rubbish in [&b""[..], &[0], &[255; 64], &bytes[..bytes.len() - 1], &[3, 8, 0, 0]] {
            assert!(read(rubbish).is_err(), "{rubbish:?}");
        }
    }
}
