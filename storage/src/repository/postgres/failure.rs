//! What PostgreSQL says, in our words. Its messages quote values and are never repeated: only the SQLSTATE, the severity
//! and the names of tables and constraints are.

use postgres::error::{DbError, Severity, SqlState};

use crate::repository::error::StoreError;

/// A failure of the server or of the way to it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{cause}")]
pub(in crate::repository) struct ServerError {
    kind: Kind,
    cause: String,
    /// Whether the server said in so many words that the statement failed, and the connection goes on.
    answered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The server asks for the transaction to be tried again.
    Again,
    /// The connection is gone.
    Lost,
    /// Nothing was done; later it may work.
    Later,
    /// What is stored does not hold, or the code and the schema do not agree.
    Wrong,
}

impl ServerError {
    /// Whether trying the whole transaction again at once makes sense.
    pub(super) fn is_again(&self) -> bool {
        matches!(self.kind, Kind::Again | Kind::Lost)
    }

    /// Whether what is stored does not hold.
    pub(in crate::repository) fn is_damage(&self) -> bool {
        self.kind == Kind::Wrong
    }

    /// Whether a `COMMIT` that failed so may have been carried out all the same: no answer, or one from a server process
    /// on its way out.
    pub(super) const fn leaves_open(&self) -> bool {
        !self.answered
    }

    /// A connection that could not be made. `at` is the host and port. No value has been sent yet, so that what the
    /// libraries say of addresses, certificates and ways to log in can be repeated.
    pub(super) fn not_connected(error: &postgres::Error, at: &str) -> Self {
        let source = std::error::Error::source(error);
        let (kind, cause) = match (error.as_db_error(), source) {
            (Some(said), _) => (kind(said), cause(said)),
            (None, Some(source)) => (Kind::Lost, format!("{error}: {source}")),
            (None, None) => (Kind::Later, error.to_string()),
        };
        let kind = if kind == Kind::Wrong { Kind::Later } else { kind };
        Self { kind, cause: format!("PostgreSQL at {at} cannot be reached: {cause}"), answered: false }
    }

    fn of(error: &postgres::Error) -> Self {
        if let Some(said) = error.as_db_error() {
            let answered = !matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic) | None);
            return Self { kind: kind(said), cause: cause(said), answered };
        }
        let source = std::error::Error::source(error);
        if let Some(io) = source.and_then(|source| source.downcast_ref::<std::io::Error>()) {
            return Self { kind: Kind::Lost, cause: format!("the connection failed: {}", io.kind()), answered: false };
        }
        // The text names parameters, types and columns, and is left out all the same.
        let of_a_value = ["error serializing", "error deserializing", "invalid column", "expected "];
        let text = error.to_string();
        if of_a_value.iter().any(|beginning| text.starts_with(beginning)) {
            return Self { kind: Kind::Wrong, cause: "a value does not fit its column".to_owned(), answered: true };
        }
        Self { kind: Kind::Lost, cause: "the connection was closed or made no sense".to_owned(), answered: false }
    }
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> Self {
        Self::Server(ServerError::of(&error))
    }
}

fn kind(said: &DbError) -> Kind {
    let code = said.code();
    let again = [
        &SqlState::T_R_SERIALIZATION_FAILURE,
        &SqlState::T_R_DEADLOCK_DETECTED,
        // Two transactions made the same record, person key or word at once: the one that comes second sees it now.
        &SqlState::UNIQUE_VIOLATION,
    ];
    if again.contains(&code) {
        return Kind::Again;
    }
    match class(code) {
        "08" => Kind::Lost,
        "57" if code != &SqlState::QUERY_CANCELED => Kind::Lost,
        "22" | "23" | "XX" => Kind::Wrong,
        _ if code == &SqlState::UNDEFINED_TABLE || code == &SqlState::UNDEFINED_COLUMN => Kind::Wrong,
        _ => Kind::Later,
    }
}

fn class(code: &SqlState) -> &str {
    code.code().get(..2).unwrap_or_default()
}

fn cause(said: &DbError) -> String {
    let code = said.code();
    let words = match code.code() {
        "53100" => "the disk of the database is full",
        "53200" => "the server has no memory left",
        "53300" => "the server has too many connections",
        "55P03" => "a lock was not given in time",
        "57014" => "a statement took longer than it may",
        "57P01" | "57P02" => "the server is shutting down",
        "57P03" => "the server is starting up",
        "25006" => "the server takes no writes: it is a standby, or read-only",
        "28P01" | "28000" => "the server does not take this user or password",
        "3D000" => "there is no such database",
        "42501" => "the user may not do this: see migrations/postgres/roles.sql",
        "42P01" | "42703" => "the schema is not that of this version: run `causeway db migrate`",
        "40001" | "40P01" => "the transaction collided with others too often",
        "23505" => "the same row was written at once too often",
        _ => match class(code) {
            "22" | "23" => "a value does not fit its column",
            "53" => "the server has no resources left",
            "58" => "the server's system failed",
            "XX" => "the server found its own data damaged",
            _ => "the server refused a statement",
        },
    };
    let names: Vec<&str> = [said.table(), said.constraint()].into_iter().flatten().collect();
    let about = if names.is_empty() { String::new() } else { format!(", {}", names.join(" ")) };
    format!("{words} (PostgreSQL {} {}{about})", said.severity(), code.code())
}
