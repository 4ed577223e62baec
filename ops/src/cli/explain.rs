//! `causeway explain`

use causeway_core::reason::Reason;
use clap::Args;
use serde_json::json;

use super::context::Context;
use crate::config::trouble::closest;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;

/// Arguments of `causeway explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// An error code, as CW0203, the reason of a message, as NOT_REGISTERED, or an exit code.
    code: String,
}

/// Explains a code.
pub(crate) fn run(args: &Explain, context: &Context) -> Outcome {
    let wanted = args.code.to_ascii_uppercase();
    let terminal = &context.terminal;
    if let Some(code) = Code::ALL.iter().find(|code| code.as_str() == wanted) {
        let (title, cause, fix, exit) = (code.title(), code.cause(), code.fix(), code.exit().number());
        if terminal.json {
            terminal.json_line(&json!({ "code": wanted, "title": title, "why": cause, "fix": fix, "exit": exit }))?;
        } else {
            terminal.line(&format!("{code}: {title}.\nwhy: {cause}.\nfix: {fix}.\nexit code: {exit}"))?;
        }
        return Ok(Exit::Done);
    }
    if let Some(reason) = Reason::parse(&wanted) {
        let (text, chinese, fix) = (reason.text(), reason.text_zh(), reason.fix());
        if terminal.json {
            let class = reason.class();
            terminal
                .json_line(&json!({ "code": wanted, "class": class, "text": text, "text_zh": chinese, "fix": fix }))?;
        } else {
            terminal.line(&format!("{reason}: {text}\n{chinese}\nfix: {fix}"))?;
        }
        return Ok(Exit::Done);
    }
    if let Some(exit) = Exit::ALL.iter().find(|exit| exit.number().to_string() == wanted) {
        terminal.line(&format!("{wanted}: {}", exit.text()))?;
        return Ok(Exit::Done);
    }
    let known: Vec<&str> =
        Code::ALL.iter().map(|code| code.as_str()).chain(Reason::ALL.iter().map(|reason| reason.code())).collect();
    let told = Diagnostic::new(Code::Argument, format!("`{}` is no code", args.code));
    Err(match closest(&wanted, &known) {
        Some(meant) => told.fix(format!("did you mean `{meant}`?")).into(),
        None => told.fix("docs/errors.md lists all of them").into(),
    })
}
