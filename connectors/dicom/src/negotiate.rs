//! Negotiation, without a socket: who is let in, and which presentation contexts are taken (DICOM PS3.8 section 9.3).

use std::net::IpAddr;

use causeway_core::dicom::uid::Uid;
use causeway_tls::Certificate;

use crate::classes::{STORAGE_COMMITMENT, VERIFICATION, is_storage};
use crate::config::{DicomDoorConfig, DicomFeedConfig};
use crate::pdu::{APPLICATION_CONTEXT, Answer, ContextFault, Proposal, Rejection, Request, Role};
use crate::syntax::{EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Syntax, is_lossy};

/// Who asks, as far as the network tells.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The address.
    pub address: IpAddr,
    /// The certificate shown, if any.
    pub certificate: Option<&'a Certificate>,
}

/// The feed an association belongs to, by its place in the configuration.
///
/// # Errors
/// The reason to reject it: default deny.
pub fn admit(config: &DicomDoorConfig, request: &Request, caller: Caller<'_>) -> Result<usize, Rejection> {
    if request.version & 1 == 0 {
        return Err(Rejection::VERSION);
    }
    if request.application_context != APPLICATION_CONTEXT {
        return Err(Rejection::APPLICATION_CONTEXT);
    }
    let found = config.feeds.iter().position(|feed| is_of(feed, request, caller));
    let feed = found.ok_or(Rejection::CALLING)?;
    if request.called != config.ae_title {
        return Err(Rejection::CALLED);
    }
    Ok(feed)
}

/// What becomes of each proposal.
pub fn answers(feed: &DicomFeedConfig, commits: bool, proposals: &[Proposal]) -> Vec<Answer> {
    let answer = |proposal: &Proposal| {
        let class = proposal.abstract_syntax.as_str();
        let taken = class == VERIFICATION
            || is_storage(class)
            || (commits && class == STORAGE_COMMITMENT)
            || feed.unknown_sop_classes;
        let result = if taken {
            let syntaxes = &proposal.transfer_syntaxes;
            let chosen = if class == STORAGE_COMMITMENT { plain(syntaxes) } else { choose(syntaxes) };
            chosen.cloned().ok_or(ContextFault::TransferSyntaxes)
        } else {
            Err(ContextFault::AbstractSyntax)
        };
        Answer { id: proposal.id, result }
    };
    proposals.iter().map(answer).collect()
}

/// The roles that are agreed on: of storage commitment, whose requests we take and never make.
pub fn roles(proposed: &[Role]) -> Vec<Role> {
    let ours = proposed.iter().filter(|role| role.class.as_str() == STORAGE_COMMITMENT);
    ours.map(|role| Role { scp: false, ..role.clone() }).collect()
}

/// The first syntax that is neither deflated nor compressed: those a request is read in.
fn plain(proposed: &[Uid]) -> Option<&Uid> {
    proposed.iter().find(|uid| [IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG].contains(&uid.as_str()))
}

/// The syntax the sender named first, since it is the one it has, unless pixels could be lost in it or it must be inflated
/// and another is offered too. Whatever it is, the bytes are kept as they come.
fn choose(proposed: &[Uid]) -> Option<&Uid> {
    let plain = |uid: &&Uid| !is_lossy(uid) && !Syntax::of(uid).deflated;
    let lossless = |uid: &&Uid| !is_lossy(uid);
    proposed.iter().find(plain).or_else(|| proposed.iter().find(lossless)).or_else(|| proposed.first())
}

fn is_of(feed: &DicomFeedConfig, request: &Request, caller: Caller<'_>) -> bool {
    feed.from.iter().any(|network| network.contains(caller.address))
        && feed.ae_titles.contains(&request.calling)
        && (feed.certificates.is_empty()
            || caller.certificate.is_some_and(|shown| feed.certificates.iter().any(|pattern| pattern.fits(shown))))
}

#[cfg(test)]
mod tests {
    use causeway_core::envelope::FeedName;
    use causeway_core::provider::ProviderId;

    use super::*;

    fn uid(text: &str) -> Uid {
        Uid::parse(text).expect("a uid")
    }

    fn feed(title: &str) -> DicomFeedConfig {
        let name = FeedName::parse("pacs").expect("a name");
        DicomFeedConfig::new(name, ProviderId("1000000001".to_owned()), vec![title.to_owned()])
    }

