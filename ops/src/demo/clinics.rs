//! The two Chinese-medicine clinics of the synthetic world: one sends records by HTTP as it sees patients, one drops a
//! spreadsheet each minute, with a few mistakes in it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_chinese_medicine::documents::PATH;
use causeway_core::port::Clock as _;

use super::world;
use crate::clock::SystemClock;
use crate::generate::clinic;
use crate::generate::dice::Dice;
use crate::http::client;

/// The pause between two records, in milliseconds, from and to.
const PAUSE_MS: (u32, u32) = (2_000, 6_000);
/// Records sent at one go at the beginning.
const BURST: u32 = 30;
/// How often a spreadsheet is dropped.
const DROP_EVERY: Duration = Duration::from_mins(1);
/// Visits of one spreadsheet.
const VISITS: u32 = 12;

/// Sends records until it is aborted.
pub(super) async fn send(door: SocketAddr, run: String) {
    let (mut dice, persons) = (dice(), world::persons());
    let mut number = 0_u32;
    loop {
        number = number.saturating_add(1);
        let Some(person) = dice.pick(&persons) else { return };
        let record = clinic::record(&mut dice, person, &format!("M{run}-{number}"), SystemClock.now());
        let posted = tokio::task::spawn_blocking(move || post(door, record.to_string().as_bytes())).await;
        if !matches!(posted, Ok(Ok(202))) {
            tracing::warn!("the synthetic clinic's record was not taken");
        }
        if number > BURST {
            let pause = dice.between(PAUSE_MS.0, PAUSE_MS.1);
            tokio::time::sleep(Duration::from_millis(u64::from(pause))).await;
        }
    }
}

/// Drops spreadsheets until it is aborted.
pub(super) async fn drop_files(folder: PathBuf, run: String) {
    let (mut dice, persons) = (dice(), world::persons());
    for number in 1_u32.. {
        let run = format!("S{run}-{number}");
        let text = clinic::spreadsheet(&mut dice, &persons, &run, VISITS, SystemClock.now());
        if let Err(error) = put(&folder, &format!("visits-{number:04}.csv"), &text) {
            tracing::warn!(%error, "the synthetic clinic's spreadsheet cannot be written");
        }
        tokio::time::sleep(DROP_EVERY).await;
    }
}

fn dice() -> Dice {
    Dice::new(u64::try_from(SystemClock.now().as_second()).unwrap_or(0))
}

fn post(door: SocketAddr, record: &[u8]) -> io::Result<u16> {
    let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", world::CLINIC_TOKEN);
    Ok(client::post(door, PATH, &headers, record)?.0)
}

/// Under another name first, so that it is taken whole.
fn put(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.part"));
    std::fs::write(&unfinished, text)?;
    std::fs::rename(unfinished, folder.join(name))
}
