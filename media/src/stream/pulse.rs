//! Streams over PulseAudio's protocol, which PipeWire speaks as well.
//!
//! Owns the connection of one stream and the thread that serves it. It must never list devices: cpal does,
//! and names the one that is meant. cpal could open the stream as well, but at a price that a call pays all the
//! time: it leaves no latency to the server's side, which then wakes every half millisecond, it asks for the
//! delay after each block, and its client clears a megabyte for each look at the socket. That was 40 % of a core
//! (`docs/decisions/0014-sound.md`).
//!
//! Whatever the device is, the server makes of it one channel of floating-point samples at our rate.

use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use cpal::ErrorKind;
use pulseaudio::protocol::{
    AuthParams, AuthReply, ChannelMap, Command, CommandReply, CreatePlaybackStreamReply,
    CreateRecordStreamReply, MAX_VERSION, PlaybackStreamParams, Prop, Props, ProtocolError, PulseError,
    RecordStreamParams, SampleFormat, SampleSpec, SetClientNameReply, read_descriptor, read_reply_message,
    stream::{BufferAttr, StreamFlags},
    write_command_message, write_memblock,
};
use pulseaudio::{cookie_path_from_env, socket_path_from_env};

use super::{Intake, OPEN_TIMEOUT, OpenError, Outlet, Signs};
use crate::codec::SAMPLE_RATE_HZ;

/// Frames that are given or taken at a time: 5 milliseconds.
pub(super) const BLOCK: u32 = SAMPLE_RATE_HZ / 200;
/// Blocks between us and the loudspeaker. The server keeps two and leaves half of the others to the sink: with
/// no more than two that would have none.
const BLOCKS_AHEAD: u32 = 4;
const SAMPLE_BYTES: u32 = size_of::<f32>() as u32;
/// The longest message that is read, in bytes, and the most that is written at once: over a second of sound, of
/// which a few milliseconds are asked for.
const MESSAGE_MAX: u32 = 256 * 1024;
/// On this channel come commands, on the others sound.
const COMMANDS: u32 = u32::MAX;

/// A stream that is served. Dropping it closes it.
pub(super) struct PulseStream {
    socket: UnixStream,
    server: Option<JoinHandle<()>>,
}

impl Drop for PulseStream {
    fn drop(&mut self) {
        // What is closed already need not be: the thread ends with its next look either way.
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(server) = self.server.take() {
            // It would have panicked in code that has no reason to; the sound is over all the same.
            let _ = server.join();
        }
    }
}

/// Opens the microphone of this name.
pub(super) fn record(source: &str, intake: Intake, signs: Arc<Signs>) -> Result<PulseStream, OpenError> {
    let mut connection = Connection::open()?;
    let params = RecordStreamParams {
        sample_spec: FORM,
        channel_map: ChannelMap::mono(),
        source_name: Some(named(source)?),
        buffer_attr: BufferAttr { fragment_size: BLOCK * SAMPLE_BYTES, ..BufferAttr::default() },
        flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
        props: title(),
        ..RecordStreamParams::default()
    };
    let _: CreateRecordStreamReply = connection.ask(&Command::CreateRecordStream(params))?;
    connection.serve("microphone", move |connection| listen(connection, intake, &signs))
}

/// Opens the loudspeaker of this name.
pub(super) fn play(sink: &str, outlet: Outlet, signs: Arc<Signs>) -> Result<PulseStream, OpenError> {
    let mut connection = Connection::open()?;
    let params = PlaybackStreamParams {
        sample_spec: FORM,
        channel_map: ChannelMap::mono(),
        sink_name: Some(named(sink)?),
        buffer_attr: BufferAttr {
            target_length: BLOCKS_AHEAD * BLOCK * SAMPLE_BYTES,
            minimum_request_length: BLOCK * SAMPLE_BYTES,
            ..BufferAttr::default()
        },
        flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
        props: title(),
        ..PlaybackStreamParams::default()
    };
    let opened: CreatePlaybackStreamReply = connection.ask(&Command::CreatePlaybackStream(params))?;
    connection.serve("loudspeaker", move |connection| speak(connection, &opened, outlet, &signs))
}

const FORM: SampleSpec =
    SampleSpec { format: SampleFormat::Float32Le, channels: 1, sample_rate: SAMPLE_RATE_HZ };

fn named(device: &str) -> Result<std::ffi::CString, OpenError> {
    std::ffi::CString::new(device).map_err(|_| OpenError::NoDevice)
}

/// What mixers show.
fn title() -> Props {
    let mut props = Props::new();
    props.set(Prop::MediaName, c"Kinmesh");
    props
}

/// What a server says on the connection of a stream.
enum Word {
    /// Sound, which is in [`Connection::payload`].
    Sound,
    /// So many bytes are wanted.
    Wants(u32),
    /// There was too much.
    Xrun,
    /// The stream is no more.
    Over,
    /// Nothing that matters here.
    Other,
}

struct Connection {
    reader: BufReader<UnixStream>,
    version: u16,
    asked: u32,
    payload: Vec<u8>,
    written: Vec<u8>,
}

