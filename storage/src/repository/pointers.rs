//! What record versions point to in the blob store, the same on every engine.

use causeway_core::envelope::Digest;

/// What an address in a resource follows (FHIR R4, Attachment.url of an embedded file).
const POINTER: &str = "Binary/";
/// Digits of an address.
const DIGITS: usize = 64;

/// The blobs a resource points to; one more than there are does no harm.
pub(super) fn of(resource: &str) -> impl Iterator<Item = Digest> {
    resource.split(POINTER).skip(1).filter_map(|rest| rest.get(..DIGITS)).filter_map(Digest::parse)
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
