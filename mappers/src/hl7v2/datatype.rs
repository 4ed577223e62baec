//! The data types of HL7 v2 (chapter 2A), each to the FHIR data type the v2-to-FHIR IG gives it.

pub(crate) mod cwe;
pub(crate) mod cx;
pub(crate) mod ei;
pub(crate) mod pl;
pub(crate) mod quantity;
pub(crate) mod range;
pub(crate) mod repeat;
pub(crate) mod tq;
pub(crate) mod ts;
pub(crate) mod xad;
pub(crate) mod xcn;
pub(crate) mod xon;
pub(crate) mod xpn;
pub(crate) mod xtn;
