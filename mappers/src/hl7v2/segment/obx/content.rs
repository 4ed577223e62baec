//! The content of a document in OBX with NTE: each file and pointer as an Attachment of its own, and all its text as one.

use super::attachment;
pub(crate) use super::attachment::Label;
use super::document;
use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::cwe;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::nte;
use crate::hl7v2::trigger::Output;

/// Reads the Attachments of a document. `None`, with a fault, when one part is at fault: half a document is none.
/// `retracted` says that what is pointed to need not be fetched.
pub(crate) fn read<'m>(
    context: &Context<'m>,
    lines: &[&Seg<'m>],
    label: &Label<'_>,
    retracted: bool,
    output: &mut Output,
) -> Option<Vec<Object>> {
    let (files, pointers) = (output.attachments.len(), output.pending.len());
    let content = parts(context, lines, label, retracted, output);
    if content.is_none() {
        output.attachments.truncate(files);
        output.pending.truncate(pointers);
    }
    content
}

/// The same, whatever becomes of what was added to `output`.
fn parts<'m>(
    context: &Context<'m>,
    lines: &[&Seg<'m>],
    label: &Label<'_>,
    retracted: bool,
    output: &mut Output,
) -> Option<Vec<Object>> {
    let mut text = Text::default();
    let mut content = Vec::new();
    let mut complete = true;
    let mut rest = lines;
    while let Some((obx, behind)) = rest.split_first() {
        if obx.name() == "NTE" {
            text.comment(context, obx);
            rest = behind;
            continue;
        }
        // Status, number and time of a part are the document's.
        [3, 4, 11, 14].into_iter().for_each(|field| obx.ask(field));
        let mut count = 1;
        if !obx.has(3) {
            context.missing(obx, 3, "what the part of the document is is missing");
            return None;
        }
        match obx.field(2).raw() {
            "ED" => {
                count += attachment::further(obx, behind);
                let parts = rest.get(..count).unwrap_or(rest);
                let file = attachment::embedded(context, parts, label.clone(), &mut output.attachments);
                complete &= file.is_some();
                content.extend(file);
            }
            "RP" => {
                let pointer = document::pointed(context, obx, label.title, retracted, output);
                complete &= pointer.is_some();
                content.extend(pointer);
            }
            _ => text.take(context, obx),
        }
        rest = rest.get(count..).unwrap_or_default();
    }
    let text = text.written();
    if !text.is_empty() {
        content.insert(0, attachment::text(&text, label.clone(), &mut output.attachments));
    }
    complete.then_some(content)
}

/// The text of a document, under its headings.
#[derive(Default)]
struct Text {
    sections: Vec<(String, Vec<String>)>,
}

impl Text {
    /// OBX-3, the heading; OBX-5, the lines, with OBX-6 behind what was measured.
    fn take<'m>(&mut self, context: &Context<'m>, obx: &Seg<'m>) {
        let heading = obx.first(context, 3).map(|value| document::description(&cwe::read(&value))).unwrap_or_default();
        let coded = matches!(obx.field(2).raw(), "CE" | "CWE" | "CNE" | "CF");
        let unit = obx.first(context, 6).map(|value| document::description(&cwe::read(&value))).unwrap_or_default();
        let mut lines: Vec<String> = obx
            .all(context, 5)
            .map(|value| if coded { document::description(&cwe::read(&value)) } else { value.whole().into_owned() })
            .map(|line| if unit.is_empty() { line } else { format!("{line} {unit}") })
            .collect();
        if lines.is_empty() {
            // A blank line within the text.
            lines.push(String::new());
        }
        match self.sections.last_mut() {
            Some((last, known)) if *last == heading => known.extend(lines),
            Some(_) | None => self.sections.push((heading, lines)),
        }
    }

    /// NTE: the comment on a part, as further lines of the text.
    fn comment<'m>(&mut self, context: &Context<'m>, nte: &Seg<'m>) {
        let comment = nte::text(context, nte);
        match self.sections.last_mut() {
            Some((_, known)) => known.push(comment),
            None => self.sections.push((String::new(), vec![comment])),
        }
    }

    /// The lines; with several headings, each under its own.
    fn written(&self) -> String {
        let several = self.sections.len() > 1;
        let section = |(heading, lines): &(String, Vec<String>)| {
            let text = lines.join("\n");
            if several && !heading.is_empty() { format!("{heading}\n{text}") } else { text }
        };
        let sections: Vec<String> = self.sections.iter().map(section).collect();
        sections.join("\n\n").trim().to_owned()
    }
}
