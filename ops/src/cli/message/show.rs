//! `causeway message show`

use std::borrow::Cow;

use causeway_core::envelope::Envelope;
use causeway_core::hl7v2::header::Header;
use causeway_core::hl7v2::{Field, Limits, Message, Presence, Segment};
use clap::Args;
use serde_json::json;

use super::super::context::Context;
use super::{find_one, json as form, tries};
use crate::config::find::Found;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::Table;
use crate::output::mask::{self, Sight};

/// Arguments of `causeway message show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The message: control id, trace id, or `partition:offset`.
    id: String,
    /// Its segments as they came, one a line; with `--reveal` its bytes, untouched.
    #[arg(long, conflicts_with = "parsed")]
    raw: bool,
    /// Its fields, one a line. This is the default.
    #[arg(long)]
    parsed: bool,
    /// Show what is protected; an audit line is written first.
    #[arg(long)]
    reveal: bool,
}

/// Shows a message.
pub(crate) fn run(args: &Show, context: &Context) -> Outcome {
    let detail = find_one(context, &args.id)?;
    let position = detail.row.facts.position;
    let envelope = context.log()?.entry(position)?.envelope;
    let sight = if args.reveal {
        context.audit_reveal("show-message", detail.row.person, &position.to_string())?;
        Sight::Revealed
    } else {
        Sight::Masked
    };
    let terminal = &context.terminal;
    if args.raw && sight == Sight::Revealed && !terminal.json {
        terminal.bytes(envelope.body.expose())?;
        return Ok(Exit::Done);
    }
    let text = decode(context.found()?, &envelope)?;
    let line_ends =
        context.found()?.config().feed(envelope.feed.as_str()).map(|feed| feed.line_ends).unwrap_or_default();
    let message = Message::parse(&text, line_ends, &Limits::default()).map_err(|fault| {
        let told = Diagnostic::new(Code::NoMessage, "the message cannot be taken apart").why(fault.to_string());
        told.fix("see its bytes with `causeway message show ID --raw --reveal`")
    })?;
    if terminal.json {
        let mut value = form::detail(&detail);
        if let Some(object) = value.as_object_mut() {
            object.insert("fetches".to_owned(), tries::json(&detail, &tries::of(context, &detail)?));
            object.insert(
                "fields".to_owned(),
                fields(&message, sight).map(|(place, text)| json!([place, text])).collect(),
            );
        }
        terminal.json_line(&value)?;
    } else if args.raw {
        for segment in message.segments() {
            terminal.line(&raw(segment, sight))?;
        }
    } else {
        let mut table = Table::new(&["field", "value"]);
        fields(&message, sight).for_each(|(place, text)| table.row([place, text]));
        terminal.table(&table)?;
        tries::tell(&context.screen()?, &detail, &tries::of(context, &detail)?)?;
    }
    if sight == Sight::Masked {
        terminal.say("what may be about the patient is masked; --reveal shows it and is audited");
    }
    Ok(Exit::Done)
}

/// The text, in the character set of the feed's rule and MSH-18.
fn decode<'e>(found: &Found, envelope: &'e Envelope) -> Outcome<Cow<'e, str>> {
    let bytes: &[u8] = envelope.body.expose();
    let rule = found.config().feed(envelope.feed.as_str()).map(|feed| feed.settings().charset).unwrap_or_default();
    let undecodable = |why: String| {
        let told = Diagnostic::new(Code::NoMessage, "the message is no text in the character set it claims").why(why);
        told.fix("set `charset` for the feed, then replay; the bytes are shown by `--raw --reveal`")
    };
    let header = Header::peek(bytes, &rule).map_err(|fault| undecodable(fault.to_string()))?;
    Ok(header.charset().decode(bytes).map_err(|fault| undecodable(fault.to_string()))?)
}

