//! The exit codes. They are a contract: scripts and service managers act on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// The configuration does not hold.
    Configuration,
    /// A peer could not be reached, or did not answer in time.
    Unreachable,
    /// Done, but some messages or rows were held, refused or left out.
    Partly,
    /// Refused by consent or permission.
    Refused,
    /// The hub stopped at once because its data could not be trusted or made durable any more.
    Halted,
    /// Interrupted from the keyboard.
    Interrupted,
}

impl Exit {
    /// All of them.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Configuration,
        Self::Unreachable,
        Self::Partly,
        Self::Refused,
        Self::Halted,
        Self::Interrupted,
    ];

    /// The number given to the system. 74 is `EX_IOERR` of `sysexits.h`; 130 is 128 and the number of SIGINT.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Unreachable => 4,
            Self::Partly => 5,
            Self::Refused => 6,
            Self::Halted => 74,
            Self::Interrupted => 130,
        }
    }

    /// What it means.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Usage => "The command line makes no sense",
            Self::Configuration => "The configuration does not hold",
            Self::Unreachable => "A peer could not be reached or did not answer in time",
            Self::Partly => "Done, but some were held, rejected or left out",
            Self::Refused => "Refused by consent or permission",
            Self::Halted => {
                "The hub stopped at once: its data could not be made durable or trusted; it recovers from disk when started"
            }
            Self::Interrupted => "Interrupted from the keyboard",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
