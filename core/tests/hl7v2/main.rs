//! The HL7 v2 codec from outside: what each sender's habit gives, what holds for any bytes, and how `hl7-parser` reads
//! the same messages.

#[cfg(test)]
mod charset;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod escape;
#[cfg(test)]
mod header;
#[cfg(test)]
mod property;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod time;
#[cfg(test)]
#[path = "../../../tests/fuzz/src/walk.rs"]
#[expect(unreachable_pub, reason = "the fuzz crate, which shares this file, exports it")]
mod walk;
#[cfg(test)]
mod write;
