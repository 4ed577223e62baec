//! Measures the commit rate at ten thousand and at one million records.
//!
//! ```text
//! cargo run --release -p causeway-storage --example commit -- FOLDER [PERSONS] [BATCH] [RECORDS]
//! ```

#![expect(clippy::print_stdout, reason = "a tool on the command line")]

use std::error::Error;
use std::path::PathBuf;

use causeway_storage::repository::bench::{CommitLoad, Stretch};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("say in which folder the database is to be made")?);
    let persons = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let batch = arguments.next().map_or(Ok(256), |text| text.parse())?;
    let records: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let repository = SqliteRepository::open(&folder.join("commit.db"), SqliteSettings::default())?;
    let start = "2026-11-01T00:00:00Z".parse()?;
    let mut load = CommitLoad::prepare(&repository, persons, batch, start)?;
    let mut created = load.run(&repository, 10_000)?.created;
    // As many as fit around ten thousand without leaving its size; as many again at the end.
    let small = load.run(&repository, 30_000)?;
    created += small.created;
    tell(created, &small);
    while created < records {
        let stretch = load.run(&repository, (records / 10).min(records - created))?;
        created += stretch.created;
        tell(created, &stretch);
    }
    let large = load.run(&repository, 60_000)?;
    tell(created, &large);
    println!("rate at {created} records against rate at 10000: {:.2}", rate(&large) / rate(&small));
    Ok(())
}

fn tell(records: u64, stretch: &Stretch) {
    let each = stretch.processor.as_secs_f64() * 1e6 / count(stretch).max(1.0);
    println!("{records:>9} records: {:>7.0} messages/s, {each:>4.0} µs of processor a message", rate(stretch));
}

fn rate(stretch: &Stretch) -> f64 {
    count(stretch) / stretch.spent.as_secs_f64().max(1e-9)
}

fn count(stretch: &Stretch) -> f64 {
    u32::try_from(stretch.messages).map_or(f64::INFINITY, f64::from)
}
