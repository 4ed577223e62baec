//! `causeway image conflicts|reject|restore|delete|rulings`

mod conflicts;
mod rule;
mod rulings;

use causeway_core::dicom::ruling::Verdict;
use causeway_core::dicom::uid::Uid;
use clap::{Args, Subcommand};

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};

/// Arguments of `causeway image`.
#[derive(Debug, Args)]
pub(crate) struct Image {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List images that contradict each other under one SOP Instance UID; all of them are kept. Images that stand for another
    /// person are held messages: `causeway message list --reason IMAGE_OF_TWO_PERSONS`.
    Conflicts(conflicts::Conflicts),
    /// Hide what is under a SOP Instance, Series or Study UID, and what comes under it later, from every reader; it is kept.
    Reject(rule::Rule),
    /// Take a rejection back, or let what was deleted come again.
    Restore(rule::Rule),
    /// Delete what is under a SOP Instance, Series or Study UID for good, and turn away what comes under it later; without `--yes`
    /// it only tells what would happen.
    Delete(rule::Delete),
    /// List what was rejected, deleted and restored, by whom, when and why, the newest first.
    Rulings(rulings::Rulings),
}

/// Does what the verb says.
pub(crate) fn run(args: &Image, context: &Context) -> Outcome {
    match &args.verb {
        Verb::Conflicts(conflicts) => conflicts::run(conflicts, context),
        Verb::Reject(rule) => rule.run(Verdict::Rejected, context),
        Verb::Restore(rule) => rule.run(Verdict::Restored, context),
        Verb::Delete(delete) => delete.run(context),
        Verb::Rulings(rulings) => rulings::run(rulings, context),
    }
}

/// A UID as typed.
fn uid(text: &str) -> Outcome<Uid> {
    let wrong = |_fault| {
        Diagnostic::new(Code::Argument, "this is no UID of DICOM").fix("give it in digits and dots, as in the header")
    };
    Ok(Uid::parse(text.trim()).map_err(wrong)?)
}
