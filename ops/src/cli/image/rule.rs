//! `causeway image reject|restore|delete`

use causeway_core::dicom::ruling::{Ruling, RulingEffect, Verdict};
use causeway_core::port::RedoMode;
use clap::Args;
use serde_json::json;

use super::super::context::Context;
use super::rulings::as_json;
use super::uid;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::grouped;

/// Arguments of `causeway image reject` and `causeway image restore`.
#[derive(Debug, Args)]
pub(super) struct Rule {
    #[command(flatten)]
    about: About,
    /// Tell only what would happen.
    #[arg(long)]
    preview: bool,
}

/// Arguments of `causeway image delete`.
#[derive(Debug, Args)]
pub(super) struct Delete {
    #[command(flatten)]
    about: About,
    /// Do it.
    #[arg(long)]
    yes: bool,
}

/// About what, and why.
#[derive(Debug, Args)]
struct About {
    /// The SOP Instance, Series or Study UID.
    #[arg(value_name = "UID")]
    uid: String,
    /// Why; it is kept, and stands in the audit. Write nothing about the patient.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Rule {
    /// Makes the ruling, or tells what it would do.
    pub(super) fn run(&self, verdict: Verdict, context: &Context) -> Outcome {
        let mode = if self.preview { RedoMode::Preview } else { RedoMode::Commit };
        self.about.rule(verdict, mode, context)?;
        Ok(Exit::Done)
    }
}

impl Delete {
    /// Deletes, or tells what that would do.
    pub(super) fn run(&self, context: &Context) -> Outcome {
        let mode = if self.yes { RedoMode::Commit } else { RedoMode::Preview };
        let effect = self.about.rule(Verdict::Deleted, mode, context)?;
        if effect.made && !self.yes {
            let what = format!("{} would be deleted for good", of("image", effect.deleted));
            return Err(Diagnostic::new(Code::Confirm, what).into());
        }
        Ok(Exit::Done)
    }
}

impl About {
    fn rule(&self, verdict: Verdict, mode: RedoMode, context: &Context) -> Outcome<RulingEffect> {
        let (by, at, reason) = (context.actor(), context.now(), self.reason.clone());
        let ruling = Ruling { uid: uid(&self.uid)?, verdict, by, at, reason };
        let effect = context.store()?.repository.rule(&ruling, mode)?;
        if !effect.is_known() {
            let what = format!("no image is known under {}", ruling.uid);
            let fix = "give the SOP Instance, Series or Study UID of an image that was accepted: `causeway message trace UID` tells \
                       what became of one; held and rejected messages are given up with `causeway message discard`";
            return Err(Diagnostic::new(Code::Nothing, what).fix(fix).into());
        }
        let former = effect.former.as_ref().map(|former| former.verdict);
        if verdict == Verdict::Rejected && former == Some(Verdict::Deleted) {
            let what = format!("what was under {} is deleted: there is nothing to reject", ruling.uid);
            let fix = "take the deletion back with `causeway image restore`, if it is to come again";
            return Err(Diagnostic::new(Code::Argument, what).fix(fix).into());
        }
        if context.terminal.json {
            context.terminal.json_line(&json!({
                "v": 1, "uid": ruling.uid, "verdict": verdict.as_str(), "done": effect.made && mode == RedoMode::Commit,
                "changes": effect.made, "images": effect.images, "studies": effect.studies,
                "persons": effect.persons.len(), "hidden": effect.hidden, "shown": effect.shown, "deleted": effect.deleted,
                "former": effect.former.as_ref().map(as_json), "also_rejected_under": effect.others,
            }))?;
        } else {
            tell(&ruling, &effect, mode, context)?;
        }
        Ok(effect)
    }
}

fn tell(ruling: &Ruling, effect: &RulingEffect, mode: RedoMode, context: &Context) -> Outcome<()> {
    let (terminal, screen) = (&context.terminal, context.screen()?);
    let uid = &ruling.uid;
    match (&effect.former, effect.made) {
        (Some(former), false) => {
            let (verdict, by, since) = (former.verdict.as_str(), &former.by.0, screen.time(former.at));
            terminal
                .line(&format!("{uid}: nothing changes, it was {verdict} by {by} at {since}: {}", former.reason))?;
        }
        (None, false) => terminal.line(&format!("{uid}: nothing changes, it was neither rejected nor deleted"))?,
        (_, true) => terminal.line(&format!("{uid}: {}", told(effect, mode)))?,
    }
    for other in &effect.others {
        terminal.say(&format!("note: images of it are rejected under {other}, too"));
    }
    if ruling.verdict == Verdict::Restored && effect.made && effect.images == 0 {
        terminal.say(
            "what was deleted comes again when its messages are replayed (`causeway message replay`), as long as the log holds \
             them, or when it is sent again after that",
        );
    }
    Ok(())
}

fn told(effect: &RulingEffect, mode: RedoMode) -> String {
    let be = match mode {
        RedoMode::Commit => "are",
        RedoMode::Preview => "would be",
    };
    let counted = [
        (effect.deleted, "deleted for good"),
        (effect.hidden, "hidden from readers"),
        (effect.shown, "shown to readers again"),
    ];
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = counted.map(|(count, what)| format!("{} {be} {what}", of("image", count))).collect();
    if parts.is_empty() {
        return "readers find what they found before".to_owned();
    }
    let studies = match effect.studies.len() {
        1 => "1 study".to_owned(),
        several => format!("{} studies", grouped(several as u64)),
    };
    format!("{}, of {studies}", parts.join(", "))
}

fn of(what: &str, count: u64) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}
