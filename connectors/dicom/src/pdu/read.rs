//! Reading units, from bytes that are all there.

use causeway_core::dicom::uid::Uid;

use super::{Acceptance, Answer, ContextFault, Proposal, Rejection, Request, Role};

/// Presentation contexts there can be: the odd numbers of a byte.
const CONTEXTS_MAX: usize = 128;
/// Transfer syntaxes of one context that are looked at.
const SYNTAXES_MAX: usize = 128;

/// What is wrong with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PduFault {
    /// An item reaches beyond what holds it, or the unit ends too early.
    #[error("an item reaches beyond the end of the unit")]
    Short,
    /// An item that must be there is not, or there is none of those of which there must be one.
    #[error("an item is missing")]
    Missing,
    /// A presentation context with an even number, one used twice, or more of them than there can be.
    #[error("presentation contexts with a number that is even or used twice, or more of them than there can be")]
    Contexts,
    /// An identifier or title outside its grammar.
    #[error("an identifier or a title that is none")]
    Text,
}

/// Reads the body of an A-ASSOCIATE-RQ.
///
/// # Errors
/// It is not whole, or says what cannot be.
pub fn request(body: &[u8]) -> Result<Request, PduFault> {
    let mut request = Request {
        version: 0,
        called: String::new(),
        calling: String::new(),
        application_context: String::new(),
        contexts: Vec::new(),
        pdu_bytes_max: 0,
        roles: Vec::new(),
    };
    let (version, called, calling, items) = fixed(body)?;
    (request.version, request.called, request.calling) = (version, called, calling);
    let mut has_user = false;
    for item in Items(items) {
        let (kind, bytes) = item?;
        has_user |= kind == 0x50;
        match kind {
            0x10 => request.application_context = text(bytes)?,
            0x20 => request.contexts.push(proposal(bytes)?),
            0x50 => (request.pdu_bytes_max, request.roles) = user(bytes)?,
            _ => {}
        }
    }
    let mut ids: Vec<u8> = request.contexts.iter().map(|context| context.id).collect();
    ids.sort_unstable();
    let twice = ids.iter().zip(ids.iter().skip(1)).any(|(a, b)| a == b);
    if twice || ids.iter().any(|id| id % 2 == 0) || ids.len() > CONTEXTS_MAX {
        return Err(PduFault::Contexts);
    }
    if request.contexts.is_empty() || request.application_context.is_empty() || !has_user {
        return Err(PduFault::Missing);
    }
    Ok(request)
}

/// Reads the body of an A-ASSOCIATE-AC.
///
/// # Errors
/// It is not whole, or says what cannot be.
pub fn accept(body: &[u8]) -> Result<Acceptance, PduFault> {
    let (_version, called, calling, items) = fixed(body)?;
    let mut acceptance = Acceptance { called, calling, contexts: Vec::new(), pdu_bytes_max: 0, roles: Vec::new() };
    for item in Items(items) {
        let (kind, bytes) = item?;
        match kind {
            0x21 => acceptance.contexts.push(answer(bytes)?),
            0x50 => (acceptance.pdu_bytes_max, acceptance.roles) = user(bytes)?,
            _ => {}
        }
    }
    Ok(acceptance)
}

/// Reads the body of an A-ASSOCIATE-RJ.
///
/// # Errors
/// It is not whole.
pub fn reject(body: &[u8]) -> Result<Rejection, PduFault> {
    match body {
        [_, result, source, reason, ..] => Ok(Rejection(*result, *source, *reason)),
        _ => Err(PduFault::Short),
    }
}

/// Version, called and calling AE title, and the items.
fn fixed(body: &[u8]) -> Result<(u16, String, String, &[u8]), PduFault> {
    let (version, rest) = body.split_first_chunk::<2>().ok_or(PduFault::Short)?;
    let (_reserved, rest) = rest.split_first_chunk::<2>().ok_or(PduFault::Short)?;
    let (called, rest) = rest.split_first_chunk::<16>().ok_or(PduFault::Short)?;
    let (calling, rest) = rest.split_first_chunk::<16>().ok_or(PduFault::Short)?;
    let (_reserved, items) = rest.split_first_chunk::<32>().ok_or(PduFault::Short)?;
    Ok((u16::from_be_bytes(*version), title(called)?, title(calling)?, items))
}