impl Connection {
    fn open() -> Result<Self, OpenError> {
        let path = socket_path_from_env().ok_or(io::ErrorKind::NotFound).map_err(io::Error::from)?;
        let socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(OPEN_TIMEOUT))?;
        socket.set_write_timeout(Some(OPEN_TIMEOUT))?;
        let (payload, written) = (Vec::new(), Vec::new());
        let mut connection =
            Self { reader: BufReader::new(socket), version: MAX_VERSION, asked: 0, payload, written };
        let cookie = cookie_path_from_env().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        let auth = AuthParams { version: MAX_VERSION, supports_shm: false, supports_memfd: false, cookie };
        let welcome: AuthReply = connection.ask(&Command::Auth(auth))?;
        connection.version = welcome.version.min(MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"Kinmesh");
        let _: SetClientNameReply = connection.ask(&Command::SetClientName(props))?;
        Ok(connection)
    }

    /// Only before anything is served: what comes next is taken for the answer.
    fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, ProtocolError> {
        write_command_message(self.reader.get_mut(), self.asked, command, self.version)?;
        self.asked += 1;
        read_reply_message(&mut self.reader, self.version).map(|(_, reply)| reply)
    }

    fn serve(self, device: &str, work: impl FnOnce(Self) + Send + 'static) -> Result<PulseStream, OpenError> {
        let socket = self.reader.get_ref().try_clone()?;
        socket.set_read_timeout(None)?;
        let server = thread::Builder::new().name(device.to_owned()).spawn(move || work(self))?;
        Ok(PulseStream { socket, server: Some(server) })
    }

    fn hear(&mut self) -> Result<Word, ProtocolError> {
        let head = read_descriptor(&mut self.reader)?;
        if head.length > MESSAGE_MAX {
            return Err(ProtocolError::Invalid("too long".to_owned()));
        }
        self.payload.resize(head.length as usize, 0);
        self.reader.read_exact(&mut self.payload)?;
        if head.channel != COMMANDS {
            return Ok(Word::Sound);
        }
        let command = Command::read_tag_prefixed(&mut self.payload.as_slice(), self.version);
        Ok(match command.map(|(_, command)| command) {
            Ok(Command::Request(request)) => Word::Wants(request.length),
            Ok(Command::Overflow(_)) => Word::Xrun,
            Ok(Command::PlaybackStreamKilled(_) | Command::RecordStreamKilled(_)) => Word::Over,
            // Also what a newer server may say that this protocol does not know; and that it ran dry: whoever
            // gives it sound counts what was missing, and more sound before us would not come to it sooner.
            _ => Word::Other,
        })
    }

    /// Says this on a stream, as one write: each is a system call.
    fn say(&mut self, channel: u32, samples: &[f32]) -> Result<(), ProtocolError> {
        self.payload.clear();
        samples.iter().for_each(|sample| self.payload.extend(sample.to_le_bytes()));
        self.written.clear();
        write_memblock(&mut self.written, channel, &self.payload, 0)?;
        Ok(self.reader.get_mut().write_all(&self.written)?)
    }
}

fn listen(mut connection: Connection, mut intake: Intake, signs: &Signs) {
    let mut samples = Vec::new();
    loop {
        match connection.hear() {
            Ok(Word::Sound) => {
                samples.clear();
                samples.extend(connection.payload.as_chunks().0.iter().copied().map(f32::from_le_bytes));
                intake.take(&samples);
            }
            Ok(Word::Xrun) => signs.hear_of(ErrorKind::Xrun),
            Ok(Word::Wants(_) | Word::Other) => {}
            Ok(Word::Over) | Err(_) => return signs.hear_of(ErrorKind::StreamInvalidated),
        }
    }
}

fn speak(mut connection: Connection, opened: &CreatePlaybackStreamReply, mut outlet: Outlet, signs: &Signs) {
    let mut samples = Vec::new();
    let mut give = |connection: &mut Connection, bytes: u32| {
        samples.resize((bytes.min(MESSAGE_MAX) / SAMPLE_BYTES) as usize, 0.0_f32);
        outlet.give(&mut samples);
        connection.say(opened.channel, &samples)
    };
    let mut wanted = opened.requested_bytes;
    loop {
        let is_given = wanted == 0 || give(&mut connection, wanted).is_ok();
        wanted = match connection.hear() {
            Ok(Word::Wants(bytes)) if is_given => bytes,
            Ok(Word::Sound | Word::Xrun | Word::Other) if is_given => 0,
            _ => return signs.hear_of(ErrorKind::StreamInvalidated),
        };
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::System(cpal::Error::with_message(ErrorKind::HostUnavailable, error.to_string()))
    }
}

impl From<ProtocolError> for OpenError {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::ServerError(PulseError::NoEntity) => Self::NoDevice,
            ProtocolError::ServerError(PulseError::AccessDenied) => Self::Denied,
            ProtocolError::ServerError(PulseError::Busy) => Self::Busy,
            ProtocolError::Io(error) => error.into(),
            error => Self::System(cpal::Error::with_message(ErrorKind::Other, error.to_string())),
        }
    }
}
