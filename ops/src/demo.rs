//! `causeway demo`: a hub with everything embedded, a synthetic world behind it, and live feeds over real sockets.

mod clinics;
mod feeds;
mod newcomers;
mod ports;
mod radiology;
mod screen;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use causeway_core::port::Clock as _;

pub(crate) use self::ports::Ports;

use crate::cli::Signals;
use crate::clock::SystemClock;
use crate::config::find::{self, FILE_NAME, Found, Wanted};
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::home::Home;
use crate::output::Terminal;
use crate::wiring::{self, Hub, Role, Verbosity};

/// What the command line says of the demo.
#[derive(Debug, Clone)]
pub(crate) struct Demo {
    /// The folder: made when it is not there, gone on with when it is.
    pub(crate) dir: PathBuf,
    /// End after so long.
    pub(crate) limit: Option<Duration>,
    /// Whether the live feeds send.
    pub(crate) feeds: bool,
    /// The ports wished for.
    pub(crate) ports: Ports,
    /// Settings of the command line, above the file.
    pub(crate) set: Vec<(String, String)>,
}

/// Runs the demo until it is interrupted, or its time is over.
pub(crate) fn run(demo: &Demo, terminal: &Terminal) -> Outcome {
    wiring::log_to_stderr(Verbosity::Errors);
    let fresh = !demo.dir.join(FILE_NAME).is_file();
    let wished = if fresh { demo.ports } else { ports::configured(&demo.dir)? };
    let free = ports::free(wished)?;
    if fresh {
        world::write_config(&demo.dir, free)?;
    }
    let found = open(demo, free)?;
    let home = Home::new(found.data_dir());
    let runtime = wiring::runtime()?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        let hub = Hub::start(found.config(), &home, Role::All).await?;
        if fresh {
            world::populate(hub.repository.as_ref(), terminal, SystemClock.now())?;
        }
        screen::welcome(terminal, demo, &hub, [wished, free], fresh)?;
        let run = SystemClock.now().strftime("%y%m%d%H%M%S").to_string();
        let mut sending = Vec::new();
        if demo.feeds {
            sending.extend(hub.doors.first().map(|door| tokio::spawn(feeds::send(*door, run.clone(), fresh))));
            sending.extend(free.cm().map(|door| tokio::spawn(clinics::send(door, run.clone()))));
            let folder = found.config().cm_file_door.first().map(|door| door.pickup.folder.clone());
            sending.extend(folder.map(|folder| tokio::spawn(clinics::drop_files(folder, run))));
            let department = free.dicom().zip(hub.doors.first().copied()).filter(|_| fresh);
            sending.extend(department.map(|(door, mllp)| tokio::spawn(radiology::send(door, mllp))));
        }
        let watching = tokio::spawn(newcomers::watch(hub.repository.clone(), terminal.clone()));
        match demo.limit {
            Some(limit) => {
                tokio::select! {
                    () = tokio::time::sleep(limit) => {}
                    () = signals.wait() => {}
                }
            }
            None => signals.wait().await,
        }
        sending.iter().for_each(tokio::task::JoinHandle::abort);
        watching.abort();
        let repository = hub.repository.clone();
        hub.stop().await;
        screen::goodbye(terminal, demo, repository.as_ref())?;
        Ok(Exit::Done)
    })
}

/// The configuration of the folder, with the ports that are free.
fn open(demo: &Demo, free: Ports) -> Outcome<Found> {
    let mut set = vec![
        ("server.listen".to_owned(), free.http().to_string()),
        ("door.0.listen".to_owned(), free.mllp().to_string()),
    ];
    set.extend(free.dicom().map(|door| ("dicom_door.0.listen".to_owned(), door.to_string())));
    set.extend(free.cm().map(|door| ("cm_door.0.listen".to_owned(), door.to_string())));
    set.extend(demo.set.iter().cloned());
    find::find(&Wanted { path: Some(demo.dir.join(FILE_NAME)), set })
}
