//! The corpus of the fuzz target `data_set`, on a stable compiler.

#[expect(unreachable_pub, reason = "the file is the library of the fuzz targets too")]
#[path = "../../../tests/fuzz/src/data_set.rs"]
mod data_set;

use std::path::Path;

#[test]
fn every_file_of_the_corpus_keeps_the_promises_whole_and_cut_short() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/data_set");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("readable");
        data_set::bytes(&bytes);
        let step = (bytes.len() / 40).max(1);
        (0..bytes.len()).step_by(step).for_each(|end| data_set::bytes(&bytes[..end]));
        files += 1;
    }
    assert!(files >= 10, "{files} files");
}
