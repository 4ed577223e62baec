//! The other side of a door: asks for an association and has operations done (DICOM PS3.7, PS3.8). Memory does not depend
//! on what is sent.

use std::io::Read;
use std::time::Duration;

use causeway_core::dicom::uid::Uid;
use causeway_core::disposition::Disposition;
use causeway_tls::{ConnectError, Connector};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::classes::VERIFICATION;
use crate::dimse::{COMMAND_BYTES_MAX, Command, CommandWriter, field};
use crate::outgoing;
use crate::pdu::{self, APPLICATION_CONTEXT, ASSOCIATE_BYTES_MAX, Abort, Proposal, Rejection, Request, Role, kind};
use crate::wire::{Wire, WireFault};

/// The longest P-DATA-TF we take.
const PDU_BYTES_TAKEN: u32 = 64 << 10;

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Our AE title.
    pub calling: String,
    /// Theirs.
    pub called: String,
    /// How long to wait for a connection, an answer, or room to write.
    pub timeout: Duration,
    /// By TLS, if so; the host must be what its certificate names.
    pub tls: Option<Connector>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    /// There is no TLS session with who answers.
    #[error("no TLS session: {0}")]
    Tls(#[from] ConnectError),
    /// The association was rejected.
    #[error("the association was rejected: {}", explain(*.0))]
    Rejected(Rejection),
    /// The peer aborted the association.
    #[error("the peer aborted the association (source {}, reason {})", .0.0, .0.1)]
    Aborted(Abort),
    /// The connection was lost.
    #[error("the connection was lost")]
    Lost,
    /// The peer took too long.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// The peer said what it may not.
    #[error("the peer does not keep to DICOM: {0}")]
    Protocol(&'static str),
    /// What was to be sent cannot be read.
    #[error("what is to be sent cannot be read: {0}")]
    Source(std::io::Error),
    /// The peer takes no such instances.
    #[error("the peer takes no instances of this SOP class in this transfer syntax")]
    NotAgreed,
}

impl ClientError {
    /// What the caller does about it.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Connect(_) | Self::Lost | Self::TimedOut | Self::Aborted(_) => Disposition::Retry,
            Self::Rejected(rejection) if rejection.is_transient() => Disposition::Retry,
            Self::Tls(_) | Self::Rejected(_) | Self::Protocol(_) | Self::Source(_) | Self::NotAgreed => {
                Disposition::Reject
            }
        }
    }
}

impl From<WireFault> for ClientError {
    fn from(fault: WireFault) -> Self {
        match fault {
            WireFault::Closed => Self::Lost,
            WireFault::TimedOut => Self::TimedOut,
        }
    }
}

fn explain(rejection: Rejection) -> String {
    let why = match rejection {
        Rejection::CALLING => "our AE title, address or certificate is not known there",
        Rejection::CALLED => "it is called otherwise",
        Rejection::APPLICATION_CONTEXT => "it does not know the application context",
        Rejection::VERSION => "it speaks another version",
        Rejection::LIMIT => "it has as many associations as it may, for now",
        Rejection::CONGESTION => "it can take none at the moment",
        _ => "without a reason that is known",
    };
    format!("{why} ({}, {}, {})", rejection.0, rejection.1, rejection.2)
}

/// A connection, by TLS or without.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Stream for S {}

/// An association of ours.
#[derive(Debug)]
pub struct Client {
    wire: Wire<Box<dyn Stream>>,
    timeout: Duration,
    /// Number, SOP class, transfer syntax.
    contexts: Vec<(u8, Uid, Uid)>,
    roles: Vec<Role>,
    piece: usize,
    last_id: u16,
}

