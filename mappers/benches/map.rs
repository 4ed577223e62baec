//! How long mapping takes: a laboratory result of one panel, an admission, and a result of the simulated hospital.
//! `cargo bench -p causeway-mappers`

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_core::envelope::{Digest, Envelope, FeedName, Format, TraceId};
use causeway_core::feed::FeedSettings;
use causeway_core::phi::Phi;
use causeway_core::port::Map as _;
use causeway_core::provider::ProviderId;
use causeway_mappers::Mappers;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;

fn benches(criterion: &mut Criterion) {
    let golden = tests().join("golden/hl7v2");
    let read = |name: &str| std::fs::read(golden.join(name).join("input.hl7")).unwrap_or_default();
    let simhospital = std::fs::read_to_string(tests().join("data/simhospital/messages.out")).unwrap_or_default();
    let all: Vec<Envelope> = simhospital.split("\n\n").map(|message| envelope(message.as_bytes())).collect();
    let mappers = mappers();

    let mut group = criterion.benchmark_group("map");
    group.throughput(Throughput::Elements(1));
    for (name, body) in [("oru", read("lab-bench")), ("adt", read("encounter-a01-admit"))] {
        let envelope = envelope(&body);
        group.bench_function(name, |bencher| bencher.iter(|| mappers.map(black_box(&envelope))));
    }
    group.throughput(Throughput::Elements(u64::try_from(all.len()).unwrap_or(0)));
    group.sample_size(20);
    group.bench_function("simhospital", |bencher| {
        bencher.iter(|| all.iter().for_each(|envelope| drop(black_box(mappers.map(envelope)))));
    });
    group.finish();
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

fn feed() -> FeedSettings {
    let name = FeedName::parse("hospital").unwrap_or_else(|_| std::process::abort());
    FeedSettings::new(name, Format::Hl7v2, ProviderId("9265486345".to_owned()))
}

fn mappers() -> Mappers {
    Mappers::new(vec![feed()])
}

fn envelope(body: &[u8]) -> Envelope {
    Envelope {
        trace: TraceId(Default::default()),
        feed: feed().name,
        format: Format::Hl7v2,
        sender: "A|B".to_owned(),
        control_id: "1".to_owned(),
        kind: "ORU^R01".to_owned(),
        patient_key: Phi::new(String::new()),
        received_at: Timestamp::UNIX_EPOCH,
        digest: Digest::of(body),
        refusal: None,
        body: Phi::new(Arc::from(body)),
    }
}

criterion_group!(map, benches);
criterion_main!(map);
