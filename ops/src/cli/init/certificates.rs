//! Development certificates: an authority, one for the doors of this machine, and one for each feed.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use causeway_tls::authority::{Authority, AuthorityError, Pair, Valid};
use jiff::{SignedDuration, Timestamp};

use crate::diagnostic::{Code, Diagnostic, Outcome};

/// The folder, beside the configuration.
pub(super) const FOLDER: &str = "certificates";
/// How long the certificates of the server and the clients are valid: long enough for a trial.
const VALID: SignedDuration = SignedDuration::from_hours(24 * 397);
/// The names by which the doors of a trial are reached.
const NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// Writes them; nothing that is there is overwritten. Of each feed its certificate is named after it, so that
/// `certificates = ["cn:NAME"]` binds the feed to it.
pub(super) fn write(folder: &Path, feeds: &[&str], now: Timestamp) -> Outcome<()> {
    let folder = folder.join(FOLDER);
    let trouble = |error: &dyn std::error::Error| {
        Diagnostic::new(Code::Output, "the certificates cannot be made").at(folder.display().to_string()).because(error)
    };
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| trouble(&error))?;
    for (name, pair) in make(feeds, now).map_err(|error| trouble(&error))? {
        for (ending, mode, text) in [("pem", 0o644, &pair.certificate), ("key", 0o600, &pair.key)] {
            let path = folder.join(format!("{name}.{ending}"));
            let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
            opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| trouble(&error))?;
        }
    }
    Ok(())
}

fn make(feeds: &[&str], now: Timestamp) -> Result<Vec<(String, Pair)>, AuthorityError> {
    let (authority, valid) = (Authority::new()?, Valid::for_(now, VALID));
    let mut pairs =
        vec![("ca".to_owned(), authority.pair(now)?), ("server".to_owned(), authority.server(NAMES, valid)?)];
    for feed in feeds {
        pairs.push((format!("feed-{feed}"), authority.client(feed, &[], valid)?));
    }
    Ok(pairs)
}
