//! The folder of a fresh demo: its configuration, and the registry of its world.

use std::path::Path;

use causeway_core::envelope::Digest;
use causeway_core::port::{Actor, NewEvent, Registry};
use jiff::Timestamp;

use super::ports::Ports;
use super::radiology::{CALLED, CALLING};
use crate::cli::write_new;
use crate::config::find::FILE_NAME;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::generate::message::Source;
use crate::generate::person::{self, HOSPITAL_AUTHORITY, Synthetic};
use crate::generate::provider;
use crate::output::{Terminal, progress};

/// The world is the same in every demo.
pub(super) const SEED: u64 = 2026;
/// How many persons it has; not all of them are registered.
pub(super) const PERSONS: u32 = 50;

/// The token of the clinic that sends by HTTP. Its digest stands in the configuration, as every feed's does.
pub(super) const CLINIC_TOKEN: &str = "made-up-token-of-the-demo";
/// The folder of the clinic that keeps a spreadsheet.
const CLINIC_FILES: &str = "clinic-files";
/// A code table of the demo: invented codes of an invented system.
const LAB_CODES: &str = include_str!("lab.csv");

/// The persons.
pub(super) fn persons() -> Vec<Synthetic> {
    person::roll(SEED, PERSONS)
}

/// Writes the configuration.
pub(super) fn write_config(dir: &Path, ports: Ports) -> Outcome<()> {
    std::fs::create_dir_all(dir).map_err(|error| {
        Diagnostic::new(Code::Output, "the demo's folder cannot be made").at(dir.display().to_string()).because(&error)
    })?;
    write_new(&dir.join(FILE_NAME), &config(ports))?;
    std::fs::create_dir_all(dir.join(CLINIC_FILES)).map_err(|error| {
        Diagnostic::new(Code::Output, "the clinic's folder cannot be made")
            .at(dir.display().to_string())
            .because(&error)
    })?;
    // The tables are always those of this version: nobody keeps anything in a demo.
    let tables = dir.join("tables");
    let written = std::fs::create_dir_all(&tables).and_then(|()| std::fs::write(tables.join("lab.csv"), LAB_CODES));
    written.map_err(|error| {
        let told = Diagnostic::new(Code::Output, "the demo's code table cannot be written");
        told.at(tables.display().to_string()).because(&error).into()
    })
}

