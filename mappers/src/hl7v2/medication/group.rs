//! The groups of a pharmacy message: ORC, its timing, then details (RXO, RXE, RXD, RXA, …) each with its routes,
//! components, comments and observations.

use crate::hl7v2::context::Context;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::obx::Observed;
use crate::hl7v2::trigger::Segments;

/// A detail segment, or ORC itself, and what stands behind it.
#[derive(Debug)]
pub(crate) struct Section<'c, 'm> {
    /// The segment.
    pub(crate) head: &'c Seg<'m>,
    /// TQ1.
    pub(crate) timing: Vec<&'c Seg<'m>>,
    /// TQ2.
    pub(crate) sequence: Vec<&'c Seg<'m>>,
    /// RXR.
    pub(crate) routes: Vec<&'c Seg<'m>>,
    /// RXC.
    pub(crate) components: Vec<&'c Seg<'m>>,
    /// NTE.
    pub(crate) comments: Vec<&'c Seg<'m>>,
    /// OBX with their NTE.
    pub(crate) observed: Vec<Observed<'c, 'm>>,
    /// DG1.
    pub(crate) diagnoses: Vec<&'c Seg<'m>>,
    /// What this kind of order has no use for.
    pub(crate) others: Vec<&'c Seg<'m>>,
}

/// One order: the sections of ORC and of its details, in their order.
#[derive(Debug, Default)]
pub(crate) struct Group<'c, 'm> {
    /// The sections; the first is that of ORC, where there is one.
    pub(crate) sections: Vec<Section<'c, 'm>>,
}

/// The segments of a patient and a visit, which stand before the first order and belong to none.
const OF_PATIENT: &[&str] = &["MSH", "EVN", "PID", "PD1", "NK1", "PV1", "PV2", "AL1", "IAM"];

/// The groups of a message. A group begins with ORC, or where there is none before it with one of `heads`. What stands
/// before the first group is given to `before`.
pub(crate) fn groups<'c, 'm>(
    segments: &Segments<'c, 'm>,
    heads: &[&str],
    mut before: impl FnMut(&'c Seg<'m>),
) -> Vec<Group<'c, 'm>> {
    let mut groups: Vec<Group<'c, 'm>> = Vec::new();
    for segment in segments.iter().filter(|segment| !OF_PATIENT.contains(&segment.name())) {
        let name = segment.name();
        let is_head = heads.contains(&name);
        match groups.last_mut() {
            _ if name == "ORC" => groups.push(Group { sections: vec![Section::new(segment)] }),
            Some(group) if is_head => group.sections.push(Section::new(segment)),
            None if is_head => groups.push(Group { sections: vec![Section::new(segment)] }),
            Some(group) => {
                if let Some(section) = group.sections.last_mut() {
                    section.take(segment);
                }
            }
            None => before(segment),
        }
    }
    groups
}

/// Notes a segment that stands before every order, and keeps it.
pub(crate) fn stray<'m>(context: &Context<'m>, segment: &Seg<'m>) {
    context.note(NoteCode::UnusedSegment, segment.place(), "it stands before the first order");
    segment.keep();
}

impl<'c, 'm> Section<'c, 'm> {
    fn new(head: &'c Seg<'m>) -> Self {
        Self {
            head,
            timing: Vec::new(),
            sequence: Vec::new(),
            routes: Vec::new(),
            components: Vec::new(),
            comments: Vec::new(),
            observed: Vec::new(),
            diagnoses: Vec::new(),
            others: Vec::new(),
        }
    }

    fn take(&mut self, segment: &'c Seg<'m>) {
        match (segment.name(), self.observed.last_mut()) {
            ("OBX", Some(last)) if last.goes_on_with(segment) => last.lines.push(segment),
            ("OBX", _) => self.observed.push(Observed { lines: vec![segment], notes: Vec::new() }),
            ("NTE", Some(last)) => last.notes.push(segment),
            ("NTE", None) => self.comments.push(segment),
            ("TQ1", _) => self.timing.push(segment),
            ("TQ2", _) => self.sequence.push(segment),
            ("RXR", _) => self.routes.push(segment),
            ("RXC", _) => self.components.push(segment),
            ("DG1", _) => self.diagnoses.push(segment),
            _ => self.others.push(segment),
        }
    }

    /// Every segment of it but the head.
    fn rest(&self) -> impl Iterator<Item = &'c Seg<'m>> {
        let observed = self.observed.iter().flat_map(|observed| observed.lines.iter().chain(&observed.notes));
        let lists = [&self.timing, &self.sequence, &self.routes, &self.components, &self.comments, &self.diagnoses];
        lists.into_iter().flatten().chain(&self.others).chain(observed).copied()
    }

    /// It is at fault, or has no place: what hangs on it is not reported field by field.
    pub(crate) fn pass_over(&self) {
        self.head.keep();
        self.rest().for_each(Seg::keep);
    }

    /// Takes note that it has no place, and passes it over.
    pub(crate) fn has_no_place(&self, context: &Context<'m>, text: &str) {
        context.note(NoteCode::UnusedSegment, self.head.place(), text);
        self.pass_over();
    }
}

impl<'c, 'm> Group<'c, 'm> {
    /// The section of a name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section<'c, 'm>> {
        self.sections.iter().find(|section| section.head.name() == name)
    }

    /// All sections of a name.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &Section<'c, 'm>> {
        self.sections.iter().filter(move |section| section.head.name() == name)
    }

    /// What the sections of these names have of something, of the last one that has any.
    pub(crate) fn last_of<'s>(
        &'s self,
        names: &[&str],
        list: impl Fn(&'s Section<'c, 'm>) -> &'s [&'c Seg<'m>],
    ) -> &'s [&'c Seg<'m>] {
        let of = self.sections.iter().filter(|section| names.contains(&section.head.name()));
        of.map(list).rfind(|list| !list.is_empty()).unwrap_or_default()
    }

    /// What the sections of these names have of something, together.
    pub(crate) fn all_of<'s>(
        &'s self,
        names: &[&str],
        list: impl Fn(&'s Section<'c, 'm>) -> &'s [&'c Seg<'m>],
    ) -> Vec<&'c Seg<'m>> {
        let of = self.sections.iter().filter(|section| names.contains(&section.head.name()));
        of.flat_map(|section| list(section).iter().copied()).collect()
    }
}
