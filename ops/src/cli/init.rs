//! `causeway init`

mod certificates;
mod production;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use causeway_core::port::Registry as _;
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use clap::Args;

use super::context::Context;
use crate::config::find::FILE_NAME;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::generate::provider;
use crate::home::Home;

/// Arguments of `causeway init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to write to; it is made when it is not there.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// For Apache Kafka and PostgreSQL: one configuration for every process of the hub.
    #[arg(long)]
    production: bool,
    /// The port of the MLLP door.
    #[arg(long, default_value_t = 2575)]
    mllp_port: u16,
    /// The port of the pages.
    #[arg(long, default_value_t = 8080)]
    http_port: u16,
}

/// Writes a configuration, and registers the provider of its catch-all feed.
pub(crate) fn run(args: &Init, context: &Context) -> Outcome {
    let trouble = |error: &std::io::Error| {
        Diagnostic::new(Code::Output, "the configuration cannot be written")
            .at(args.dir.display().to_string())
            .because(error)
    };
    std::fs::create_dir_all(&args.dir).map_err(|error| trouble(&error))?;
    let path = args.dir.join(FILE_NAME);
    if args.production {
        write_new(&path, &production::text(args.mllp_port, args.http_port))?;
        context.terminal.line(&path.display().to_string())?;
        production::NEXT.iter().for_each(|step| context.terminal.say(step));
        return Ok(Exit::Done);
    }
    write_new(&path, &text(args.mllp_port, args.http_port))?;
    certificates::write(&args.dir, &["catch-all"], context.now())?;
    let home = Home::new(args.dir.join("data"));
    home.make()?;
    let registry = SqliteRepository::open(&home.repository(), SqliteSettings::default())?;
    let newcomer = provider::newcomer();
    if registry.provider(&newcomer.id)?.is_none() {
        registry.put_provider(&newcomer, &context.actor(), context.now())?;
    }
    context.terminal.line(&path.display().to_string())?;
    let config = path.display();
    context.terminal.say(&format!("next: causeway --config {config} check && causeway --config {config} serve"));
    Ok(Exit::Done)
}

/// Writes a file that must not be there.
pub(crate) fn write_new(path: &Path, text: &str) -> Outcome<()> {
    let told = |error: &std::io::Error| {
        let code = if error.kind() == std::io::ErrorKind::AlreadyExists { Code::Exists } else { Code::Output };
        Diagnostic::new(code, format!("`{}` cannot be written", path.display())).because(error)
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| told(&error))?;
    Ok(file.write_all(text.as_bytes()).map_err(|error| told(&error))?)
}

/// The configuration, with what one may want to change next.
fn text(mllp_port: u16, http_port: u16) -> String {
    format!(
        r#"# The configuration of a Causeway hub. Every key is explained in docs/configuration.md; what is not set here has its
# default, and `causeway config show --origin` tells all of them. After a change: `causeway check`.

# Everything durable lives here, relative to this file. It must be a local disk.
data_dir = "data"

[server]
# Pages, metrics and health. Keep it on loopback: there are no accounts in this version.
listen = "127.0.0.1:{http_port}"

[log.embedded]
# How long messages stay replayable, and how long what was withheld can be taken up.
retention_age = "30d"
retention_bytes = "10GiB"

# One [[door]] listens; each [[door.feed]] below it is one sending system. The first feed that fits takes a message.
[[door]]
listen = "127.0.0.1:{mllp_port}"

# TLS, with the development certificates made beside this file. Production has its own; see docs/doors.md.
#
# [door.tls]
# certificate = "certificates/server.pem"
# key = "certificates/server.key"
# client_ca = "certificates/ca.pem"   # a sender must show a certificate of this authority
#
# Then: causeway send hl7 FILE --to tls://localhost:{mllp_port} --ca certificates/ca.pem \
#           --cert certificates/feed-catch-all.pem --key certificates/feed-catch-all.key

# A real feed looks like this:
#
# [[door.feed]]
# name = "qmh-laboratory"
# provider = "9265486345"          # must be registered: causeway provider list
# from = ["10.1.2.0/24"]           # who may connect
# senders = ["LIS|QMH"]            # MSH-3|MSH-4
# certificates = ["cn:qmh-laboratory"] # with [door.tls]: whose certificate it must show
# charset = "default:BIG-5"        # MSH-18 decides, else Big5 with HKSCS
# expect_every = "5m"              # a longer silence is shown

# Images come by a DICOM door, and are read by the clients you name; see docs/images.md.
#
# [[dicom_door]]
# listen = "127.0.0.1:11112"
# ae_title = "CAUSEWAY"
#
# [[dicom_door.feed]]
# name = "qmh-pacs"
# provider = "9265486345"
# ae_titles = ["QMH-PACS"]
# patient_id_issuer = "QMH"        # the assigning authority of the same numbers in HL7
#
# [[reader]]
# name = "ward-viewer"
# provider = "9265486345"          # persons must share with it
# token_sha256 = "…"               # printf %s TOKEN | sha256sum

# Takes whatever comes from this machine: any sender, processing id and version. Remove it before real data flow.
[[door.feed]]
name = "catch-all"
provider = "{newcomer}"
senders = ["any"]
processing_ids = ["any"]
versions = ["any"]

# Chinese-medicine clinics send records by HTTP, or drop spreadsheets into a folder; see docs/chinese-medicine.md.
# The digest is that of the token `open sesame`: choose another one, and `printf %s TOKEN | sha256sum`.
#
# [[cm_door]]
# listen = "127.0.0.1:8577"
#
# [[cm_door.feed]]
# name = "clinic"
# provider = "{newcomer}"
# token_sha256 = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb"
#
# [[cm_file_door]]
# pickup.folder = "clinic-files"       # make it first
# [cm_file_door.feed]
# name = "clinic-files"
# provider = "{newcomer}"
# charset = "default:BIG-5"            # for spreadsheets that are not UTF-8
"#,
        newcomer = provider::NEWCOMER,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_stands_in_comments_is_well_formed_too() {
        let text = text(2575, 8080);
        let (_, clinics) = text.split_once("TOKEN | sha256sum`.\n").expect("the clinics");
        let clinics: String =
            clinics.lines().map(|line| format!("{}\n", line.trim_start_matches(['#', ' ']))).collect();
        let config: Config = toml::from_str(&clinics).expect("well formed");
        assert!(config.cm_door[0].faults().is_empty() && config.cm_file_door[0].faults().is_empty(), "{clinics}");
        assert_eq!(config.clinics().count(), 2);
    }

    #[test]
    fn what_is_written_is_well_formed_and_changes_no_default_by_accident() {
        let config: Config = toml::from_str(&text(2575, 8080)).expect("well formed");
        let feed = config.feed("catch-all").expect("the feed");
        assert!(config.door[0].faults().is_empty(), "{:?}", config.door[0].faults());
        assert_eq!(feed.provider.0, provider::NEWCOMER);
        assert_eq!(Config { door: Vec::new(), ..config }, Config::default());
    }
}
