//! Transfer syntaxes: how the elements of a data set are written (DICOM PS3.5 section 10 and annex A).

use super::uid::Uid;

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coding {
    /// Each element names its value representation.
    pub explicit: bool,
    /// Numbers begin with their high byte.
    pub big_endian: bool,
}

impl Coding {
    /// Implicit VR Little Endian.
    pub const IMPLICIT: Self = Self { explicit: false, big_endian: false };
    /// Explicit VR Little Endian.
    pub const EXPLICIT: Self = Self { explicit: true, big_endian: false };
    /// Explicit VR Big Endian, retired.
    pub const BIG: Self = Self { explicit: true, big_endian: true };
}

/// A transfer syntax, as far as reading elements needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// How elements are written.
    pub coding: Coding,
    /// The data set is a raw deflate stream (PS3.5 annex A.5).
    pub deflated: bool,
}

/// Implicit VR Little Endian, which everyone speaks.
pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian.
pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
/// Deflated Explicit VR Little Endian.
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Explicit VR Big Endian.
pub const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";

/// Syntaxes whose pixels are not what they were: among several of one context, the others are chosen.
const LOSSY: &[&str] = &[
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.93",
    "1.2.840.10008.1.2.4.203",
];

impl Syntax {
    /// The syntax of an identifier. Every one beside those named here, standard or private, writes its elements in
    /// Explicit VR Little Endian (PS3.5 annex A.4); one that does not fails the scan.
    pub fn of(uid: &Uid) -> Self {
        match uid.as_str() {
            IMPLICIT_LITTLE => Self { coding: Coding::IMPLICIT, deflated: false },
            EXPLICIT_BIG => Self { coding: Coding::BIG, deflated: false },
            // JPIP Referenced Deflate and its like deflate the data set too.
            DEFLATED | "1.2.840.10008.1.2.4.95" | "1.2.840.10008.1.2.4.205" => {
                Self { coding: Coding::EXPLICIT, deflated: true }
            }
            _ => Self { coding: Coding::EXPLICIT, deflated: false },
        }
    }
}

/// Whether pixels may have been lost in this syntax.
pub fn is_lossy(uid: &Uid) -> bool {
    LOSSY.contains(&uid.as_str())
}

/// Value representations whose length has four bytes (PS3.5 section 7.1.2). One that is not known has too: those to come
/// will be so.
pub const fn is_long_form(vr: [u8; 2]) -> bool {
    !matches!(
        &vr,
        b"AE"
            | b"AS"
            | b"AT"
            | b"CS"
            | b"DA"
            | b"DS"
            | b"DT"
            | b"FL"
            | b"FD"
            | b"IS"
            | b"LO"
            | b"LT"
            | b"PN"
            | b"SH"
            | b"SL"
            | b"SS"
            | b"ST"
            | b"TM"
            | b"UI"
            | b"UL"
            | b"US"
    )
}
