//! Sending messages over MLLP, each matched with its answer.

use std::collections::VecDeque;
use std::time::Duration;

use causeway_core::disposition::Disposition;
use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::header::Header;
use causeway_tls::{ConnectError, Connector};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::ack::Mode;
use crate::frame::{Deframer, Event, Framing, write_frame};

mod answer;

pub use answer::{Answer, AnswerFault};

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// For the connection to be made. Default: 10 s.
    pub connect_timeout: Duration,
    /// For a message to be written, and then for each of its answers. Default: 30 s.
    pub answer_timeout: Duration,
    /// The longest answer taken, in bytes. Default: 1 MiB.
    pub answer_bytes_max: usize,
    /// In enhanced mode, wait for the application acknowledgement too, when MSH-16 is AL. Default: no.
    pub wait_for_outcome: bool,
    /// How the messages sent are encoded, as far as MSH-18 does not say. Default: by MSH-18, else UTF-8.
    pub charset: CharsetRule,
    /// How TLS is spoken. Default: plain text.
    pub tls: Option<Connector>,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            answer_bytes_max: 1 << 20,
            wait_for_outcome: false,
            charset: CharsetRule::Auto,
            tls: None,
        }
    }
}

/// Why a message could not be sent, or its answer not be had. After any of these but [`ClientError::Message`] the
/// connection is closed: an answer that comes late must not be taken for that of the next message.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection.
    #[error("cannot connect to {address}")]
    Connect {
        /// The address.
        address: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A connection, and no TLS session over it.
    #[error("no TLS with {address}")]
    Tls {
        /// The address.
        address: String,
        /// Why not.
        #[source]
        source: ConnectError,
    },
    /// What is to be sent has no header to match an answer by.
    #[error("no message to send: {0}")]
    Message(String),
    /// No answer in time. It is not known whether the message was taken: send it again with the same control id.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The peer closed the connection. It is not known whether the messages without an answer were taken.
    #[error("the connection is closed")]
    Closed,
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] std::io::Error),
    /// The answer is no acknowledgement.
    #[error("the answer is no acknowledgement: {0}")]
    Answer(#[from] AnswerFault),
}

impl ClientError {
    /// What the caller does about it.
    pub const fn disposition(&self) -> Disposition {
        match self {
            // A certificate that is not taken will not be taken the next time.
            Self::Message(_) | Self::Tls { .. } => Disposition::Reject,
            Self::Connect { .. } | Self::TimedOut(_) | Self::Closed | Self::Broken(_) => Disposition::Retry,
            Self::Answer(_) => Disposition::Hold,
        }
    }
}

/// What was answered to one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exchange {
    /// The accept acknowledgement (CA, CE, CR), when MSH-15 asked for one.
    pub accept: Option<Answer>,
    /// The application acknowledgement (AA, AE, AR): the one answer in original mode.
    pub application: Option<Answer>,
}

impl Exchange {
    /// The answer that counts. `None` when the message asked for none.
    pub const fn last(&self) -> Option<&Answer> {
        match &self.application {
            Some(answer) => Some(answer),
            None => self.accept.as_ref(),
        }
    }

    /// The receiver took the message, as far as it was asked.
    pub const fn is_positive(&self) -> bool {
        match self.last() {
            Some(answer) => answer.code.is_positive(),
            None => true,
        }
    }
}

/// A connection to an MLLP door.
#[derive(Debug)]
pub struct Client {
    /// `None` once it is closed.
    stream: Option<Box<dyn Stream>>,
    deframer: Deframer,
    settings: ClientSettings,
    /// Messages without all their answers, oldest first.
    waiting: VecDeque<Waiting>,
    done: VecDeque<(u64, Exchange)>,
    out: Vec<u8>,
    sent: u64,
    strays: u64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    control_id: String,
    exchange: Exchange,
    /// An application acknowledgement is waited for.
    outcome: bool,
    since: Instant,
}

impl Client {
    /// Connects to `address`, as `host:port`; by TLS when the settings say so, and then the server's certificate must
    /// name the host.
    pub async fn connect(address: &str, settings: ClientSettings) -> Result<Self, ClientError> {
        let connecting = timeout(settings.connect_timeout, dial(address, settings.tls.as_ref()));
        let stream = match connecting.await {
            Ok(connected) => connected?,
            Err(_elapsed) => {
                let source = std::io::ErrorKind::TimedOut.into();
                return Err(ClientError::Connect { address: address.to_owned(), source });
            }
        };
        let framing = Framing {
            payload_bytes_max: settings.answer_bytes_max,
            leading_bytes_max: 64,
            accept_missing_start: false,
            accept_missing_end_cr: true,
            accept_inner_end: false,
        };
        Ok(Self {
            stream: Some(stream),
            deframer: Deframer::new(framing),
            settings,
            waiting: VecDeque::new(),
            done: VecDeque::new(),
            out: Vec::new(),
            sent: 0,
            strays: 0,
        })
    }

    /// Sends a message, without its frame, and waits for what it asks for.
    pub async fn send(&mut self, message: &[u8]) -> Result<Exchange, ClientError> {
        let number = self.post(message).await?;
        loop {
            let (done, exchange) = self.next_done().await?;
            if done == number {
                return Ok(exchange);
            }
        }
    }

