//! Fills the log of a hub that does not run, to measure how it starts with a long one.
//!
//! `cargo run --release -p causeway-tests --example fill -- FOLDER COUNT`: FOLDER is the hub's `data/log`. Ten million messages
//! take about 10 GB.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measuring tool talks to its user")]

use std::path::PathBuf;
use std::time::Instant;

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().expect("the folder of the log"));
    let count: u64 = args.next().and_then(|count| count.parse().ok()).expect("how many messages");
    let begun = Instant::now();
    causeway_tests::fill::fill(&folder, count, 30).expect("the log takes them");
    println!("{count} messages in {:.1} s", begun.elapsed().as_secs_f64());
}
