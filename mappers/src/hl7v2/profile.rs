//! What is done with every field of every segment, as data: docs/messages.md and docs/fhir.md are written from it, and
//! a test holds it against what the mappers really read.

/// What is done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Must have a value: without it the segment is not mapped, and a fault says so.
    Required,
    /// Mapped into a record, into the identity of the patient or into the order of versions.
    Used,
    /// Needed by no record; kept with the envelope and not reported.
    Kept,
}

impl Usage {
    /// The word used in docs/messages.md.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Used => "used",
            Self::Kept => "kept",
        }
    }
}

/// One field of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldUse {
    /// Its number, from 1.
    pub number: usize,
    /// Its name in the standard.
    pub name: &'static str,
    /// What is done with it.
    pub usage: Usage,
    /// Where it goes.
    pub target: &'static str,
    /// How that differs from the v2-to-FHIR IG; empty when it does not.
    pub deviation: &'static str,
}

/// One segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentUse {
    /// Its three letters.
    pub name: &'static str,
    /// Its name in the standard.
    pub title: &'static str,
    /// The segment map of the IG it follows.
    pub ig: &'static str,
    /// The fields that are not ignored. Every other field is: with a value it gives a note `unused-field`.
    pub fields: &'static [FieldUse],
}

impl SegmentUse {
    /// The bits of the fields that are kept.
    pub(crate) const fn kept(&self) -> u64 {
        let mut bits = 0;
        let mut rest = self.fields;
        while let [field, after @ ..] = rest {
            if matches!(field.usage, Usage::Kept) && field.number < 64 {
                bits |= 1 << field.number;
            }
            rest = after;
        }
        bits
    }
}

/// A field that must have a value.
pub(crate) const fn required(number: usize, name: &'static str, target: &'static str) -> FieldUse {
    FieldUse { number, name, usage: Usage::Required, target, deviation: "" }
}

/// A field that is mapped.
pub(crate) const fn used(number: usize, name: &'static str, target: &'static str) -> FieldUse {
    FieldUse { number, name, usage: Usage::Used, target, deviation: "" }
}

/// A field that is kept with the envelope.
pub(crate) const fn kept(number: usize, name: &'static str, target: &'static str) -> FieldUse {
    FieldUse { number, name, usage: Usage::Kept, target, deviation: "" }
}

impl FieldUse {
    /// With the way it differs from the IG, and why.
    pub(crate) const fn but(self, deviation: &'static str) -> Self {
        Self { deviation, ..self }
    }
}
