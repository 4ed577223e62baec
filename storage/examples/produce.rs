//! The limit of a door on Kafka: a bare producer with 64 messages on their way, with the settings of the log.
//!
//! ```text
//! cargo run --release -p causeway-storage --features kafka --example produce -- BOOTSTRAP TOPIC FILE [COUNT]
//! ```

#![expect(clippy::print_stdout, reason = "a tool on the command line")]

use std::error::Error;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Instant;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext as _};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};

/// On their way at once, as 64 senders would have that wait for their answers.
const IN_FLIGHT: usize = 64;

/// Gives a place back for each message that landed.
struct Landed(SyncSender<bool>);

impl ClientContext for Landed {}

impl ProducerContext for Landed {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        // The loop below outlives every message.
        self.0.send(result.is_ok()).unwrap_or_default();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or(format!("{what} is missing"));
    let (bootstrap, topic, file) = (next("BOOTSTRAP")?, next("TOPIC")?, next("FILE")?);
    let count: u64 = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let body = std::fs::read(file)?;

    let (landed, answers) = sync_channel(2 * IN_FLIGHT);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("acks", "all").set("enable.idempotence", "true");
    config.set("linger.ms", "1");
    let producer: ThreadedProducer<Landed> = ThreadedProducer::from_config_and_context(&config, Landed(landed))?;
    let mut failed = 0_u64;
    let run = |messages: u64, failed: &mut u64| -> Result<f64, Box<dyn Error>> {
        let (begun, mut under_way) = (Instant::now(), 0);
        for number in 0..messages {
            if under_way >= IN_FLIGHT {
                *failed += u64::from(!answers.recv()?);
                under_way -= 1;
            }
            let key = format!("QMH|Q{}", number % 1000);
            producer.send(BaseRecord::to(&topic).key(&key).payload(&body)).map_err(|(error, _)| error)?;
            under_way += 1;
        }
        for _ in 0..under_way {
            *failed += u64::from(!answers.recv()?);
        }
        Ok(begun.elapsed().as_secs_f64())
    };
    run(count / 10, &mut failed)?;
    let seconds = run(count, &mut failed)?;
    producer.flush(std::time::Duration::from_secs(10))?;
    let rate = f64::from(u32::try_from(count)?) / seconds;
    println!("{rate:.0} messages/s, {failed} failed");
    Ok(())
}