impl Client {
    /// Asks `to`, a `host:port`, for an association.
    ///
    /// # Errors
    /// There is none: see [`ClientError`].
    pub async fn open(
        to: &str,
        settings: &ClientSettings,
        contexts: Vec<Proposal>,
        roles: Vec<Role>,
    ) -> Result<Self, ClientError> {
        let connected =
            timeout(settings.timeout, TcpStream::connect(to)).await.map_err(|_elapsed| ClientError::TimedOut)?;
        let stream = connected.map_err(ClientError::Connect)?;
        stream.set_nodelay(true).map_err(ClientError::Connect)?;
        let stream: Box<dyn Stream> = match &settings.tls {
            None => Box::new(stream),
            Some(tls) => {
                let host = to.rsplit_once(':').map_or(to, |(host, _port)| host);
                let connected = timeout(settings.timeout, tls.connect(host, stream)).await;
                Box::new(connected.map_err(|_elapsed| ClientError::TimedOut)??)
            }
        };
        let mut wire = Wire::new(stream, settings.timeout);
        let request = Request {
            version: 1,
            called: settings.called.clone(),
            calling: settings.calling.clone(),
            application_context: APPLICATION_CONTEXT.to_owned(),
            contexts,
            pdu_bytes_max: PDU_BYTES_TAKEN,
            roles,
        };
        wire.write(&pdu::proposed(&request)).await?;
        let until = Instant::now() + settings.timeout;
        let head = wire.unit(until).await?;
        if head.bytes > ASSOCIATE_BYTES_MAX {
            return Err(ClientError::Protocol("its answer is too long"));
        }
        let mut body = Vec::new();
        wire.append(&mut body, usize::try_from(head.bytes).unwrap_or(usize::MAX), until).await?;
        let unreadable = |_fault| ClientError::Protocol("its answer cannot be read");
        let acceptance = match head.kind {
            kind::ACCEPT => pdu::accept(&body).map_err(unreadable)?,
            kind::REJECT => return Err(ClientError::Rejected(pdu::reject(&body).map_err(unreadable)?)),
            kind::ABORT => return Err(aborted(&body)),
            _ => return Err(ClientError::Protocol("its answer is none")),
        };
        let proposed = |id: u8| request.contexts.iter().find(|proposal| proposal.id == id);
        let agreed = acceptance.contexts.into_iter().filter_map(|answer| {
            let syntax = answer.result.ok()?;
            Some((answer.id, proposed(answer.id)?.abstract_syntax.clone(), syntax))
        });
        let piece = outgoing::piece(acceptance.pdu_bytes_max);
        let (contexts, timeout) = (agreed.collect(), settings.timeout);
        Ok(Self { wire, timeout, contexts, roles: acceptance.roles, piece, last_id: 0 })
    }

    /// The context agreed on for a SOP class in a transfer syntax.
    pub fn context(&self, class: &str, syntax: &str) -> Option<u8> {
        let found = self.contexts.iter().find(|(_, known, taken)| known.as_str() == class && taken.as_str() == syntax);
        found.map(|(id, _, _)| *id)
    }

    /// The contexts agreed on: number, SOP class, transfer syntax.
    pub fn contexts(&self) -> &[(u8, Uid, Uid)] {
        &self.contexts
    }

    /// The roles agreed on.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// C-ECHO: gives the status.
    ///
    /// # Errors
    /// No answer came, or verification was not agreed on.
    pub async fn echo(&mut self) -> Result<u16, ClientError> {
        let found = self.contexts.iter().find(|(_, class, _)| class.as_str() == VERIFICATION);
        let (context, class) = found.map(|(id, class, _)| (*id, class.clone())).ok_or(ClientError::NotAgreed)?;
        let mut command = CommandWriter::request(field::ECHO, self.next_id(), false);
        command.uid(0x0002, &class);
        self.say(context, &command, None).await?;
        self.hear().await.map(|(command, _)| command.status.unwrap_or(0xFFFF))
    }

    /// C-STORE of a data set, which is read in pieces: gives the answer. Reading blocks, so it should be a local file or memory.
    ///
    /// # Errors
    /// No answer came, the source failed, or the class was not agreed on in this syntax.
    pub async fn store(
        &mut self,
        class: &Uid,
        instance: &Uid,
        syntax: &Uid,
        source: &mut (dyn Read + Send),
    ) -> Result<Command, ClientError> {
        let context = self.context(class.as_str(), syntax.as_str()).ok_or(ClientError::NotAgreed)?;
        let mut command = CommandWriter::request(field::STORE, self.next_id(), true);
        command.uid(0x0002, class).uid(0x1000, instance).number(0x0700, 0);
        self.say(context, &command, Some(source)).await?;
        self.hear().await.map(|(command, _)| command)
    }

    /// Any operation: gives the answer and its data set.
    ///
    /// # Errors
    /// No answer came.
    pub async fn request(
        &mut self,
        context: u8,
        command: &CommandWriter,
        data_set: Option<&[u8]>,
    ) -> Result<(Command, Vec<u8>), ClientError> {
        match data_set {
            Some(mut bytes) => self.say(context, command, Some(&mut bytes)).await?,
            None => self.say(context, command, None).await?,
        }
        self.hear().await
    }

