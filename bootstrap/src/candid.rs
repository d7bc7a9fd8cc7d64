//! A codec that tells when a request cannot be read. libp2p drops such a request without an event,
//! so an operator would never learn who sends rubbish.

use std::io::{self, ErrorKind};

use futures::{AsyncRead, AsyncWrite};
use libp2p::request_response::Codec;

/// A request that is too large or not of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Wraps a codec: what it cannot read arrives as [`Unreadable`].
#[derive(Clone)]
pub struct Candid<C>(pub C);

impl<C: Codec + Send> Codec for Candid<C>
where
    C::Protocol: Sync,
    C::Request: Send,
    C::Response: Send,
{
    type Protocol = C::Protocol;
    type Request = Result<C::Request, Unreadable>;
    type Response = C::Response;

    async fn read_request<T>(&mut self, protocol: &C::Protocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        match self.0.read_request(protocol, io).await {
            Ok(request) => Ok(Ok(request)),
            // The connection ended: nobody's fault, and nobody to refuse.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset
                        | ErrorKind::ConnectionAborted
                        | ErrorKind::BrokenPipe
                        | ErrorKind::NotConnected
                ) =>
            {
                Err(error)
            }
            Err(_) => Ok(Err(Unreadable)),
        }
    }

    async fn read_response<T>(&mut self, protocol: &C::Protocol, io: &mut T) -> io::Result<C::Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        self.0.read_response(protocol, io).await
    }

    async fn write_request<T>(
        &mut self,
        protocol: &C::Protocol,
        io: &mut T,
        request: Self::Request,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let request = request.map_err(|Unreadable| io::Error::from(ErrorKind::InvalidInput))?;
        self.0.write_request(protocol, io, request).await
    }

    async fn write_response<T>(
        &mut self,
        protocol: &C::Protocol,
        io: &mut T,
        response: C::Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        self.0.write_response(protocol, io, response).await
    }
}