    fn request(calling: &str, called: &str) -> Request {
        Request {
            version: 1,
            called: called.to_owned(),
            calling: calling.to_owned(),
            application_context: APPLICATION_CONTEXT.to_owned(),
            contexts: Vec::new(),
            pdu_bytes_max: 0,
            roles: Vec::new(),
        }
    }

    #[test]
    fn catalogue_123_only_who_is_configured_is_let_in() {
        let config = DicomDoorConfig::new("127.0.0.1:0".parse().expect("an address"), vec![feed("CT1")]);
        let here = Caller { address: "127.0.0.1".parse().expect("an address"), certificate: None };
        let there = Caller { address: "10.0.0.1".parse().expect("an address"), certificate: None };
        assert_eq!(admit(&config, &request("CT1", "CAUSEWAY"), here), Ok(0));
        assert_eq!(admit(&config, &request("CT2", "CAUSEWAY"), here), Err(Rejection::CALLING));
        assert_eq!(admit(&config, &request("ct1", "CAUSEWAY"), here), Err(Rejection::CALLING));
        assert_eq!(admit(&config, &request("CT1", "CAUSEWAY"), there), Err(Rejection::CALLING));
        assert_eq!(admit(&config, &request("CT1", "ANY-SCP"), here), Err(Rejection::CALLED));
        // A stranger does not learn our title.
        assert_eq!(admit(&config, &request("CT2", "ANY-SCP"), here), Err(Rejection::CALLING));
        let version = Request { version: 2, ..request("CT1", "CAUSEWAY") };
        assert_eq!(admit(&config, &version, here), Err(Rejection::VERSION));
        let context = Request { application_context: "1.2".to_owned(), ..request("CT1", "CAUSEWAY") };
        assert_eq!(admit(&config, &context, here), Err(Rejection::APPLICATION_CONTEXT));
        let mut bound = config;
        bound.feeds[0].certificates = vec!["cn:PACS".parse().expect("a pattern")];
        assert_eq!(admit(&bound, &request("CT1", "CAUSEWAY"), here), Err(Rejection::CALLING));
    }

    #[test]
    fn every_storage_class_is_taken_in_any_syntax_and_private_ones_only_where_configured() {
        let propose = |class: &str, syntaxes: &[&str]| Proposal {
            id: 1,
            abstract_syntax: uid(class),
            transfer_syntaxes: syntaxes.iter().map(|syntax| uid(syntax)).collect(),
        };
        let answer = |feed: &DicomFeedConfig, class: &str, syntaxes: &[&str]| {
            answers(feed, false, &[propose(class, syntaxes)]).remove(0).result.map(|uid| uid.to_string())
        };
        let (ct, private) = ("1.2.840.10008.5.1.4.1.1.2", "1.3.12.2.1107.5.9.1");
        let strict = feed("CT1");
        assert_eq!(answer(&strict, ct, &["1.3.46.670589.33.1.4.1"]), Ok("1.3.46.670589.33.1.4.1".to_owned()));
        assert_eq!(answer(&strict, private, &["1.2.840.10008.1.2"]), Err(ContextFault::AbstractSyntax));
        let open = DicomFeedConfig { unknown_sop_classes: true, ..feed("CT1") };
        assert_eq!(answer(&open, private, &["1.2.840.10008.1.2"]), Ok("1.2.840.10008.1.2".to_owned()));
        assert_eq!(answer(&strict, ct, &[]), Err(ContextFault::TransferSyntaxes));
        assert_eq!(answer(&strict, STORAGE_COMMITMENT, &["1.2.840.10008.1.2"]), Err(ContextFault::AbstractSyntax));
        let (jpeg, deflated, explicit) = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1");
        assert_eq!(answer(&strict, ct, &[jpeg, explicit]), Ok(explicit.to_owned()), "pixels rather not lost");
        assert_eq!(answer(&strict, ct, &[deflated, explicit]), Ok(explicit.to_owned()));
        assert_eq!(answer(&strict, ct, &[jpeg]), Ok(jpeg.to_owned()), "it is what the sender has");
        assert_eq!(answer(&strict, ct, &[deflated]), Ok(deflated.to_owned()));
        let commits =
            |syntaxes: &[&str]| answers(&strict, true, &[propose(STORAGE_COMMITMENT, syntaxes)]).remove(0).result;
        assert_eq!(commits(&[deflated, explicit]), Ok(uid(explicit)));
        assert_eq!(commits(&[deflated]), Err(ContextFault::TransferSyntaxes));
    }
}