    /// A number for the next request.
    pub const fn next_id(&mut self) -> u16 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }

    /// Answers a request of the peer, without a data set.
    ///
    /// # Errors
    /// The peer is gone.
    pub async fn reply(&mut self, context: u8, answer: &CommandWriter) -> Result<(), ClientError> {
        self.say(context, answer, None).await
    }

    /// Releases the association.
    ///
    /// # Errors
    /// The peer does not say so too.
    pub async fn release(mut self) -> Result<(), ClientError> {
        self.wire.write(&pdu::release()).await?;
        let head = self.wire.unit(Instant::now() + self.timeout).await?;
        if head.kind == kind::RELEASED { Ok(()) } else { Err(ClientError::Protocol("it does not release")) }
    }

    async fn say(
        &mut self,
        context: u8,
        command: &CommandWriter,
        source: Option<&mut (dyn Read + Send)>,
    ) -> Result<(), ClientError> {
        let mut unit = Vec::new();
        outgoing::command(&mut unit, context, &command.bytes(), self.piece);
        let Some(source) = source else { return Ok(self.wire.write(&unit).await?) };
        // One piece is read ahead: the last one has to say that it is.
        let mut piece = fill(source, self.piece)?;
        loop {
            let next = if piece.len() == self.piece { fill(source, self.piece)? } else { Vec::new() };
            outgoing::value(&mut unit, context, u8::from(next.is_empty()) << 1, &piece);
            self.wire.write(&unit).await?;
            unit.clear();
            if next.is_empty() {
                return Ok(());
            }
            piece = next;
        }
    }

    /// The next message of the peer, with its data set: an answer, or a request of its own.
    ///
    /// # Errors
    /// None came, or one that cannot be.
    pub async fn hear(&mut self) -> Result<(Command, Vec<u8>), ClientError> {
        let (mut bytes, mut data, mut command) = (Vec::new(), Vec::new(), None::<Command>);
        let until = Instant::now() + self.timeout;
        loop {
            let head = self.wire.unit(until).await?;
            if head.bytes > PDU_BYTES_TAKEN {
                return Err(ClientError::Protocol("its unit is longer than we take"));
            }
            let mut unit = Vec::new();
            self.wire.append(&mut unit, usize::try_from(head.bytes).unwrap_or(usize::MAX), until).await?;
            match head.kind {
                kind::DATA => {}
                kind::ABORT => return Err(aborted(&unit)),
                _ => return Err(ClientError::Protocol("it says what may not come now")),
            }
            let mut rest = unit.as_slice();
            while let Some(([a, b, c, d, _context, control], after)) = rest.split_first_chunk::<6>() {
                let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
                let fragment = length.checked_sub(2).and_then(|length| after.split_at_checked(length));
                let (fragment, after) = fragment.ok_or(ClientError::Protocol("its unit is not whole"))?;
                rest = after;
                let into = if control & 1 == 1 { &mut bytes } else { &mut data };
                into.extend(fragment);
                if into.len() > COMMAND_BYTES_MAX.saturating_mul(64) {
                    return Err(ClientError::Protocol("its answer is too long"));
                }
                if control & 2 == 2 {
                    if control & 1 == 1 {
                        let read = Command::read(&bytes);
                        command = Some(read.map_err(|_fault| ClientError::Protocol("its command cannot be read"))?);
                    }
                    match command.take() {
                        Some(whole) if control & 1 == 0 || !whole.has_data_set() => return Ok((whole, data)),
                        other => command = other,
                    }
                }
            }
        }
    }
}

fn aborted(body: &[u8]) -> ClientError {
    match body {
        [_, _, source, reason, ..] => ClientError::Aborted(Abort(*source, *reason)),
        _ => ClientError::Protocol("its abort cannot be read"),
    }
}

/// As much of the source as there is, up to a piece.
fn fill(source: &mut (dyn Read + Send), piece: usize) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::with_capacity(piece);
    let limit = u64::try_from(piece).unwrap_or(u64::MAX);
    source.take(limit).read_to_end(&mut bytes).map_err(ClientError::Source)?;
    Ok(bytes)
}
