//! Measures the commit rate at ten thousand and at one million records.
//!
//! ```text
//! cargo run --release -p causeway-storage --example commit -- FOLDER [PERSONS] [BATCH] [RECORDS]
//! ```
//!
//! The large database is filled first; then stretches on fresh small ones and on the large one take turns, so that what
//! else the machine does meets both alike.

#![expect(clippy::print_stdout, reason = "a tool on the command line")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_storage::repository::bench::{CommitLoad, Stretch};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The small size.
const SMALL: u64 = 10_000;
/// Records of one measured stretch.
const STRETCH: u64 = 15_000;
/// How often small and large take turns.
const ROUNDS: u32 = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("say in which folder the databases are to be made")?);
    let persons = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let batch = arguments.next().map_or(Ok(256), |text| text.parse())?;
    let records: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;

    let mut large = Bench::new(&folder.join("large.db"), persons, batch)?;
    while large.records < records {
        let stretch = large.run((records / 20).max(SMALL))?;
        tell(large.records, &stretch);
    }
    let (mut at_small, mut at_large) = (Stretch::default(), Stretch::default());
    for round in 0..ROUNDS {
        let mut small = Bench::new(&folder.join(format!("small-{round}.db")), persons, batch)?;
        small.run(SMALL)?;
        add(&mut at_small, small.run(STRETCH)?);
        add(&mut at_large, large.run(STRETCH)?);
    }
    tell(SMALL, &at_small);
    tell(large.records, &at_large);
    println!("rate at {} records / rate at {SMALL}: {:.2}", large.records, rate(&at_large) / rate(&at_small));
    println!("the same by processor time: {:.2}", each(&at_small) / each(&at_large));
    Ok(())
}

/// A repository under load.
struct Bench {
    repository: SqliteRepository,
    load: CommitLoad,
    records: u64,
}

impl Bench {
    fn new(path: &Path, persons: u32, batch: usize) -> Result<Self, Box<dyn Error>> {
        let repository = SqliteRepository::open(path, SqliteSettings::default())?;
        let load = CommitLoad::prepare(&repository, persons, batch, "2026-11-01T00:00:00Z".parse()?)?;
        Ok(Self { repository, load, records: 0 })
    }

    fn run(&mut self, records: u64) -> Result<Stretch, Box<dyn Error>> {
        let stretch = self.load.run(&self.repository, records)?;
        self.records += stretch.created;
        Ok(stretch)
    }
}

fn add(sum: &mut Stretch, stretch: Stretch) {
    sum.messages += stretch.messages;
    sum.created += stretch.created;
    sum.spent += stretch.spent;
    sum.processor += stretch.processor;
}

fn tell(records: u64, stretch: &Stretch) {
    println!(
        "{records:>9} records: {:>6.0} messages/s, {:>4.0} µs of processor a message",
        rate(stretch),
        each(stretch)
    );
}

/// Messages a second.
fn rate(stretch: &Stretch) -> f64 {
    count(stretch) / seconds(stretch.spent)
}

/// Microseconds of processor a message.
fn each(stretch: &Stretch) -> f64 {
    seconds(stretch.processor) * 1e6 / count(stretch)
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64().max(1e-9)
}

fn count(stretch: &Stretch) -> f64 {
    u32::try_from(stretch.messages).map_or(f64::INFINITY, f64::from).max(1.0)
}
