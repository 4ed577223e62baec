//! What a demo prints: where it listens, what to open, what to try next, and at its end what became of the messages.

use std::path::Path;

use causeway_core::outcome::State;
use causeway_core::port::Repository;
use serde_json::json;

use super::world::PERSONS;
use super::{Demo, Ports};
use crate::config::find::DEMO_FOLDER;
use crate::diagnostic::Outcome;
use crate::generate::provider;
use crate::output::{Table, Terminal, grouped};
use crate::wiring::Hub;

/// Greets.
pub(super) fn welcome(
    terminal: &Terminal,
    demo: &Demo,
    hub: &Hub,
    [wished, free]: [Ports; 2],
    fresh: bool,
) -> Outcome<()> {
    let mllp = hub.doors.first().map(ToString::to_string).unwrap_or_default();
    let pages = format!("http://{}/ops", hub.http);
    let metrics = format!("http://{}/metrics", hub.http);
    let studies = format!("http://{}/studies", hub.http);
    let dicom = free.dicom().map(|door| door.to_string()).unwrap_or_default();
    let cm = free.cm().map(|door| format!("http://{door}")).unwrap_or_default();
    if terminal.json {
        return terminal.json_line(&json!({
            "v": 1, "dir": demo.dir, "fresh": fresh, "mllp": mllp, "cm": cm, "dicom": dicom, "ops": pages, "studies": studies, "metrics": metrics,
            "status": format!("http://{}/api/v1/status", hub.http), "persons": PERSONS,
        }));
    }
    let here = if demo.dir == Path::new(DEMO_FOLDER) {
        "causeway".to_owned()
    } else {
        format!("causeway --config {}", demo.dir.display())
    };
    let how = if fresh { "fresh" } else { "goes on where it was" };
    terminal.heading(&format!("Causeway demo in {} ({how}). All data is made up.", demo.dir.display()))?;
    terminal.line("")?;
    let mut doors = Table::new(&["open", "where", "what"]);
    let mut row = |open: &str, place: &str, what: &str| doors.row([open.to_owned(), place.to_owned(), what.to_owned()]);
    row("pages", &pages, "state, feeds, pipeline, held messages; English and 中文");
    row("MLLP", &mllp, "takes whatever you send from this machine");
    if !cm.is_empty() {
        row("CM", &cm, "takes Chinese-medicine records with the token of its clinic");
    }
    if !dicom.is_empty() {
        row("DICOM", &dicom, "takes images from AE title DEMO-PACS");
        row("images", &studies, "the studies of a radiology department, to look at");
    }
    row("metrics", &metrics, "for Prometheus");
    row("health", &format!("http://{}/readyz", hub.http), "ready or not, and why");
    terminal.table(&doors)?;
    let asked = [
        (wished.mllp().to_string(), mllp.clone()),
        (wished.http().to_string(), hub.http.to_string()),
        (wished.cm().map(|door| format!("http://{door}")).unwrap_or_default(), cm.clone()),
        (wished.dicom().map(|door| door.to_string()).unwrap_or_default(), dicom.clone()),
    ];
    for (wished, got) in asked {
        // Port 0 is no wish: any free one will do.
        if wished != got && !wished.ends_with(":0") {
            terminal.line(&format!("{wished} is taken, so {got} is used"))?;
        }
    }
    let providers = provider::all().len() - 1;
    terminal.line(&format!(
        "\nBehind it: {PERSONS} persons, {providers} providers; some persons joined and share, some joined under the rules of\n\
         2019, some never joined; {} a few messages are malformed on purpose.",
        if demo.feeds { "four systems send live, a Chinese-medicine clinic too, another drops\na spreadsheet each minute, and" } else { "the feeds are off (--no-feed), else" }
    ))?;
    terminal.line("\nTry in another terminal:")?;
    let steps = [
        (format!("{here} message tail"), "watch outcomes as they come"),
        (format!("{here} status --watch"), "one screen"),
        (format!("{here} message list --state held"), "what waits for a person, and why"),
        (format!("{here} record list --person 1 --reveal"), "a record, audited"),
        (
            format!("ls {}/clinic-files/failed", demo.dir.display()),
            "spreadsheets with mistakes, each with its result file",
        ),
        (format!("{here} consent explain 6 --provider 9265486345"), "why a laboratory may not deposit"),
        (format!("{here} send hl7 FILE --to {mllp}"), "your own messages"),
        (format!("{here} message trace CONTROL-ID"), "one message, from the first byte to the record or the reason"),
        (format!("curl -s {metrics} | grep causeway_"), "the numbers"),
    ];
    let mut table = Table::new(&["command", "what it shows"]);
    steps.into_iter().for_each(|(command, what)| table.row([command, what.to_owned()]));
    terminal.table(&table)?;
    match demo.limit {
        Some(limit) => terminal.say(&format!("\nIt ends by itself after {} s.", limit.as_secs())),
        None => terminal.say("\nStop it with Ctrl-C; the same command goes on where it was."),
    }
    Ok(())
}

/// Tells what became of the messages.
pub(super) fn goodbye(terminal: &Terminal, demo: &Demo, repository: &dyn Repository) -> Outcome<()> {
    let counts = repository.feed_counts()?;
    let of = |state: State| counts.iter().filter(|count| count.state == state).map(|count| count.count).sum::<u64>();
    let records: u64 = repository.count_records()?.iter().map(|(_, count)| count).sum();
    let total: u64 = State::ALL.iter().map(|state| of(*state)).sum();
    if terminal.json {
        let states: serde_json::Map<_, _> =
            State::ALL.iter().map(|state| (state.as_str().to_owned(), json!(of(*state)))).collect();
        return terminal.json_line(&json!({ "v": 1, "messages": total, "states": states, "records": records }));
    }
    let states: Vec<_> = State::ALL.iter().map(|state| format!("{} {}", grouped(of(*state)), state.as_str())).collect();
    terminal.line(&format!("{} messages: {}; {} records", grouped(total), states.join(", "), grouped(records)))?;
    terminal.say(&format!("it is all kept in {}; remove the folder to begin anew", demo.dir.display()));
    Ok(())
}
