//! What record versions point to in the blob store, the same on every engine.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use causeway_core::envelope::Digest;
use causeway_core::port::RemoveBlob;

use super::error::Result;

/// What an address in a resource follows (FHIR R4, Attachment.url of an embedded file).
const POINTER: &str = "Binary/";
/// Digits of an address.
const DIGITS: usize = 64;
/// Nothing is removed later than this after commits were kept away: they wait meanwhile, and a server waits no longer for a
/// process that was held in between.
const ALONE_MAX: Duration = Duration::from_secs(5);

/// The blobs a resource points to; one more than there are does no harm.
pub(super) fn of(resource: &str) -> impl Iterator<Item = Digest> {
    resource.split(POINTER).skip(1).filter_map(|rest| rest.get(..DIGITS)).filter_map(Digest::parse)
}

/// Removes those that nothing points to, and notes them in `removed`. Commits are kept away since `alone`.
pub(super) fn remove_others(
    blobs: &[Digest],
    pointed_to: &BTreeSet<Digest>,
    alone: Instant,
    remove: &mut RemoveBlob<'_>,
    removed: &mut Vec<Digest>,
) -> Result<()> {
    for blob in blobs.iter().filter(|blob| !pointed_to.contains(blob)) {
        if alone.elapsed() < ALONE_MAX && remove(blob)? {
            removed.push(*blob);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pointer_of_a_resource_is_found_and_nothing_else() {
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let resource = format!(
            r#"{{"a":{{"url":"Binary/{one}"}},"b":"Binary/of the stars","c":"Binary/Binary/{two}","d":"Binary/{}","e":"{one}"}}"#,
            one.to_string().get(..63).expect("ASCII")
        );
        assert_eq!(of(&resource).collect::<Vec<_>>(), [one, two]);
        assert_eq!(of(&format!("Binary/{one}")).collect::<Vec<_>>(), [one], "at the very end");
        assert_eq!(of("Binary/名稱").count(), 0);
    }
}
