//! How the errors of the ports are told to a person.

use causeway_core::port::{BlobError, LogError, RegistryError, RepositoryError};
use causeway_router::RouterError;

use super::{Code, Diagnostic, Stop};

impl From<LogError> for Diagnostic {
    fn from(error: LogError) -> Self {
        let code = match &error {
            LogError::Busy | LogError::Closed | LogError::Unavailable { .. } | LogError::TooLong { .. } => {
                Code::LogUnavailable
            }
            LogError::Sync { .. } => Code::LogSync,
            LogError::Damaged { .. } => Code::LogDamaged,
            LogError::OutOfRange { .. } => Code::LogGone,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RepositoryError> for Diagnostic {
    fn from(error: RepositoryError) -> Self {
        let code = match &error {
            RepositoryError::Fenced { .. } => Code::Fenced,
            RepositoryError::Unavailable { .. } => Code::Repository,
            RepositoryError::Sync { .. } | RepositoryError::Damaged { .. } => Code::RepositoryDamaged,
            RepositoryError::Refused(_) => Code::RepositoryRefused,
            RepositoryError::Blobs(error) => of_blobs(error),
        };
        Self::new(code, error.to_string())
    }
}

impl From<BlobError> for Diagnostic {
    fn from(error: BlobError) -> Self {
        Self::new(of_blobs(&error), error.to_string())
    }
}

impl From<BlobError> for Stop {
    fn from(error: BlobError) -> Self {
        Diagnostic::from(error).into()
    }
}

const fn of_blobs(error: &BlobError) -> Code {
    match error {
        BlobError::Unavailable { .. } | BlobError::Full { .. } | BlobError::TooLong { .. } => Code::Blobs,
        BlobError::Sync { .. } => Code::BlobsSync,
        BlobError::Missing { .. } | BlobError::Damaged { .. } => Code::BlobDamaged,
    }
}

impl From<RegistryError> for Diagnostic {
    fn from(error: RegistryError) -> Self {
        let code = match &error {
            RegistryError::Unavailable { .. } => Code::Repository,
            RegistryError::NotFound { .. } => Code::NotRegistered,
            RegistryError::Taken { .. } => Code::Taken,
            RegistryError::NotAllowed(_) => Code::NotAllowed,
            RegistryError::Invalid(_) => Code::Invalid,
        };
        Self::new(code, error.to_string())
    }
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl From<RepositoryError> for Stop {
    fn from(error: RepositoryError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl From<RegistryError> for Stop {
    fn from(error: RegistryError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl From<RouterError> for Diagnostic {
    fn from(error: RouterError) -> Self {
        match error {
            RouterError::Log(error) => Self::from(error),
            RouterError::Repository(error) => Self::from(error),
        }
    }
}

impl From<RouterError> for Stop {
    fn from(error: RouterError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl From<prometheus::Error> for Stop {
    fn from(error: prometheus::Error) -> Self {
        Diagnostic::new(Code::Internal, "the metrics cannot be made").because(&error).into()
    }
}
