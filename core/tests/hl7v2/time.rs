//! Times: precision, offsets, and what is none.

use causeway_core::hl7v2::time::{Hl7Time, Precision, TimeFault};
use jiff::tz::TimeZone;

fn hong_kong() -> TimeZone {
    TimeZone::get("Asia/Hong_Kong").expect("the zone")
}

#[track_caller]
fn check(sent: &str, precision: Precision, date: &str, date_time: &str) {
    let time = Hl7Time::parse(sent).expect(sent);
    assert_eq!(time.precision(), precision);
    assert_eq!(time.to_fhir_date(), date);
    assert_eq!(time.to_fhir_date_time(&hong_kong()), date_time);
    assert_eq!(time.to_string(), sent);
}

#[test]
fn a_time_stays_as_exact_as_it_was_sent() {
    check("1983", Precision::Year, "1983", "1983");
    check("198301", Precision::Month, "1983-01", "1983-01");
    check("19830114", Precision::Day, "1983-01-14", "1983-01-14");
    check("2024030609", Precision::Hour, "2024-03-06", "2024-03-06T09:00:00+08:00");
    check("202403060930", Precision::Minute, "2024-03-06", "2024-03-06T09:30:00+08:00");
    check("20240306093015", Precision::Second, "2024-03-06", "2024-03-06T09:30:15+08:00");
    check("20240306093015.5", Precision::Fraction(1), "2024-03-06", "2024-03-06T09:30:15.5+08:00");
    check("20240306093015.1230", Precision::Fraction(4), "2024-03-06", "2024-03-06T09:30:15.1230+08:00");
    check("20240306093015.000000001", Precision::Fraction(9), "2024-03-06", "2024-03-06T09:30:15.000000001+08:00");
    check("19890118000000", Precision::Second, "1989-01-18", "1989-01-18T00:00:00+08:00");
    check("20240229", Precision::Day, "2024-02-29", "2024-02-29");
}

#[test]
fn the_offset_of_the_sender_is_kept_sign_and_all() {
    check("20240306093015+0000", Precision::Second, "2024-03-06", "2024-03-06T09:30:15+00:00");
    check("20240306093015-0030", Precision::Second, "2024-03-06", "2024-03-06T09:30:15-00:30");
    check("202403060930-0330", Precision::Minute, "2024-03-06", "2024-03-06T09:30:00-03:30");
    check("20240306093015.12+1400", Precision::Fraction(2), "2024-03-06", "2024-03-06T09:30:15.12+14:00");
    check("19830114+0900", Precision::Day, "1983-01-14", "1983-01-14");
    let hours_only = Hl7Time::parse("20240306093015+08").expect("time");
    assert_eq!(hours_only.to_string(), "20240306093015+0800");
}

#[test]
fn an_instant_needs_a_time_of_day_and_uses_the_senders_offset_first() {
    let instant = |sent: &str| Hl7Time::parse(sent).expect(sent).instant(&hong_kong()).map(|moment| moment.to_string());
    assert_eq!(instant("20240306093015").as_deref(), Some("2024-03-06T01:30:15Z"));
    assert_eq!(instant("20240306093015-0500").as_deref(), Some("2024-03-06T14:30:15Z"));
    assert_eq!(instant("20240306093015.25+0000").as_deref(), Some("2024-03-06T09:30:15.25Z"));
    assert_eq!(instant("202403060930").as_deref(), Some("2024-03-06T01:30:00Z"));
    assert_eq!(instant("20240306"), None);
    assert_eq!(instant("2024"), None);
    let start = Hl7Time::parse("20240306").expect("time").start(&hong_kong()).expect("a moment");
    assert_eq!(start.to_string(), "2024-03-05T16:00:00Z");
}

#[test]
fn a_day_is_known_only_when_it_was_sent() {
    let date = |sent: &str| Hl7Time::parse(sent).expect(sent).date().map(|date| date.to_string());
    assert_eq!(date("19830114093000").as_deref(), Some("1983-01-14"));
    assert_eq!(date("198301"), None);
    assert_eq!(date("1983"), None);
}

#[test]
fn a_clock_set_back_or_forward_is_read_with_the_offset_before_the_change() {
    // Hong Kong kept summer time in 1979, from 13 May 03:30 to 21 October 03:30.
    let written = |sent: &str| Hl7Time::parse(sent).expect(sent).to_fhir_date_time(&hong_kong());
    assert_eq!(written("19790513034500"), "1979-05-13T03:45:00+08:00");
    assert_eq!(written("19790701120000"), "1979-07-01T12:00:00+09:00");
    assert_eq!(written("19791021031500"), "1979-10-21T03:15:00+09:00");
    // Before 1904 the clock followed the sun, and FHIR knows no seconds in an offset.
    assert_eq!(written("19000101120000"), "1900-01-01T12:00:00+07:36");
}

#[test]
fn what_is_no_day_or_time_of_day_is_a_fault() {
    use TimeFault::{Calendar, Empty, Form, Offset, Year};
    let cases = [
        ("", Empty),
        ("  ", Empty),
        ("00000000", Calendar),
        ("20260230", Calendar),
        ("20230229", Calendar),
        ("20241301", Calendar),
        ("20240100", Calendar),
        ("202401011260", Calendar),
        ("20240101126060", Calendar),
        ("20240101240000", Calendar),
        ("9999", Year),
        ("99991231", Year),
        ("0001", Year),
        ("18491231", Year),
        ("22000101", Year),
        ("20240101120000+1600", Offset),
        ("20240101120000+1401", Offset),
        ("20240101120000+0860", Offset),
        ("20240101120000+080", Form),
        ("20240101120000+08:00", Form),
        ("20240101120000+", Form),
        ("20240101120000Z", Form),
        ("20240101120000.", Form),
        ("20240101120000.1234567890", Form),
        ("202401011200.5", Form),
        ("20240101120000.5x", Form),
        ("2024-01-01", Form),
        ("2024010", Form),
        ("202", Form),
        ("２０２４", Form),
        ("2024 0101", Form),
        ("-2024", Form),
        ("+0800", Form),
    ];
    for (sent, fault) in cases {
        assert_eq!(Hl7Time::parse(sent), Err(fault), "{sent:?}");
    }
}

#[test]
fn padding_is_no_fault_and_a_moment_is_written_with_its_offset() {
    assert_eq!(Hl7Time::parse(" 19830114 ").map(|time| time.to_string()).as_deref(), Ok("19830114"));
    let moment = "2024-03-06T01:30:15.75Z".parse().expect("a moment");
    assert_eq!(Hl7Time::of(moment, &hong_kong()).to_string(), "20240306093015+0800");
}