/// An AE title (PS3.5 table 6.2-1): printable ASCII without a backslash, blanks around it without meaning. Some pad with NUL.
fn title(bytes: &[u8; 16]) -> Result<String, PduFault> {
    let text = text(bytes)?;
    if text.chars().any(|c| !matches!(c, ' '..='~') || c == '\\') { Err(PduFault::Text) } else { Ok(text) }
}

fn text(bytes: &[u8]) -> Result<String, PduFault> {
    let text = std::str::from_utf8(bytes).map_err(|_not_text| PduFault::Text)?;
    Ok(text.trim_matches([' ', '\0']).to_owned())
}

fn uid(bytes: &[u8]) -> Result<Uid, PduFault> {
    Uid::of_value(bytes).map_err(|_not_one| PduFault::Text)
}

fn proposal(bytes: &[u8]) -> Result<Proposal, PduFault> {
    let ([id, _, _, _], items) = bytes.split_first_chunk::<4>().ok_or(PduFault::Short)?;
    let (mut abstract_syntax, mut transfer_syntaxes) = (None, Vec::new());
    for item in Items(items) {
        match item? {
            (0x30, bytes) => abstract_syntax = Some(uid(bytes)?),
            (0x40, bytes) if transfer_syntaxes.len() < SYNTAXES_MAX => transfer_syntaxes.push(uid(bytes)?),
            _ => {}
        }
    }
    Ok(Proposal { id: *id, abstract_syntax: abstract_syntax.ok_or(PduFault::Missing)?, transfer_syntaxes })
}

fn answer(bytes: &[u8]) -> Result<Answer, PduFault> {
    let ([id, _, reason, _], items) = bytes.split_first_chunk::<4>().ok_or(PduFault::Short)?;
    let mut syntax = None;
    for item in Items(items) {
        if let (0x40, bytes) = item? {
            // Of a context that is not taken it means nothing, and some send nothing.
            syntax = uid(bytes).ok();
        }
    }
    let result = match reason {
        0 => Ok(syntax.ok_or(PduFault::Missing)?),
        1 => Err(ContextFault::User),
        3 => Err(ContextFault::AbstractSyntax),
        4 => Err(ContextFault::TransferSyntaxes),
        _ => Err(ContextFault::Provider),
    };
    Ok(Answer { id: *id, result })
}

/// Maximum length and roles; the other sub-items mean nothing to us.
fn user(bytes: &[u8]) -> Result<(u32, Vec<Role>), PduFault> {
    let (mut longest, mut roles) = (0, Vec::new());
    for item in Items(bytes) {
        match item? {
            (0x51, bytes) => {
                let (length, _) = bytes.split_first_chunk::<4>().ok_or(PduFault::Short)?;
                longest = u32::from_be_bytes(*length);
            }
            (0x54, bytes) if roles.len() < CONTEXTS_MAX => roles.push(role(bytes)?),
            _ => {}
        }
    }
    Ok((longest, roles))
}

fn role(bytes: &[u8]) -> Result<Role, PduFault> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(PduFault::Short)?;
    let (class, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(PduFault::Short)?;
    let [scu, scp, ..] = rest else { return Err(PduFault::Short) };
    Ok(Role { class: uid(class)?, scu: *scu == 1, scp: *scp == 1 })
}

/// Items and sub-items: type, reserved, length, bytes.
struct Items<'b>(&'b [u8]);

impl<'b> Iterator for Items<'b> {
    type Item = Result<(u8, &'b [u8]), PduFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let item = self.0.split_first_chunk::<4>().and_then(|([kind, _, high, low], rest)| {
            let (bytes, rest) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into())?;
            self.0 = rest;
            Some((*kind, bytes))
        });
        if item.is_none() {
            self.0 = &[];
        }
        Some(item.ok_or(PduFault::Short))
    }
}
