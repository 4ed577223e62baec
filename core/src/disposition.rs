//! What the caller does about an error.

/// Every error of an operation says which of these it is; nobody decides by matching text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// It may work later: try again with back-off, the input is untouched.
    Retry,
    /// The input is at fault: answer the sender with a refusal.
    Reject,
    /// The input is kept for a person, and the walk goes on with the next one.
    Hold,
    /// Nothing can be trusted any more: stop the process and recover from disk (promise 7).
    Halt,
}
