//! A made-up message as bytes, in the character set its system writes.

use causeway_core::hl7v2::charset::Charset;

use super::message::Outgoing;

/// The bytes to send. A message that is mislabelled on purpose is written in Big5, whatever MSH-18 says. What its set
/// does not have is written in UTF-8, which the hub then reports: the generator hides no fault of its own.
pub(crate) fn bytes(sent: &Outgoing) -> Vec<u8> {
    let charset = if sent.mislabelled { Some(Charset::BIG5) } else { Charset::named(sent.source.charset()) };
    charset.and_then(|charset| charset.encode(&sent.text).ok()).unwrap_or_else(|| sent.text.clone().into_bytes())
}

#[cfg(test)]
mod tests {
    use causeway_core::hl7v2::charset::Charset;
    use jiff::Timestamp;

    use super::super::message::Source;
    use super::super::person::roll;
    use super::super::story::Story;
    use super::*;

    #[test]
    fn every_message_is_text_in_the_set_it_is_sent_in_and_hkscs_is_among_them() {
        let mut story = Story::new(4, "T".to_owned(), roll(4, 200));
        let at = Timestamp::from_second(1_790_000_000).expect("in range");
        let mut beyond_big5 = 0;
        for _ in 0..3_000 {
            let sent = story.next(at).expect("persons");
            let charset =
                if sent.mislabelled { Charset::BIG5 } else { Charset::named(sent.source.charset()).expect("known") };
            assert_eq!(charset.decode(&bytes(&sent)).as_deref(), Ok(sent.text.as_str()), "{:?}", sent.source);
            let supplementary = sent.text.contains(['堃', '煊', '喆']);
            beyond_big5 += usize::from(sent.source == Source::Clinic && supplementary);
        }
        assert!(beyond_big5 > 10, "{beyond_big5}");
    }
}
