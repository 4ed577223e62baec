//! Any bytes through the DICOM scanner, in every coding, whole and in pieces.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| causeway_fuzz::data_set::bytes(bytes));
