//! The fuzz target's corpus, replayed without a fuzzer; and every one of its messages cut short.

use std::path::Path;

use crate::walk;

/// The committed corpus: name and bytes.
pub(crate) fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/message");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// One file of it.
pub(crate) fn file(name: &str) -> Vec<u8> {
    let found = corpus().into_iter().find(|(file, _)| file == name);
    found.unwrap_or_else(|| panic!("{name} is not in the corpus")).1
}

#[test]
fn the_corpus_of_the_fuzzer_keeps_every_promise() {
    let corpus = corpus();
    assert!(corpus.len() >= 30, "{} files", corpus.len());
    for (name, bytes) in corpus {
        eprintln!("{name}");
        walk::bytes(&bytes);
    }
}

#[test]
fn a_message_cut_short_keeps_every_promise() {
    for (name, bytes) in corpus() {
        eprintln!("{name}");
        // Short ones at every byte, long ones at every seventh: the work grows with the square of the length.
        for cut in (0..bytes.len()).step_by(if bytes.len() <= 200 { 1 } else { 7 }) {
            walk::bytes(&bytes[..cut]);
            walk::bytes(&bytes[cut..]);
        }
    }
}
