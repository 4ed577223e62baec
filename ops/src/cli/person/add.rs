//! `causeway person add` and `correct`

use causeway_core::hkid::Hkid;
use causeway_core::person::{BirthDate, Demographics, Document, DocumentKind, Sex};
use causeway_core::phi::Phi;
use causeway_core::port::NewPerson;
use clap::Args;

use super::super::context::Context;
use super::{describe, find};
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::mask::Sight;

/// Arguments of `causeway person add`. What is typed here may stay in the shell's history: import a file instead where
/// that matters.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Identity documents: `HKID:A1234563`, `PASSPORT:K1234567@CHN`; kinds HKID HKBC PASSPORT EXEMPTION
    /// REENTRY_PERMIT DOC_I ONE_WAY_PERMIT OTHER.
    #[arg(long, required = true, value_name = "KIND:NUMBER[@ISSUER]", value_parser = document)]
    document: Vec<Document>,
    #[command(flatten)]
    names: Names,
}

/// Arguments of `causeway person correct`.
#[derive(Debug, Args)]
pub(crate) struct Correct {
    /// The person.
    person: String,
    #[command(flatten)]
    names: Names,
}

/// Names, birth date, sex.
#[derive(Debug, Clone, Args)]
struct Names {
    /// English family name.
    #[arg(long)]
    family: Option<String>,
    /// English given names.
    #[arg(long)]
    given: Option<String>,
    /// Chinese name, family name first.
    #[arg(long)]
    chinese: Option<String>,
    /// Birth date: 1983, 1983-01 or 1983-01-14.
    #[arg(long, value_parser = birth)]
    birth: Option<BirthDate>,
    /// M, F, O or U.
    #[arg(long, value_parser = sex)]
    sex: Option<Sex>,
}

impl Names {
    /// Over what is there already.
    fn over(&self, former: &Demographics) -> Demographics {
        let text = |new: &Option<String>, old: &Phi<String>| new.clone().map_or_else(|| old.clone(), Phi::new);
        Demographics {
            family: text(&self.family, &former.family),
            given: text(&self.given, &former.given),
            chinese: text(&self.chinese, &former.chinese),
            birth: self.birth.map(Phi::new).or_else(|| former.birth.clone()),
            sex: self.sex.or(former.sex),
        }
    }
}

/// Adds a person.
pub(crate) fn run(args: &Add, context: &Context) -> Outcome {
    let new = NewPerson {
        documents: args.document.clone(),
        demographics: args.names.over(&Demographics::default()),
        local_numbers: Vec::new(),
    };
    let added = context.make_store()?.repository.add_person(&new, &context.actor(), context.now())?;
    if context.terminal.json {
        context.terminal.json_line(&describe::person(&added, Sight::Masked))?;
    } else {
        context.terminal.line(&format!("person {}, eHR number {}", added.person.id, added.person.ehr_number))?;
        context.terminal.say(&format!("next: causeway consent join {}", added.person.id));
    }
    Ok(Exit::Done)
}

/// Corrects a person.
pub(crate) fn correct(args: &Correct, context: &Context) -> Outcome {
    let person = &find(context, &args.person)?.person;
    let demographics = args.names.over(&person.demographics);
    context.store()?.repository.correct_person(person.id, &demographics, &context.actor(), context.now())?;
    context.terminal.say(&format!("person {} is corrected; held messages can be replayed", person.id));
    Ok(Exit::Done)
}

/// Reads `KIND:NUMBER[@ISSUER]`. The number is in no error.
pub(super) fn document(text: &str) -> Result<Document, String> {
    let (kind, rest) = text.split_once(':').ok_or("write KIND:NUMBER, as HKID:A1234563")?;
    let kind = DocumentKind::parse(kind).ok_or_else(|| {
        let kinds: Vec<_> = DocumentKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("the kinds are {}", kinds.join(", "))
    })?;
    let (number, issuer) = rest.split_once('@').unwrap_or((rest, ""));
    let number = match kind {
        DocumentKind::Hkid => Hkid::parse(number).map_err(|error| error.to_string())?.as_str().to_owned(),
        DocumentKind::Hkbc
        | DocumentKind::Passport
        | DocumentKind::Exemption
        | DocumentKind::ReentryPermit
        | DocumentKind::DocI
        | DocumentKind::OneWayPermit
        | DocumentKind::Other => number.trim().to_owned(),
    };
    if number.is_empty() {
        return Err("the number is missing".to_owned());
    }
    Ok(Document { kind, issuer: issuer.trim().to_owned(), number: Phi::new(number) })
}

fn birth(text: &str) -> Result<BirthDate, String> {
    BirthDate::parse(text).ok_or_else(|| "write 1983, 1983-01 or 1983-01-14".to_owned())
}

fn sex(text: &str) -> Result<Sex, String> {
    match text {
        "M" => Ok(Sex::Male),
        "F" => Ok(Sex::Female),
        "O" => Ok(Sex::Other),
        "U" => Ok(Sex::Unknown),
        _ => Err("write M, F, O or U".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_and_a_wrong_check_digit_is_told() {
        let hkid = document("HKID:A123456(3)").expect("well formed");
        assert_eq!((hkid.kind, hkid.number.expose().as_str()), (DocumentKind::Hkid, "A1234563"));
        let passport = document("passport:K1234567@CHN").expect("well formed");
        assert_eq!((passport.kind, passport.issuer.as_str()), (DocumentKind::Passport, "CHN"));
        let told = document("HKID:A1234564").expect_err("check digit");
        assert!(told.contains("check digit") && !told.contains("A123456"), "{told}");
        assert!(document("A1234563").is_err() && document("HKBC:").is_err() && document("X:1").is_err());
    }
}
