//! What Kafka's errors mean: nothing written, nobody knows, out of range, or damaged.

use std::fmt::Display;

use causeway_core::envelope::Position;
use causeway_core::port::LogError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// It cannot be reached or used now. Whether a message that was on its way is there nobody knows; its sender was told
/// no, sends it again, and the repository knows it by its digest.
pub(super) fn unavailable(cause: impl Display) -> LogError {
    LogError::Unavailable { cause: cause.to_string() }
}

/// The producer can give no guarantee any more.
pub(super) fn sync(cause: impl Display) -> LogError {
    LogError::Sync { cause: cause.to_string() }
}

/// What should stand at `at` does not.
pub(super) fn damaged(at: Position, what: impl Display) -> LogError {
    LogError::Damaged { partition: at.partition, offset: at.offset, what: what.to_string() }
}

/// What went wrong while reading at `at`. `None`: nothing that lasts, the client goes on by itself.
pub(super) fn reading(at: Position, error: &KafkaError) -> Option<LogError> {
    let Some(code) = error.rdkafka_error_code() else { return Some(unavailable(error)) };
    match code {
        Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation => {
            Some(LogError::OutOfRange { position: at })
        }
        Code::BadMessage | Code::InvalidMessage | Code::BadCompression | Code::NotImplemented => {
            Some(damaged(at, error))
        }
        Code::AllBrokersDown | Code::BrokerTransportFailure | Code::OperationTimedOut | Code::RequestTimedOut => None,
        _ => Some(unavailable(error)),
    }
}

/// The broker that was asked does not lead the partition any more.
pub(super) fn is_elsewhere(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(Code::NotLeaderForPartition | Code::LeaderNotAvailable))
}
