//! `docs/errors.md`, written from the codes.

use std::fmt::Write as _;

use causeway_core::reason::Reason;

use super::Code;
use crate::exit::Exit;

/// The page.
fn page() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         What the command line tells carries a stable code, the place, the cause and the fix. This page is written from the\n\
         program; a test fails when it is stale.\n\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n",
    );
    let mut add = |line: String| {
        let said = writeln!(page, "{line}");
        debug_assert!(said.is_ok(), "a String takes everything");
    };
    for exit in Exit::ALL {
        add(format!("| {} | {} |", exit.number(), exit.text()));
    }
    add("\n## What the program tells\n".to_owned());
    for code in Code::ALL {
        let exit = code.exit().number();
        let (title, cause, fix) = (code.title(), code.cause(), code.fix());
        add(format!("### {code}\n\n{title}. Exit code {exit}.\n\n- Why: {cause}.\n- Fix: {fix}.\n"));
    }
    add("## Why a message was not accepted\n".to_owned());
    add("These codes stand in negative acknowledgements, in the lists of messages and in the operators' pages.\n"
        .to_owned());
    add("| code | class | meaning | fix |\n| --- | --- | --- | --- |".to_owned());
    for reason in Reason::ALL {
        let class = format!("{:?}", reason.class()).to_lowercase();
        add(format!("| `{reason}` | {class} | {} | {} |", reason.text(), reason.fix()));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::is_fresh;

    #[test]
    fn the_page_is_what_the_codes_say() {
        is_fresh("docs/errors.md", &page());
    }
}
