//! Asking a rendezvous server: who is in a namespace, and that we are.
//!
//! libp2p's own client is not used. It sets a timer for as long as the server says, which ends the
//! program when the server says u64::MAX, and remembers all it was ever told; here an answer is read
//! within its limits, and nothing of it is kept. Whom to ask is decided elsewhere.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use kinmesh_proto::limits::RENDEZVOUS_RESPONSE_MAX;
use kinmesh_proto::protocol;
use kinmesh_proto::rendezvous::{Request, Response, Status};
use libp2p::StreamProtocol;
use libp2p::core::{PeerRecord, SignedEnvelope};
use libp2p::request_response::{self, ProtocolSupport};

/// The protocol's name on the wire.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new(protocol::RENDEZVOUS);

/// The protocol's behaviour, for asking only.
pub(crate) type Behaviour = request_response::Behaviour<Codec>;
/// What the behaviour reports.
pub(crate) type Event = request_response::Event<Request, Answer>;

pub(crate) fn behaviour() -> Behaviour {
    request_response::Behaviour::with_codec(
        Codec,
        [(PROTOCOL, ProtocolSupport::Outbound)],
        request_response::Config::default(),
    )
}

/// What a server answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// To a register: whether it was taken.
    Registered(Result<(), Status>),
    /// To a discover: the records whose signatures hold.
    Found(Result<Vec<PeerRecord>, Status>),
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        match response {
            Response::Registered(result) => Self::Registered(result.map(drop)),
            Response::Found(result) => Self::Found(
                result
                    .map(|(found, _)| found.iter().filter_map(|found| read_record(&found.record)).collect()),
            ),
        }
    }
}

/// A peer's record, if its signature holds.
pub fn read_record(bytes: &[u8]) -> Option<PeerRecord> {
    let envelope = SignedEnvelope::from_protobuf_encoding(bytes).ok()?;
    // rust-libp2p signs with an older domain than the other implementations; both are right.
    let parsed = PeerRecord::from_signed_envelope(envelope.clone());
    parsed.or_else(|_| PeerRecord::from_signed_envelope_interop(envelope)).ok()
}

/// Reads a message that has its length before it, and at most `max` bytes.
pub async fn read_message<T: AsyncRead + Unpin>(io: &mut T, max: usize) -> io::Result<Vec<u8>> {
    let size = read_size(io).await?;
    if size > max {
        return Err(too_large());
    }
    let mut bytes = vec![0; size];
    io.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// An unsigned varint of at most three bytes: two million, far above what is allowed.
async fn read_size<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<usize> {
    let mut size = 0;
    for shift in [0, 7, 14] {
        let mut byte = [0];
        io.read_exact(&mut byte).await?;
        size |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(too_large())
}

/// Writes a message with its length before it, and ends the stream's side.
pub async fn write_message<T: AsyncWrite + Unpin>(io: &mut T, message: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(message.len() + 3);
    let mut size = message.len();
    while size >= 0x80 {
        bytes.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
    bytes.extend_from_slice(message);
    io.write_all(&bytes).await?;
    io.close().await
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "larger than a message may be")
}

/// Writes requests and reads answers; a client does neither the other way round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Codec;

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Answer;

    async fn read_request<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Answer>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = read_message(io, RENDEZVOUS_RESPONSE_MAX).await?;
        let response = Response::decode(&bytes);
        response.map(Answer::from).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an answer"))
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_message(io, &request.encode()).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, _: &mut T, _: Answer) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;
    use kinmesh_proto::rendezvous::{Cookie, Found};
    use libp2p::identity::Keypair;
    use libp2p::request_response::Codec as _;

    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Answer> {
        block_on(Codec.read_response(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    fn written(message: &[u8]) -> Vec<u8> {
        let mut io = Cursor::new(Vec::new());
        block_on(write_message(&mut io, message)).unwrap();
        io.into_inner()
    }

    #[test]
    fn a_message_of_any_size_is_read_as_it_was_written() {
        for size in [0, 1, 127, 128, 16_383, 16_384, RENDEZVOUS_RESPONSE_MAX] {
            let message = vec![7; size];
            let read = block_on(read_message(&mut Cursor::new(written(&message)), RENDEZVOUS_RESPONSE_MAX));
            assert_eq!(read.unwrap(), message, "{size}");
        }
    }

    #[test]
    fn a_size_above_the_limit_is_refused_before_anything_is_read() {
        // 0x81 0x80 0x02 is 32,769; nothing follows, so reading on would end in UnexpectedEof.
        let long = block_on(read_message(&mut Cursor::new([0x81, 0x80, 0x02]), 4096));
        assert_eq!(long.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn only_records_whose_signatures_hold_are_found() {
        let record = |key: &Keypair| {
            let address = "/ip4/192.0.2.1/tcp/1".parse().unwrap();
            PeerRecord::new(key, vec![address]).unwrap().into_signed_envelope().into_protobuf_encoding()
        };
        let alice = Keypair::generate_ed25519();
        let mut forged = record(&alice);
        *forged.last_mut().unwrap() ^= 1;
        let found = [record(&alice), forged, vec![1, 2, 3]].map(|record| Found {
            namespace: "room".into(),
            record,
            ttl: 600,
        });
        let cookie = Cookie { seen: 1, namespace: "room".into() };
        let answer = read(&written(&Response::Found(Ok((found.into(), cookie))).encode())).unwrap();
        let Answer::Found(Ok(records)) = answer else { panic!("{answer:?}") };
        let peers: Vec<_> = records.iter().map(PeerRecord::peer_id).collect();
        assert_eq!(peers, [alice.public().to_peer_id()]);
    }

    #[test]
    fn an_answer_beyond_the_limits_or_rubbish_is_no_answer() {
        for rubbish in [&b""[..], &[0], &[255; 64], &[3, 8, 0, 0]] {
            assert!(read(rubbish).is_err(), "{rubbish:?}");
        }
        assert!(read(&written(&Response::Registered(Ok(600)).encode())).is_ok());
        assert!(read(&written(&Response::Registered(Ok(u64::MAX)).encode())).is_err());
    }
}
