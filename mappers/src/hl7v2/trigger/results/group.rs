//! The segments behind PID put into groups: one order with its specimens and what was found.

use crate::hl7v2::context::Context;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::obx::Observed;
use crate::hl7v2::trigger::Segments;

/// How the segments of a message lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// ORC, OBR, NTE, { OBX, NTE }, SPM: ORU and `OUL^R21`.
    OrderFirst,
    /// OBR, ORC, NTE, SPM, { OBX, NTE }: `OUL^R24`. An ORC in front is taken, too.
    OrderFirstOrcBehind,
    /// SPM, { OBR, ORC, NTE, { OBX, NTE } }: `OUL^R22` and R23. An ORC in front is taken, too.
    SpecimenFirst,
}

/// One order with what was found.
#[derive(Debug)]
pub(crate) struct Group<'c, 'm> {
    /// ORC.
    pub(crate) orc: Option<&'c Seg<'m>>,
    /// OBR.
    pub(crate) obr: &'c Seg<'m>,
    /// NTE behind OBR.
    pub(crate) comments: Vec<&'c Seg<'m>>,
    /// OBX with NTE.
    pub(crate) observed: Vec<Observed<'c, 'm>>,
    /// SPM.
    pub(crate) specimens: Vec<&'c Seg<'m>>,
    /// IPC and ZDS.
    pub(crate) imaging: Vec<&'c Seg<'m>>,
    /// DG1.
    pub(crate) reasons: Vec<&'c Seg<'m>>,
    /// Whether it stands among the earlier results that an order brings along.
    pub(crate) is_prior: bool,
}

/// Puts the segments behind PID into groups.
pub(crate) fn groups<'c, 'm>(context: &Context<'m>, segments: &Segments<'c, 'm>, layout: Layout) -> Vec<Group<'c, 'm>> {
    let mut grouping = Grouping {
        layout,
        groups: Vec::new(),
        orc: None,
        specimens: Vec::new(),
        early: Vec::new(),
        is_begun: false,
        is_prior: false,
    };
    for segment in segments.iter() {
        if grouping.take(segment).is_none() {
            context.note(NoteCode::UnusedSegment, segment.place(), "it stands before the first order");
            if segment.name() != "DG1" {
                segment.keep();
            }
        }
    }
    for segment in grouping.early {
        context.note(NoteCode::UnusedSegment, segment.place(), "no order follows that it belongs to");
        segment.keep();
    }
    grouping.groups
}

struct Grouping<'c, 'm> {
    layout: Layout,
    groups: Vec<Group<'c, 'm>>,
    /// An ORC whose OBR is to come.
    orc: Option<&'c Seg<'m>>,
    /// Of the orders to come, where specimens go first.
    specimens: Vec<&'c Seg<'m>>,
    /// What stands behind a specimen, before its first order.
    early: Vec<&'c Seg<'m>>,
    /// Whether what comes belongs to the last order; not so behind a specimen that goes first.
    is_begun: bool,
    /// Whether a patient is named behind an order: then earlier results follow.
    is_prior: bool,
}

impl<'c, 'm> Grouping<'c, 'm> {
    /// Takes a segment in its place; `None` when it has none.
    fn take(&mut self, segment: &'c Seg<'m>) -> Option<()> {
        match (segment.name(), self.layout) {
            ("ORC", _) => self.control(segment),
            ("OBR", _) => self.order(segment),
            ("PID", _) if self.groups.is_empty() => {}
            ("PID", _) => {
                // The same patient once more, else the message would not be mapped.
                segment.keep();
                self.is_prior = true;
            }
            ("IPC" | "ZDS", _) => self.groups.last_mut()?.imaging.push(segment),
            ("DG1", _) => self.groups.last_mut()?.reasons.push(segment),
            ("SPM", Layout::SpecimenFirst) => {
                if self.is_begun {
                    self.specimens.clear();
                }
                self.is_begun = false;
                self.specimens.push(segment);
            }
            ("OBX" | "NTE" | "SPM", _) if self.is_begun => self.groups.last_mut()?.take(segment),
            ("OBX" | "NTE" | "SPM", _) if self.specimens.is_empty() => return None,
            ("OBX" | "NTE" | "SPM", _) => self.early.push(segment),
            _ => {}
        }
        Some(())
    }

    fn control(&mut self, orc: &'c Seg<'m>) {
        let is_behind = match self.layout {
            Layout::OrderFirst => false,
            Layout::OrderFirstOrcBehind | Layout::SpecimenFirst => self.is_begun,
        };
        match self.groups.last_mut() {
            Some(group) if is_behind && group.orc.is_none() && group.observed.is_empty() => group.orc = Some(orc),
            Some(_) | None => self.orc = Some(orc),
        }
    }

    fn order(&mut self, obr: &'c Seg<'m>) {
        let (orc, specimens) = (self.orc.take(), self.specimens.clone());
        let control = orc.map_or("", |orc| orc.field(1).rep(1).component(1).raw());
        self.is_prior &= matches!(control, "" | "PR" | "RE");
        let mut group = Group {
            orc,
            obr,
            comments: Vec::new(),
            observed: Vec::new(),
            specimens,
            imaging: Vec::new(),
            reasons: Vec::new(),
            is_prior: self.is_prior || control == "PR",
        };
        // What was observed of the specimen itself is told with its first order.
        std::mem::take(&mut self.early).into_iter().for_each(|segment| group.take(segment));
        self.is_begun = true;
        self.groups.push(group);
    }
}

impl<'c, 'm> Group<'c, 'm> {
    fn take(&mut self, segment: &'c Seg<'m>) {
        match (segment.name(), self.observed.last_mut()) {
            ("OBX", Some(last)) if last.goes_on_with(segment) => last.lines.push(segment),
            ("OBX", _) => self.observed.push(Observed { lines: vec![segment], notes: Vec::new() }),
            ("NTE", Some(last)) => last.notes.push(segment),
            ("NTE", None) => self.comments.push(segment),
            _ => self.specimens.push(segment),
        }
    }

    /// The order itself is at fault: what hangs on it is not reported field by field.
    pub(crate) fn pass_over(&self) {
        self.observed.iter().flat_map(|observed| observed.lines.iter().chain(&observed.notes)).for_each(|s| s.keep());
        self.comments
            .iter()
            .chain(&self.specimens)
            .chain(&self.reasons)
            .chain(&self.imaging)
            .for_each(|segment| segment.keep());
        self.obr.keep();
    }
}
