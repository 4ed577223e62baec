//! Writing units.

use causeway_core::dicom::uid::Uid;

use super::{APPLICATION_CONTEXT, Abort, Acceptance, Answer, ContextFault, Proposal, Rejection, Request, Role, kind};

/// Who we are, to peers and in the files we write: an identifier of ours under the root for UUIDs (PS3.5 annex B.2). It is
/// part of what is stored, so it never changes, and neither does the name below.
pub const IMPLEMENTATION: &str = "2.25.302516137482590362164189254715033641912";
/// The name beside it.
pub const IMPLEMENTATION_NAME: &str = "CAUSEWAY";

/// A-ASSOCIATE-RQ.
pub fn proposed(request: &Request) -> Vec<u8> {
    let mut items = item(0x10, request.application_context.as_bytes());
    for context in &request.contexts {
        items.extend(item(0x20, &proposal(context)));
    }
    items.extend(item(0x50, &user(request.pdu_bytes_max, &request.roles)));
    unit(kind::REQUEST, &associate(&request.called, &request.calling, &items))
}

/// A-ASSOCIATE-AC.
pub fn accepted(acceptance: &Acceptance) -> Vec<u8> {
    let mut items = item(0x10, APPLICATION_CONTEXT.as_bytes());
    for context in &acceptance.contexts {
        items.extend(item(0x21, &answer(context)));
    }
    items.extend(item(0x50, &user(acceptance.pdu_bytes_max, &acceptance.roles)));
    unit(kind::ACCEPT, &associate(&acceptance.called, &acceptance.calling, &items))
}

/// A-ASSOCIATE-RJ.
pub fn refused(rejection: Rejection) -> Vec<u8> {
    unit(kind::REJECT, &[0, rejection.0, rejection.1, rejection.2])
}

/// A-RELEASE-RQ.
pub fn release() -> Vec<u8> {
    unit(kind::RELEASE, &[0; 4])
}

/// A-RELEASE-RP.
pub fn released() -> Vec<u8> {
    unit(kind::RELEASED, &[0; 4])
}

/// A-ABORT.
pub fn abort(abort: Abort) -> Vec<u8> {
    unit(kind::ABORT, &[0, 0, abort.0, abort.1])
}

fn associate(called: &str, calling: &str, items: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    body.extend(title(called));
    body.extend(title(calling));
    body.extend([0; 32]);
    body.extend(items);
    body
}

fn title(text: &str) -> [u8; 16] {
    let mut title = [b' '; 16];
    title.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    title
}

fn proposal(context: &Proposal) -> Vec<u8> {
    let mut body = vec![context.id, 0, 0, 0];
    body.extend(item(0x30, context.abstract_syntax.as_str().as_bytes()));
    for syntax in &context.transfer_syntaxes {
        body.extend(item(0x40, syntax.as_str().as_bytes()));
    }
    body
}

fn answer(context: &Answer) -> Vec<u8> {
    let reason = match &context.result {
        Ok(_) => 0,
        Err(ContextFault::User) => 1,
        Err(ContextFault::Provider) => 2,
        Err(ContextFault::AbstractSyntax) => 3,
        Err(ContextFault::TransferSyntaxes) => 4,
    };
    let mut body = vec![context.id, 0, reason, 0];
    // Of one that is not taken the syntax is not tested, but must be there.
    let syntax = context.result.as_ref().map_or(crate::syntax::IMPLICIT_LITTLE, Uid::as_str);
    body.extend(item(0x40, syntax.as_bytes()));
    body
}

fn user(pdu_bytes_max: u32, roles: &[Role]) -> Vec<u8> {
    let mut body = item(0x51, &pdu_bytes_max.to_be_bytes());
    body.extend(item(0x52, IMPLEMENTATION.as_bytes()));
    for role in roles {
        let class = role.class.as_str().as_bytes();
        let mut sub = u16::try_from(class.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
        sub.extend(class);
        sub.extend([u8::from(role.scu), u8::from(role.scp)]);
        body.extend(item(0x54, &sub));
    }
    body.extend(item(0x55, IMPLEMENTATION_NAME.as_bytes()));
    body
}

fn item(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut item = vec![kind, 0];
    item.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    item.extend(bytes);
    item
}

fn unit(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut unit = vec![kind, 0];
    unit.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    unit.extend(body);
    unit
}
