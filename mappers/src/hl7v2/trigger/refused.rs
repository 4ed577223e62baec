//! The trigger events that are known and not taken, each with what to send instead.

/// An event that is refused by name.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// MSH-9.1, as `ADT`.
    pub code: &'static str,
    /// MSH-9.2, as `A17`.
    pub event: &'static str,
    /// What it says.
    pub title: &'static str,
    /// Why it is not taken, and what to send instead.
    pub advice: &'static str,
}

/// All of them.
pub const REFUSED: &[Refused] = &[
    Refused {
        code: "ADT",
        event: "A17",
        title: "Swap patients",
        advice: "two patients in one message: send an A02 for each, with the bed it moves to",
    },
    Refused {
        code: "ADT",
        event: "A20",
        title: "Bed status update",
        advice: "it is about a bed and about no patient: there is nothing to send instead",
    },
    Refused {
        code: "ADT",
        event: "A41",
        title: "Merge account - patient account number",
        advice: "accounts are outside the sharable scope: send an A40 if the patients are one, an A50 if the visit has another number",
    },
    Refused {
        code: "ADT",
        event: "A43",
        title: "Move patient information - patient identifier list",
        advice: "which records go along is not said: send an A31 for each patient with the right numbers, and an A45 for the visits that move",
    },
    Refused {
        code: "ADT",
        event: "A44",
        title: "Move account information - patient account number",
        advice: "accounts are outside the sharable scope: send an A45 for the visits that move to another patient",
    },
    Refused {
        code: "SIU",
        event: "S23",
        title: "Blocked schedule time slots",
        advice: "it is about a schedule and about no patient: there is nothing to send instead",
    },
    Refused {
        code: "SIU",
        event: "S24",
        title: "Opened (unblocked) schedule time slots",
        advice: "it is about a schedule and about no patient: there is nothing to send instead",
    },
];

/// The one of a kind.
pub(crate) fn find(code: &str, event: &str) -> Option<&'static Refused> {
    REFUSED.iter().find(|refused| (refused.code, refused.event) == (code, event))
}
