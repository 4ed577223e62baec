//! Hubs whose system calls go wrong, below `strace`.

use std::io;
use std::path::Path;

use causeway_tests::hub::Hub;

/// The process is killed on its way into the call.
pub(crate) const KILL: &str = "signal=KILL";
/// The call is not done, and the disk is said to be at fault.
pub(crate) const EIO: &str = "error=EIO";

/// A call that goes wrong.
pub(crate) struct Fault<'f> {
    /// Its name.
    pub(crate) call: &'f str,
    /// What happens, as `strace` has it.
    pub(crate) what: &'f str,
    /// The how-manieth of a thread: `strace` counts those of each thread for itself.
    pub(crate) at: u64,
    /// Only calls about this path count.
    pub(crate) path: Option<&'f Path>,
}

/// Starts a hub with a fault, and waits until its doors answer.
pub(crate) fn start(hub: &mut Hub, fault: &Fault<'_>) -> io::Result<()> {
    let Fault { call, what, at, path } = fault;
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{what}:when={at}"));
    // -D: the hub is the child that is waited for and signalled, and the tracer stands aside.
    let mut below =
        vec!["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, "-e", "signal=none"];
    if let Some(path) = path {
        below.extend(["-P", path.to_str().expect("a path of letters")]);
    }
    hub.start_as(&below, &[])
}