/// Fills the registry: providers, persons, registrations, consents.
pub(super) fn populate(registry: &dyn Registry, terminal: &Terminal, now: Timestamp) -> Outcome<()> {
    let actor = Actor("demo".to_owned());
    for provider in provider::all() {
        registry.put_provider(&provider, &actor, now)?;
    }
    let bar = progress::bar(terminal, u64::from(PERSONS), "registering persons");
    for person in persons() {
        if let Some(new) = person.registration() {
            let id = registry.add_person(&new, &actor, now)?.person.id;
            for event in person.events() {
                let event = NewEvent {
                    person: id,
                    kind: event.kind,
                    provider: event.provider,
                    at: event.at,
                    policy: event.policy,
                    by: "SELF".to_owned(),
                    channel: event.channel.to_owned(),
                };
                registry.record_event(&event, &actor)?;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// The configuration of a demo.
fn config(ports: Ports) -> String {
    let feed = |source: Source, provider: &str, more: &str| {
        let (application, facility) = source.sender();
        format!(
            "[[door.feed]]\nname = \"{}\"\nprovider = \"{provider}\"\nsenders = [\"{application}|{facility}\"]\n{more}\n",
            source.feed()
        )
    };
    let mut text = format!(
        "# A demo: every person, number and message is made up. Remove the folder to begin anew.\n\
         synthetic = true\ndata_dir = \"data\"\n\n[server]\nlisten = \"{}\"\n\n[[door]]\nlisten = \"{}\"\n\n",
        ports.http(),
        ports.mllp(),
    );
    let expected = "expect_every = \"1m\"\n";
    text += &feed(Source::HospitalAdmissions, provider::HOSPITAL, expected);
    text += "# Samples of this dialect are passed on with MSH-11 T: in a demo they are taken too.\n";
    let dialect = "profile = \"hk-public-hospital\"\nprocessing_ids = [\"P\", \"T\"]\n";
    text += &feed(Source::HospitalAllergies, provider::HOSPITAL, dialect);
    text += &feed(Source::Laboratory, provider::LABORATORY, expected);
    text += "# The clinic's system writes Big5 with HKSCS and leaves MSH-18 empty.\n";
    text += &feed(Source::Clinic, provider::CLINIC, &format!("charset = \"default:{}\"\n", Source::Clinic.charset()));
    text += "# Takes whatever you send from this machine.\n";
    text += &format!(
        "[[door.feed]]\nname = \"catch-all\"\nprovider = \"{}\"\nsenders = [\"any\"]\nprocessing_ids = [\"any\"]\n\
         versions = [\"any\"]\n# What its local codes stand for; docs/codes.md tells more.\n\
         code_tables = [\"tables/lab.csv\"]\n",
        provider::NEWCOMER
    );
    text + &clinics(ports) + &radiology(ports)
}

/// The two Chinese-medicine clinics.
fn clinics(ports: Ports) -> String {
    let Some(listen) = ports.cm() else { return String::new() };
    format!(
        "\n# A Chinese-medicine clinic whose system sends records by HTTP, with the token `{CLINIC_TOKEN}`.\n\
         [[cm_door]]\nlisten = \"{listen}\"\n\n[[cm_door.feed]]\nname = \"herbal-clinic\"\nprovider = \"{}\"\n\
         token_sha256 = \"{}\"\nexpect_every = \"1m\"\n\n\
         # A practitioner who keeps a spreadsheet and drops it here; see failed/ in the folder for what is wrong with one.\n\
         [[cm_file_door]]\n[cm_file_door.pickup]\nfolder = \"{CLINIC_FILES}\"\nstill_for = \"1s\"\n\n\
         [cm_file_door.feed]\nname = \"practitioner\"\nprovider = \"{}\"\nexpect_every = \"5m\"\n",
        provider::HERBAL_CLINIC,
        Digest::of(CLINIC_TOKEN.as_bytes()),
        provider::PRACTITIONER,
    )
}

/// The door for images of the public hospitals, and who may look at them.
fn radiology(ports: Ports) -> String {
    let Some(door) = ports.dicom() else { return String::new() };
    let hospital = provider::HOSPITAL;
    format!(
        "\n# Images of the public hospitals.\n[[dicom_door]]\nlisten = \"{door}\"\nae_title = \"{CALLED}\"\n\n\
         [[dicom_door.feed]]\nname = \"radiology\"\nprovider = \"{hospital}\"\nae_titles = [\"{CALLING}\"]\n\
         patient_id_issuer = \"{HOSPITAL_AUTHORITY}\"\n\n\
         # Whoever sits at this machine reads for the hospitals what persons share with them: this is a demonstration.\n\
         [[reader]]\nname = \"demo\"\nprovider = \"{hospital}\"\nopen = true\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_configuration_of_a_demo_holds() {
        let config: Config =
            toml::from_str(&config(Ports { mllp: 2575, http: 8080, cm: Some(8577), dicom: Some(11112) }))
                .expect("well formed");
        assert_eq!(config.feeds().count(), Source::ALL.len() + 1);
        assert_eq!(config.clinics().count(), 2);
        assert!(config.cm_door.iter().all(|door| door.faults().is_empty()), "{:?}", config.cm_door[0].faults());
        assert!(config.synthetic);
        assert!(config.door.iter().all(|door| door.faults().is_empty()), "{:?}", config.door[0].faults());
        for source in Source::ALL {
            assert!(config.feed(source.feed()).is_some(), "{source:?}");
        }
    }
}
