//! `causeway person list|show|add|correct|document|link|unlink|import`

mod add;
mod describe;
pub(super) mod import;
mod link;
mod list;
mod show;

use std::sync::Arc;

use causeway_core::person::PersonId;
use causeway_core::port::{Participant, PersonQuery};
use clap::{Args, Subcommand};

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};

/// Arguments of `causeway person`.
#[derive(Debug, Args)]
pub(crate) struct Person {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do. A person is named by the registry's number or the twelve digits of the eHR number.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List persons; names and numbers are masked.
    List(list::List),
    /// Show a person: documents, linked numbers, registration and consents.
    Show(show::Show),
    /// Add a person.
    Add(add::Add),
    /// Correct names, birth date or sex; the former ones stay in the history.
    Correct(add::Correct),
    /// Add an identity document.
    Document(link::AddDocument),
    /// Link a provider's own number to a person.
    Link(link::Link),
    /// Take a link back.
    Unlink(link::Link),
    /// Import persons from CSV, JSON lines, or the patients of an HL7 file.
    Import(import::Import),
}

/// Does what the verb says.
pub(crate) fn run(args: &Person, context: &Context) -> Outcome {
    match &args.verb {
        Verb::List(list) => list::run(list, context),
        Verb::Show(show) => show::run(show, context),
        Verb::Add(add) => add::run(add, context),
        Verb::Correct(correct) => add::correct(correct, context),
        Verb::Document(document) => link::document(document, context),
        Verb::Link(link) => link::link(link, context),
        Verb::Unlink(link) => link::unlink(link, context),
        Verb::Import(import) => import::run(import, context),
    }
}

/// The person of a number: that of the registry, or the eHR number.
pub(super) fn find(context: &Context, number: &str) -> Outcome<Arc<Participant>> {
    let registry = &context.store()?.repository;
    let unknown = || Diagnostic::new(Code::NotRegistered, format!("there is no person {number}"));
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    if digits && number.len() == EHR_NUMBER_LENGTH {
        let query = PersonQuery { ehr_number: Some(number.to_owned()), limit: 1, ..PersonQuery::default() };
        return Ok(registry.persons(&query)?.into_iter().next().ok_or_else(unknown)?);
    }
    let id = number.parse::<i64>().map_err(|_not_a_number| {
        let what = format!("`{number}` is no number of a person");
        Diagnostic::new(Code::Argument, what).fix("give the registry's number, as `causeway person list` shows it")
    })?;
    Ok(registry.person(PersonId(id))?.ok_or_else(unknown)?)
}

/// How many digits an eHR number has.
const EHR_NUMBER_LENGTH: usize = 12;