    /// Sends messages with up to `window` of them unanswered at a time. `told` gets the place of each message and its
    /// answers, in the order they come; it says whether to go on. Gives the number of messages sent.
    pub async fn send_all<M: AsRef<[u8]>>(
        &mut self,
        messages: impl IntoIterator<Item = M>,
        window: usize,
        mut told: impl FnMut(u64, &Exchange) -> bool,
    ) -> Result<u64, ClientError> {
        let first = self.sent;
        let mut messages = messages.into_iter();
        let mut going = true;
        loop {
            while going && self.waiting.len() < window.max(1) {
                match messages.next() {
                    Some(message) => {
                        self.post(message.as_ref()).await?;
                    }
                    None => going = false,
                }
                while let Some((number, exchange)) = self.done.pop_front() {
                    going &= told(number.saturating_sub(first), &exchange);
                }
            }
            if self.waiting.is_empty() && self.done.is_empty() {
                return Ok(self.sent - first);
            }
            let (number, exchange) = self.next_done().await?;
            going &= told(number.saturating_sub(first), &exchange);
        }
    }

    /// Answers that matched no message waiting for one. They are ignored.
    pub const fn strays(&self) -> u64 {
        self.strays
    }

    /// Whether the connection is of further use.
    pub const fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Writes a message and notes what it waits for. Gives its number, from 0.
    async fn post(&mut self, message: &[u8]) -> Result<u64, ClientError> {
        let header = Header::peek(message, &self.settings.charset);
        let header = header.map_err(|fault| ClientError::Message(fault.to_string()))?;
        let wants = wants(&header, self.settings.wait_for_outcome);
        let control_id = header.raw(10).to_owned();
        self.out.clear();
        write_frame(&mut self.out, |out| out.extend_from_slice(message));
        let answer_timeout = self.settings.answer_timeout;
        let Some(stream) = &mut self.stream else { return Err(ClientError::Closed) };
        let writing = async {
            stream.write_all(&self.out).await?;
            stream.flush().await
        };
        let written = match timeout(answer_timeout, writing).await {
            Ok(written) => written.map_err(ClientError::Broken),
            Err(_elapsed) => Err(ClientError::TimedOut(answer_timeout)),
        };
        self.closed_on_error(written)?;
        let number = self.sent;
        self.sent += 1;
        let exchange = Exchange::default();
        match wants {
            Wants::Nothing => self.done.push_back((number, exchange)),
            Wants::Accept | Wants::Outcome => {
                let outcome = wants == Wants::Outcome;
                self.waiting.push_back(Waiting { number, control_id, exchange, outcome, since: Instant::now() });
            }
        }
        Ok(number)
    }

    /// Waits until a message has all its answers.
    async fn next_done(&mut self) -> Result<(u64, Exchange), ClientError> {
        loop {
            if let Some(done) = self.done.pop_front() {
                return Ok(done);
            }
            let read = self.read().await;
            let answers = self.closed_on_error(read)?;
            for answer in answers {
                self.settle(answer);
            }
        }
    }

    /// Reads at least one answer.
    async fn read(&mut self) -> Result<Vec<Answer>, ClientError> {
        let Some(stream) = &mut self.stream else { return Err(ClientError::Closed) };
        let answer_timeout = self.settings.answer_timeout;
        let until = self.waiting.front().map_or_else(Instant::now, |waiting| waiting.since) + answer_timeout;
        let mut answers = Vec::new();
        while answers.is_empty() {
            let read = match timeout_at(until, stream.read_buf(self.deframer.room())).await {
                Ok(read) => read.map_err(ClientError::Broken)?,
                Err(_elapsed) => return Err(ClientError::TimedOut(answer_timeout)),
            };
            if read == 0 {
                return Err(ClientError::Closed);
            }
            while let Some(event) = self.deframer.next_event() {
                match event {
                    Event::Frame { payload, .. } => answers.push(Answer::read(payload)?),
                    Event::Broken(_) | Event::TooLong(_) | Event::Junk(..) => return Err(AnswerFault::Framing.into()),
                }
            }
        }
        Ok(answers)
    }

    /// Gives an answer to the message it names, by MSA-2 and nothing else.
    fn settle(&mut self, answer: Answer) {
        let named = self.waiting.iter().position(|waiting| waiting.control_id == answer.control_id);
        let Some(waiting) = named.and_then(|place| self.waiting.get_mut(place)) else {
            self.strays += 1;
            return;
        };
        let goes_on = answer.code.is_commit() && answer.code.is_positive() && waiting.outcome;
        if answer.code.is_commit() {
            waiting.exchange.accept = Some(answer);
        } else {
            waiting.exchange.application = Some(answer);
        }
        waiting.since = Instant::now();
        if !goes_on && let Some(waiting) = named.and_then(|place| self.waiting.remove(place)) {
            self.done.push_back((waiting.number, waiting.exchange));
        }
    }

    fn closed_on_error<T>(&mut self, result: Result<T, ClientError>) -> Result<T, ClientError> {
        if result.is_err() {
            self.stream = None;
        }
        result
    }
}

/// Bytes to and from a peer, in plain text or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Stream for S {}

async fn dial(address: &str, tls: Option<&Connector>) -> Result<Box<dyn Stream>, ClientError> {
    let failed = |source| ClientError::Connect { address: address.to_owned(), source };
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    let host = address.rsplit_once(':').map_or(address, |(host, _port)| host);
    let session = tls.connect(host, stream).await;
    let session = session.map_err(|source| ClientError::Tls { address: address.to_owned(), source })?;
    Ok(Box::new(session))
}

/// What a message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Nothing,
    Accept,
    Outcome,
}

/// What a message with this header waits for. With ER and SU no answer is an answer too, so nothing is waited for.
fn wants(header: &Header<'_>, wait_for_outcome: bool) -> Wants {
    use crate::ack::Condition;
    match Mode::of(&header.accept_acknowledgement(), &header.application_acknowledgement()) {
        Mode::Original => Wants::Accept,
        Mode::Enhanced { application: Condition::Always, .. } if wait_for_outcome => Wants::Outcome,
        Mode::Enhanced { accept: Condition::Always, .. } => Wants::Accept,
        Mode::Enhanced { .. } => Wants::Nothing,
    }
}
