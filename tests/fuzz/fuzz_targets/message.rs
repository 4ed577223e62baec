//! Any bytes through the whole HL7 v2 codec: header, character sets, structure, escapes, times, numbers, writing.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| causeway_fuzz::walk::bytes(bytes));
