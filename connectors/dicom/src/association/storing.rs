//! C-STORE: the data set streams into the store, its claim into the log, and only then is it said to be safe.

use causeway_core::dicom::uid::Uid;
use causeway_core::port::Freshness;
use tokio::io::{AsyncRead, AsyncWrite};

use super::message::Sink;
use super::{Agreed, Association, End};
use crate::commitment::request::RequestFault;
use crate::deposit::{Bringer, Deposit, PIECE};
use crate::dimse::Command;
use crate::intake::Order;
use crate::pdu::Abort;
use crate::status::{Refusal, Status};
use crate::tally::KIND;

/// An instance on its way.
pub(super) struct Storing {
    deposit: Deposit,
    bytes_max: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Association<S> {
    /// A C-STORE-RQ: makes ready for its data set.
    pub(super) fn order(&self, agreed: &Agreed, context: u8, command: &Command) -> Result<Storing, Refusal> {
        let bad = |what: &str| Refusal::new(Status::INVALID_INSTANCE, format!("{what} is no unique identifier"));
        let uid = |value: &Option<Vec<u8>>| value.as_deref().and_then(|value| Uid::of_value(value).ok());
        let sop_class = uid(&command.affected_class).ok_or_else(|| bad("Affected SOP Class UID"))?;
        let sop_instance = uid(&command.affected_instance).ok_or_else(|| bad("Affected SOP Instance UID"))?;
        let Some((class, syntax)) = agreed.contexts.get(&context).filter(|(class, _)| *class == sop_class) else {
            return Err(Refusal::new(Status::CLASS_NOT_SUPPORTED, "not the SOP class of this context"));
        };
        if !command.has_data_set() {
            return Err(Refusal::new(Status::CANNOT_UNDERSTAND, "there is no data set"));
        }
        let shared = &self.shared;
        let Some(feed) = shared.feed(agreed.feed).filter(|_| !shared.is_paused(agreed.feed)) else {
            return Err(Refusal::new(Status::OUT_OF_RESOURCES, "the feed is paused"));
        };
        let order = Order {
            sop_class: class.clone(),
            sop_instance,
            transfer_syntax: syntax.clone(),
            limits: shared.scan_limits(feed),
            charset: feed.charset.clone(),
            study: None,
        };
        let by = Bringer { feed: agreed.feed, sender: &agreed.calling, kind: KIND };
        let deposit = Deposit::of_command(shared, by, order, self.hands.clone());
        Ok(Storing { deposit, bytes_max: feed.instance_bytes_max })
    }

    /// Bytes of a data set.
    pub(super) async fn pour(&mut self, sink: &mut Sink, length: usize) -> Result<(), End> {
        let mut left = length;
        while left > 0 {
            let until = self.patience();
            let step = match sink {
                Sink::Instance(storing) => {
                    let deposit = &mut storing.deposit;
                    let step = left.min(deposit.room());
                    self.wire.append(deposit.place(), step, until).await?;
                    deposit.bytes = deposit.bytes.saturating_add(u64::try_from(step).unwrap_or(u64::MAX));
                    if deposit.room() == 0 {
                        // An intake that has given up says why when the last byte has come.
                        deposit.hand_over().await;
                    }
                    step
                }
                Sink::Request(request, _) => {
                    let step = left.min(PIECE);
                    self.wire.append(request, step, until).await?;
                    step
                }
                Sink::Nowhere(_, bytes) => {
                    let step = left.min(PIECE);
                    self.wire.append(&mut Vec::new(), step, until).await?;
                    *bytes = bytes.saturating_add(u64::try_from(step).unwrap_or(u64::MAX));
                    // What is refused anyway is not listened to for ever.
                    if *bytes > self.shared.config.feeds.iter().map(|feed| feed.instance_bytes_max).max().unwrap_or(0) {
                        return Err(End::Abort(Abort::NO_REASON, "refused_and_endless"));
                    }
                    step
                }
            };
            left = left.saturating_sub(step);
            if let Sink::Instance(storing) = sink
                && storing.deposit.bytes > storing.bytes_max
            {
                // The store hears no more of it, and forgets what it had.
                let refusal = Refusal::new(Status::OUT_OF_RESOURCES, "larger than this feed may send");
                *sink = Sink::Nowhere(refusal, 0);
            }
            if let Sink::Request(request, most) = sink
                && request.len() > *most
            {
                *sink = Sink::Nowhere(RequestFault::TooMany.into(), 0);
            }
        }
        Ok(())
    }

    /// The last byte has come: makes it durable, there and here.
    pub(super) async fn store(&mut self, agreed: &Agreed, storing: Storing) -> Result<(), Refusal> {
        let deposited = self.shared.complete(storing.deposit).await.map_err(|not| not.refusal)?;
        let feed = self.shared.feed(agreed.feed).filter(|_| deposited.freshness == Freshness::ControlIdReused);
        feed.map_or(Ok(()), |feed| feed.on_conflict.answer())
    }
}
