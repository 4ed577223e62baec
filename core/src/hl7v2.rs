//! HL7 v2 in its pipe encoding: our own bounded, panic-free codec.
