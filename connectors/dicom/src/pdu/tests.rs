//! Units written and read back, and units that lie.

use proptest::prelude::*;

use super::*;

fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

fn sample() -> Request {
    Request {
        version: 1,
        called: "CAUSEWAY".to_owned(),
        calling: "CT1".to_owned(),
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts: vec![Proposal {
            id: 1,
            abstract_syntax: uid("1.2.840.10008.1.1"),
            transfer_syntaxes: vec![uid("1.2.840.10008.1.2"), uid("1.2.840.10008.1.2.1")],
        }],
        pdu_bytes_max: 16_384,
        roles: vec![Role { class: uid("1.2.840.10008.1.20.1"), scu: false, scp: true }],
    }
}

fn body(unit: &[u8]) -> &[u8] {
    &unit[HEAD..]
}

#[test]
fn what_is_written_reads_back() {
    assert_eq!(request(body(&proposed(&sample()))), Ok(sample()));
    let acceptance = Acceptance {
        called: "CAUSEWAY".to_owned(),
        calling: "CT1".to_owned(),
        contexts: vec![
            Answer { id: 1, result: Ok(uid("1.2.840.10008.1.2")) },
            Answer { id: 3, result: Err(ContextFault::AbstractSyntax) },
        ],
        pdu_bytes_max: 131_072,
        roles: Vec::new(),
    };
    assert_eq!(accept(body(&accepted(&acceptance))), Ok(acceptance));
    assert_eq!(reject(body(&refused(Rejection::LIMIT))), Ok(Rejection::LIMIT));
}

#[test]
fn catalogue_122_a_request_that_lies_about_its_items_is_refused() {
    let whole = proposed(&sample());
    for end in HEAD..whole.len() {
        assert!(request(&whole[HEAD..end]).is_err(), "cut at {end}");
    }
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = sample();
        change(&mut request);
        super::request(body(&proposed(&request)))
    };
    let another = |id: u8| Proposal { id, ..sample().contexts[0].clone() };
    assert_eq!(with(&|request| request.contexts.clear()), Err(PduFault::Missing));
    assert_eq!(with(&|request| request.contexts.push(another(1))), Err(PduFault::Contexts));
    assert_eq!(with(&|request| request.contexts.push(another(2))), Err(PduFault::Contexts));
    let many =
        |request: &mut Request| request.contexts = (0..300_u32).map(|i| another(i.to_le_bytes()[0] | 1)).collect();
    assert_eq!(with(&many), Err(PduFault::Contexts));
    assert_eq!(with(&|request| request.application_context.clear()), Err(PduFault::Missing));
    assert_eq!(with(&|request| request.calling = "A\\B".to_owned()), Err(PduFault::Text));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0_usize..300, byte in any::<u8>()) {
        let _any = (request(&bytes), accept(&bytes), reject(&bytes));
        let mut unit = proposed(&sample());
        let place = HEAD + at % (unit.len() - HEAD);
        unit[place] = byte;
        let _changed = request(body(&unit));
    }
}
