//! Pages written from code, and the test that they are not stale.

/// Compares a page with what the code says; with `UPDATE_EXPECT=1` it is written anew.
#[cfg(test)]
pub(crate) fn is_fresh(path: &str, page: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        std::fs::write(&file, page).expect("the page can be written");
    }
    let stands = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(stands == page, "{path} is stale: run the tests with UPDATE_EXPECT=1 and read the difference");
}
