//! `causeway render-worker`: the process that makes one picture. The hub starts it; nobody else does.

use std::io;

use causeway_render::{Limits, work};
use clap::Args;

use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;

/// Arguments of `causeway render-worker`.
#[derive(Debug, Args)]
pub(crate) struct RenderWorker {
    /// Memory it may write to, in bytes.
    memory_bytes: u64,
    /// Processor time, in seconds.
    cpu_seconds: u64,
}

/// Makes the picture.
pub(crate) fn run(args: &RenderWorker) -> Outcome {
    let limits = Limits { memory_bytes: args.memory_bytes, cpu_seconds: args.cpu_seconds };
    work(limits, &mut io::stdin().lock(), &mut io::stdout().lock())
        .map_err(|error| Diagnostic::new(Code::Internal, "the picture could not be made").because(&error))?;
    Ok(Exit::Done)
}
