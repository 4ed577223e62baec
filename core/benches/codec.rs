//! The HL7 v2 codec beside `hl7-parser`, in one run on one message: an ADT^A01 of 1.5 kB.
//!
//! `cargo bench -p causeway-core --bench codec`

use std::hint::black_box;

use causeway_core::feed::{CharsetRule, LineEnds};
use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::header::Header;
use causeway_core::hl7v2::{Limits, Message};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Synthetic; thirteen segments, names in both scripts, one escape.
const ADT_A01: &str = concat!(
    "MSH|^~\\&|PAS^1.2.344.1^ISO|QMH|HUB|HKHUB|20240307110000+0800||ADT^A01^ADT_A01|QMH-000000123|P|2.5.1|||AL|AL|HKG|",
    "UNICODE UTF-8|ENG\r",
    "EVN|A01|20240307110000+0800||01|DR001^WONG^SIU MING^^^DR^^^HKMC|20240307105800+0800|QMH\r",
    "PID|1||A1234563^^^HKSAR^HKID~H2001^^^QMH^PI||CHAN^TAI MAN^^^^^L^A~陳^大文^^^^^L^I||19830114|M|||FLAT A\\T\\B 8/F",
    "^12 QUEEN'S ROAD CENTRAL^HONG KONG^^^HKG^H||+852 2345 6789^PRN^PH~+852 6123 4567^PRN^CP|+852 2987 6543^WPN^PH|C|M|||||",
    "|||||||N|||20240307105500+0800|QMH\r",
    "PD1||||DR002^LEE^KA YAN^^^DR^^^HKMC||||N\r",
    "NK1|1|CHAN^SIU LING^^^MRS|SPO^Spouse^HL70063|FLAT A^12 QUEEN'S ROAD CENTRAL^HONG KONG^^^HKG|+852 9876 5432|||20100601\r",
    "PV1|1|I|W01^2^3^QMH^^BED^A|1|||DR001^WONG^SIU MING^^^DR^^^HKMC|DR003^HO^CHI WAI^^^DR^^^HKMC||MED|||1|1|||",
    "DR001^WONG^SIU MING^^^DR^^^HKMC|IN|HN24000123X^^^QMH^VN|||||||||||||||||||||||||20240307103000+0800\r",
    "PV2|||CHEST PAIN^Chest pain, unspecified^L|||||20240307|20240312|5||||||||||||||||N\r",
    "AL1|1|DA|70618^Penicillin^SCT|SV^Severe^HL70128|Rash~Wheeze~Swelling of lips|20150312\r",
    "AL1|2|FA|91935009^Allergy to peanut^SCT|MO^Moderate^HL70128|Hives|20110805\r",
    "DG1|1||I20.9^Angina pectoris, unspecified^I10||20240307103500+0800|A|||||||||1|DR001^WONG^SIU MING^^^DR^^^HKMC\r",
    "OBX|1|NM|8867-4^Heart rate^LN||88|/min^^UCUM|60-100|N|||F|||20240307104000+0800\r",
    "OBX|2|NM|8480-6^Systolic blood pressure^LN||152|mm[Hg]^^UCUM|90-140|H|||F|||20240307104000+0800\r",
    "DG1|2||I10^Essential (primary) hypertension^I10||20180901|A|||||||||2|DR001^WONG^SIU MING^^^DR^^^HKMC\r",
);

fn parse(text: &str) -> Option<Message<'_>> {
    Message::parse(text, LineEnds::Lenient, &Limits::default()).ok()
}

/// Every part of every field, unescaped; the count keeps the work from being left out.
fn touch(message: &Message<'_>) -> usize {
    let mut bytes = 0;
    for segment in message.segments() {
        for repetition in segment.fields().flat_map(|field| field.repetitions()) {
            for component in repetition.components() {
                bytes += component.subs().map(|part| part.text().len()).sum::<usize>();
            }
        }
    }
    bytes
}

/// The same of `hl7-parser`, undecoded: it decodes by formatting, which would be another comparison.
fn touch_theirs(message: &hl7_parser::Message<'_>) -> usize {
    let fields = message.segments().flat_map(|segment| segment.fields());
    let components = fields.flat_map(|field| field.repeats()).flat_map(|repeat| repeat.components());
    components.flat_map(|component| component.subcomponents()).map(|part| part.raw_value().len()).sum()
}

fn codec(criterion: &mut Criterion) {
    let bytes = ADT_A01.as_bytes();
    let mut group = criterion.benchmark_group("adt_a01");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("causeway: peek the header", |bench| {
        bench.iter(|| Header::peek(black_box(bytes), &CharsetRule::Auto).map(|header| header.control_id().len()));
    });
    group.bench_function("causeway: parse", |bench| {
        bench.iter(|| parse(black_box(ADT_A01)).map(|message| message.segment_count()));
    });
    group.bench_function("causeway: decode, parse, read every part", |bench| {
        bench.iter(|| {
            let text = Charset::UTF_8.decode(black_box(bytes)).unwrap_or_default();
            parse(&text).map(|message| touch(&message))
        });
    });
    group.bench_function("hl7-parser: parse", |bench| {
        bench.iter(|| hl7_parser::Message::parse(black_box(ADT_A01)).map(|message| message.segments().count()));
    });
    group.bench_function("hl7-parser: parse, touch every part", |bench| {
        bench.iter(|| hl7_parser::Message::parse(black_box(ADT_A01)).map(|message| touch_theirs(&message)));
    });
    group.finish();
}

fn big5(criterion: &mut Criterion) {
    let text = ADT_A01.replace("UNICODE UTF-8", "BIG-5");
    let bytes = Charset::BIG5.encode(&text).unwrap_or_default();
    let mut group = criterion.benchmark_group("adt_a01 in Big5");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("causeway: peek, decode, parse, read every part", |bench| {
        bench.iter(|| {
            let header = Header::peek(black_box(&bytes), &CharsetRule::Auto).ok()?;
            let text = header.charset().decode(&bytes).ok()?;
            parse(&text).map(|message| touch(&message))
        });
    });
    group.finish();
}

criterion_group!(benches, codec, big5);
criterion_main!(benches);
