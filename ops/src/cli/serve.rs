//! `causeway serve`

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::wiring::{self, Hub, Role, Verbosity};

/// Arguments of `causeway serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Logs go to standard error, as text on a terminal and as JSON elsewhere. CAUSEWAY_LOG says how much, as in\n`warn` or `info,causeway_hl7=debug`; no patient's name or number is ever in them."
)]
pub(crate) struct Serve {
    /// What this process does. The embedded engines are made for `all`.
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
}

/// Runs the hub until SIGTERM or SIGINT, then drains.
pub(crate) fn run(args: &Serve, context: &Context) -> Outcome {
    let found = context.found()?;
    let home = context.home()?;
    wiring::log_to_stderr(Verbosity::Normal);
    let runtime = wiring::runtime()?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        let hub = Hub::start(found.config(), &home, args.role).await?;
        tracing::info!(address = %hub.http, "pages open");
        if context.terminal.shows_progress() {
            context.terminal.say(&format!("open http://{}/ops; stop with Ctrl-C", hub.http));
        }
        signals.wait().await;
        tracing::info!("stopping: no new messages; what was taken is finished");
        hub.stop().await;
        tracing::info!("stopped");
        Ok(Exit::Done)
    })
}

/// The signals that ask for a stop.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on. Call it inside the runtime.
    pub(crate) fn new() -> Result<Self, Diagnostic> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Diagnostic::new(Code::Internal, "signals cannot be listened to").because(&error))
        };
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