/// Every field that says something, with its place; repetitions are numbered from the second on.
fn fields<'m>(message: &'m Message<'m>, sight: Sight) -> impl Iterator<Item = (String, String)> + 'm {
    message.segments().flat_map(move |segment| {
        let name = segment.name().to_owned();
        let occurrence = if segment.occurrence() > 1 { format!("[{}]", segment.occurrence()) } else { String::new() };
        segment.fields().zip(1_usize..).filter(|(field, _)| !is_blank(field)).map(move |(field, number)| {
            (format!("{name}{occurrence}-{number}"), shown(&name, number, field.raw(), sight))
        })
    })
}

fn is_blank(field: &Field<'_>) -> bool {
    match field.presence() {
        Presence::Absent | Presence::Empty => true,
        Presence::Null | Presence::Present => false,
    }
}

/// A segment as it came, its protected fields masked.
fn raw(segment: Segment<'_>, sight: Sight) -> String {
    let separator = segment.raw().chars().nth(segment.name().len()).unwrap_or('|');
    let name = segment.name();
    // MSH-1 is the separator itself.
    let first = if matches!(name, "MSH" | "FHS" | "BHS") { 2 } else { 1 };
    let fields = segment.fields().zip(1_usize..).filter(|(_, number)| *number >= first);
    let mut line = name.to_owned();
    for (field, number) in fields {
        line.push(separator);
        line.push_str(&shown(name, number, field.raw(), sight));
    }
    line
}

fn shown(segment: &str, field: usize, text: &str, sight: Sight) -> String {
    match sight {
        Sight::Masked if !is_open(segment, field) => mask::text(text),
        Sight::Masked | Sight::Revealed => text.to_owned(),
    }
}

/// Whether a field says nothing about the patient: how the message is routed, what kind of thing it is about, and how
/// far that is. Everything else is masked, fields that are not known included.
fn is_open(segment: &str, field: usize) -> bool {
    match segment {
        "MSH" | "SFT" | "UAC" => true,
        "EVN" => matches!(field, 1 | 2 | 4 | 6),
        "PID" | "NK1" | "AL1" | "DG1" | "PR1" | "SPM" | "NTE" | "IAM" => field == 1,
        "PV1" => matches!(field, 1 | 2 | 4 | 10 | 39),
        "OBR" => matches!(field, 1 | 4 | 22 | 24 | 25),
        "OBX" => matches!(field, 1 | 2 | 3 | 6 | 11),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::feed::LineEnds;

    use super::*;

    const TEXT: &str = "MSH|^~\\&|LIS|LABX|||20260101||ORU^R01|7|P|2.5\rPID|1||A1234563^^^HKSAR^HKID||CHAN^TAI MAN||1983\rOBX|1|NM|718-7^Haemoglobin^LN||13.5|g/dL\rOBX|2|NM|777-3^Platelets^LN||\"\"\rZPI|陳大文";

    fn parsed(sight: Sight) -> Vec<(String, String)> {
        let message = Message::parse(TEXT, LineEnds::Strict, &Limits::default()).expect("well formed");
        fields(&message, sight).collect()
    }

    #[test]
    fn a_masked_message_tells_its_shape_and_nothing_of_the_patient() {
        let fields = parsed(Sight::Masked);
        let text: String = fields.iter().map(|(place, text)| format!("{place}={text}\n")).collect();
        for secret in ["A1234563", "CHAN", "TAI MAN", "1983", "13.5", "陳大文"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for open in ["MSH-10=7", "OBX-3=718-7^Haemoglobin^LN", "OBX-6=g/dL", "PID-5=C***", "OBX[2]-5=\"***"] {
            assert!(text.contains(open), "{open} not in {text}");
        }
    }

    #[test]
    fn raw_lines_keep_the_place_of_every_field() {
        let message = Message::parse(TEXT, LineEnds::Strict, &Limits::default()).expect("well formed");
        let lines: Vec<_> = message.segments().map(|segment| raw(segment, Sight::Revealed)).collect();
        assert_eq!(lines.join("\r"), TEXT);
        let masked: Vec<_> = message.segments().map(|segment| raw(segment, Sight::Masked)).collect();
        assert_eq!(masked[1], "PID|1||A***||C***||1***");
    }
}
