//! Measures commits to PostgreSQL beside `COPY` of the same rows into the same tables: by this program, in the binary format,
//! and by `psql`, if there is one, as text. Each `COPY` is one transaction; the commits sync after each batch.
//!
//! Of a server on this machine it also tells the processor time, which other work on the machine does not change.
//!
//! ```text
//! cargo run --release -p causeway-storage --features postgres --example commit_postgres -- URL [RECORDS] [BATCH]
//! ```

#![expect(clippy::print_stdout, reason = "a tool on the command line")]

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use causeway_storage::repository::bench::CommitLoad;
use causeway_storage::repository::postgres::{PostgresRepository, PostgresSettings};
use postgres::{Client, NoTls};

/// That of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where the load is committed, and where it is copied to.
const SCHEMAS: [&str; 2] = ["bench_commit", "bench_copy"];
/// Persons the messages are about.
const PERSONS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("say where the server is: postgresql://…")?;
    let records: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let batch: usize = arguments.next().map_or(Ok(500), |text| text.parse())?;
    let mut client = Client::connect(&url, NoTls)?;
    for schema in SCHEMAS {
        client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))?;
        PostgresRepository::migrate(&settings(&url, schema))?;
    }
    let [committed, copied] = SCHEMAS;
    let repository = PostgresRepository::open(settings(&url, committed))?;
    let mut load = CommitLoad::prepare(&repository, PERSONS, batch, "2026-11-01T00:00:00Z".parse()?)?;
    load.run(&repository, records / 10)?;
    let before = (rows(&mut client, committed)?, server_time(&mut client)?);
    let stretch = load.run(&repository, records)?;
    let stored = number(rows(&mut client, committed)? - before.0)?;
    let server = server_time(&mut client)?.zip(before.1).map(|(after, before)| after.saturating_sub(before));
    let by_commit = stored / stretch.spent.as_secs_f64();
    println!(
        "commit: {by_commit:>7.0} rows/s, {:.0} messages/s",
        number(stretch.messages)? / stretch.spent.as_secs_f64()
    );
    println!("  processor: client {}, server {}", each(Some(stretch.processor), stored), each(server, stored));

    let mut tables = Vec::new();
    for table in TABLES {
        let mut bytes = Vec::new();
        client
            .copy_out(&format!("COPY (SELECT * FROM {committed}.{table}) TO STDOUT (FORMAT binary)"))?
            .read_to_end(&mut bytes)?;
        tables.push((table, bytes));
    }
    let by_psql = psql(&url, &mut client, committed, copied)?;
    let (begun, before) = (Instant::now(), server_time(&mut client)?);
    let mut transaction = client.transaction()?;
    let mut written = 0;
    for (table, bytes) in &tables {
        let mut into = transaction.copy_in(&format!("COPY {copied}.{table} FROM STDIN (FORMAT binary)"))?;
        into.write_all(bytes)?;
        written += into.finish()?;
    }
    transaction.commit()?;
    let by_copy = number(written)? / begun.elapsed().as_secs_f64();
    let copying = server_time(&mut client)?.zip(before).map(|(after, before)| after.saturating_sub(before));
    println!("copy:   {by_copy:>7.0} rows/s");
    println!("  processor: server {}", each(copying, number(written)?));
    if let Some(by_psql) = by_psql {
        println!("psql:   {by_psql:>7.0} rows/s");
        println!("commit / psql: {:.2}", by_commit / by_psql);
    }
    println!("commit / copy: {:.2}", by_commit / by_copy);
    for schema in SCHEMAS {
        client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))?;
    }
    Ok(())
}

/// What a commit fills.
const TABLES: [&str; 4] = ["message", "record", "record_version", "audit"];

fn rows(client: &mut Client, schema: &str) -> Result<u64, Box<dyn Error>> {
    let mut rows = 0;
    for table in TABLES {
        let count: i64 = client.query_one(&format!("SELECT count(*) FROM {schema}.{table}"), &[])?.get(0);
        rows += u64::try_from(count)?;
    }
    Ok(rows)
}

/// Rows a second that `psql` copies from files, in one transaction. `None` if there is no `psql`.
fn psql(url: &str, client: &mut Client, committed: &str, copied: &str) -> Result<Option<f64>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("psql");
    command.args([url, "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]);
    for table in TABLES {
        let path = folder.path().join(table);
        let mut file = std::fs::File::create(&path)?;
        std::io::copy(
            &mut client.copy_out(&format!("COPY (SELECT * FROM {committed}.{table}) TO STDOUT"))?,
            &mut file,
        )?;
        command.arg("--command").arg(format!("\\copy {copied}.{table} FROM '{}'", path.display()));
    }
    let begun = Instant::now();
    match command.status() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        status => assert!(status?.success(), "psql failed"),
    }
    let spent = begun.elapsed().as_secs_f64();
    let written = number(rows(client, copied)?)?;
    for table in TABLES {
        client.batch_execute(&format!("TRUNCATE {copied}.{table}"))?;
    }
    Ok(Some(written / spent))
}

/// Processor time of all server processes that serve our database; `None` if they are not on this machine.
fn server_time(client: &mut Client) -> Result<Option<Duration>, Box<dyn Error>> {
    let mut sum = None;
    for row in client.query("SELECT pid FROM pg_stat_activity WHERE datname = current_database()", &[])? {
        let file = Path::new("/proc").join(row.get::<_, i32>(0).to_string()).join("schedstat");
        // The first number: nanoseconds on a processor.
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        let nanos: u64 = text.split(' ').next().unwrap_or("0").parse()?;
        sum = Some(sum.unwrap_or(Duration::ZERO).saturating_add(Duration::from_nanos(nanos)));
    }
    Ok(sum)
}

/// A time, as microseconds a row.
fn each(spent: Option<Duration>, rows: f64) -> String {
    spent.map_or_else(|| "unknown".to_owned(), |spent| format!("{:.2} µs a row", spent.as_secs_f64() * 1e6 / rows))
}

fn settings(url: &str, schema: &str) -> PostgresSettings {
    PostgresSettings { url: url.to_owned(), schema: schema.to_owned(), ..PostgresSettings::default() }
}

fn number(count: u64) -> Result<f64, Box<dyn Error>> {
    Ok(f64::from(u32::try_from(count)?))
}
