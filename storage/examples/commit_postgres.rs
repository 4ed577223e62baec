//! Measures commits to PostgreSQL beside `COPY` of the same rows into the same tables.
//!
//! ```text
//! cargo run --release -p causeway-storage --features postgres --example commit_postgres -- URL [RECORDS] [BATCH]
//! ```

#![expect(clippy::print_stdout, reason = "a tool on the command line")]

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::time::Instant;

use causeway_storage::repository::bench::CommitLoad;
use causeway_storage::repository::postgres::{PostgresRepository, PostgresSettings};
use postgres::{Client, NoTls};

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
    let before = rows(&mut client, committed)?;
    let stretch = load.run(&repository, records)?;
    let after = rows(&mut client, committed)?;
    let seconds = stretch.spent.as_secs_f64();
    let by_commit = number(after - before)? / seconds;
    println!("commit: {:>7.0} messages/s, {by_commit:>7.0} rows/s", number(stretch.messages)? / seconds);

    let mut tables = Vec::new();
    for table in TABLES {
        let mut bytes = Vec::new();
        client
            .copy_out(&format!("COPY (SELECT * FROM {committed}.{table}) TO STDOUT (FORMAT binary)"))?
            .read_to_end(&mut bytes)?;
        tables.push((table, bytes));
    }
    let begun = Instant::now();
    let mut transaction = client.transaction()?;
    let mut written = 0;
    for (table, bytes) in &tables {
        let mut into = transaction.copy_in(&format!("COPY {copied}.{table} FROM STDIN (FORMAT binary)"))?;
        into.write_all(bytes)?;
        written += into.finish()?;
    }
    transaction.commit()?;
    let by_copy = number(written)? / begun.elapsed().as_secs_f64();
    println!("copy:   {by_copy:>7.0} rows/s");
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

fn settings(url: &str, schema: &str) -> PostgresSettings {
    PostgresSettings { url: url.to_owned(), schema: schema.to_owned(), ..PostgresSettings::default() }
}

fn number(count: u64) -> Result<f64, Box<dyn Error>> {
    Ok(f64::from(u32::try_from(count)?))
}
