//! Times of data types TS, DTM and DT (§2A.2.21): as exact as the sender wrote them, with the sender's offset.
//!
//! `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]`. No part is ever filled in: `1983` stays a year. FHIR has no dateTime with
//! hours but no seconds, so there, and only there, missing minutes and seconds are written as `00`.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// A point or span of time, to the precision sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hl7Time {
    // INVARIANT: parts finer than `precision` are the smallest there are.
    at: DateTime,
    precision: Precision,
    offset: Option<Offset>,
}

/// How exactly a time was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// `1983`
    Year,
    /// `198301`
    Month,
    /// `19830114`
    Day,
    /// `1983011409`
    Hour,
    /// `198301140930`
    Minute,
    /// `19830114093000`
    Second,
    /// `19830114093000.1234`: so many digits, 1 to 9.
    Fraction(u8),
}

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeFault {
    /// Nothing there.
    #[error("the time is empty")]
    Empty,
    /// Not of the form.
    #[error("not of the form YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]")]
    Form,
    /// Not a day of the calendar, as 20260230 or 00000000, or not a time of day, as minute 60.
    #[error("no such day or time of day")]
    Calendar,
    /// A year no patient has lived in, most often a stand-in such as 9999 or 0001.
    #[error("the year is not between {YEAR_MIN} and {YEAR_MAX}")]
    Year,
    /// An offset no place on earth has.
    #[error("the offset from UTC is beyond 14 hours, or its minutes beyond 59")]
    Offset,
}

/// The first year taken.
pub const YEAR_MIN: i16 = 1850;
/// The last year taken.
pub const YEAR_MAX: i16 = 2199;

impl Hl7Time {
    /// Reads the first component of a TS, or a DTM or DT. Blanks around it are padding. More than the four fraction
    /// digits of the standard are taken, up to nine, and an offset of whole hours without its minutes (`+08`).
    pub fn parse(text: &str) -> Result<Self, TimeFault> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(TimeFault::Empty);
        }
        let at = text.bytes().position(|byte| matches!(byte, b'+' | b'-')).unwrap_or(text.len());
        let (rest, offset) = text.split_at_checked(at).unwrap_or((text, ""));
        let (digits, fraction) = match rest.split_once('.') {
            Some((digits, fraction)) => (digits, Some(fraction)),
            None => (rest, None),
        };
        let (precision, nanosecond) = read_precision(digits, fraction)?;
        let offset = if offset.is_empty() { None } else { Some(read_offset(offset)?) };
        // Digits alone, and four of them at most.
        let part = |from: usize, length: usize, missing: i16| match digits.as_bytes().get(from..from + length) {
            Some(part) => part.iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0')),
            None => missing,
        };
        let small = |from: usize, missing: i16| i8::try_from(part(from, 2, missing)).unwrap_or(-1);
        let year = part(0, 4, 0);
        let date = Date::new(year, small(4, 1), small(6, 1)).map_err(|_not_a_day| TimeFault::Calendar)?;
        if year == 0 {
            return Err(TimeFault::Calendar);
        }
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return Err(TimeFault::Year);
        }
        let time = Time::new(small(8, 0), small(10, 0), small(12, 0), nanosecond)
            .map_err(|_not_a_time| TimeFault::Calendar)?;
        Ok(Self { at: date.to_datetime(time), precision, offset })
    }

    /// A moment, to the second, with the offset that `zone` has then: for the messages we write.
    pub fn of(moment: Timestamp, zone: &TimeZone) -> Self {
        let offset = zone.to_offset(moment);
        let at = offset.to_datetime(moment);
        let whole = at.with().subsec_nanosecond(0).build().unwrap_or(at);
        Self { at: whole, precision: Precision::Second, offset: Some(offset) }
    }

    /// How exactly it was given.
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    /// The sender's offset from UTC, when there is one.
    pub const fn offset(&self) -> Option<Offset> {
        self.offset
    }

    /// Year, month, day and time of day as sent; what was not sent is the smallest there is.
    pub const fn civil(&self) -> DateTime {
        self.at
    }

    /// The day, when it is given to the day or better.
    pub fn date(&self) -> Option<Date> {
        (self.precision >= Precision::Day).then(|| self.at.date())
    }

    /// The moment, when the time of day is given: its first one, if minutes or seconds are not. The sender's offset
    /// holds, or that of `zone` at the time.
    pub fn instant(&self, zone: &TimeZone) -> Option<Timestamp> {
        (self.precision >= Precision::Hour).then(|| self.start(zone)).flatten()
    }

    /// The first moment of the year, month, day, hour … that is given; `None` when it is out of range.
    pub fn start(&self, zone: &TimeZone) -> Option<Timestamp> {
        self.offset_in(zone).to_timestamp(self.at).ok()
    }

    /// FHIR `date`: `1983`, `1983-01` or `1983-01-14`; a time of day is left out.
    pub fn to_fhir_date(&self) -> String {
        let mut written = String::with_capacity(LENGTH_MAX);
        self.push_date(&mut written);
        written
    }

    fn push_date(&self, to: &mut String) {
        let date = self.at.date();
        let year = u32::from(date.year().unsigned_abs());
        push_two(to, year / 100);
        push_two(to, year);
        if self.precision > Precision::Year {
            push_part(to, "-", date.month());
        }
        if self.precision > Precision::Month {
            push_part(to, "-", date.day());
        }
    }

    /// FHIR `dateTime`: as [`Hl7Time::to_fhir_date`] without a time of day, else with seconds, the fraction as sent, and
    /// an offset: the sender's, or that of `zone` at the time.
    pub fn to_fhir_date_time(&self, zone: &TimeZone) -> String {
        let mut written = self.to_fhir_date();
        if self.precision < Precision::Hour {
            return written;
        }
        let time = self.at.time();
        push_part(&mut written, "T", time.hour());
        push_part(&mut written, ":", time.minute());
        push_part(&mut written, ":", time.second());
        if let Precision::Fraction(_) = self.precision {
            written.push_str(&self.fraction());
        }
        let seconds = self.offset_in(zone).seconds();
        written.push(if seconds < 0 { '-' } else { '+' });
        let minutes = seconds.unsigned_abs() / 60;
        push_two(&mut written, minutes / 60);
        written.push(':');
        push_two(&mut written, minutes % 60);
        written
    }

    /// The sender's offset, or that of `zone`. A time the clock skips or shows twice is read with the offset before the
    /// change.
    fn offset_in(&self, zone: &TimeZone) -> Offset {
        self.offset.unwrap_or_else(|| match zone.to_ambiguous_timestamp(self.at).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        })
    }

    /// The fraction as sent, with its point; empty without one.
    fn fraction(&self) -> String {
        let Precision::Fraction(digits) = self.precision else { return String::new() };
        let nine = format!(".{:09}", self.at.subsec_nanosecond());
        nine.chars().take(usize::from(digits) + 1).collect()
    }
}

impl fmt::Display for Hl7Time {
    /// As HL7 writes it, to the same precision.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        let length = match self.precision {
            Precision::Year => 4,
            Precision::Month => 6,
            Precision::Day => 8,
            Precision::Hour => 10,
            Precision::Minute => 12,
            Precision::Second | Precision::Fraction(_) => 14,
        };
        let date = format!("{:04}{:02}{:02}", at.year(), at.month(), at.day());
        let digits = format!("{date}{:02}{:02}{:02}", at.hour(), at.minute(), at.second());
        f.write_str(digits.get(..length).unwrap_or_default())?;
        f.write_str(&self.fraction())?;
        self.offset.map_or(Ok(()), |offset| Written { offset, colon: "" }.fmt(f))
    }
}

/// An offset as `+08:00` or `+0800`. Seconds, which local mean times before 1904 have, are cut.
struct Written {
    offset: Offset,
    colon: &'static str,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        write!(f, "{sign}{:02}{}{:02}", minutes / 60, self.colon, minutes % 60)
    }
}

/// `2026-03-01T09:00:00.123456789+08:00`, in bytes.
const LENGTH_MAX: usize = 35;

/// A part of a date or time in two digits, behind what stands before it.
fn push_part(to: &mut String, before: &str, number: i8) {
    to.push_str(before);
    push_two(to, u32::from(number.unsigned_abs()));
}

/// The last two digits of a number. By hand, for a formatter takes most of the time of a date.
fn push_two(to: &mut String, number: u32) {
    let digits = [number / 10, number].map(|number| char::from_digit(number % 10, 10));
    to.extend(digits.into_iter().flatten());
}

/// The precision of the digits, and the fraction in nanoseconds.
fn read_precision(digits: &str, fraction: Option<&str>) -> Result<(Precision, i32), TimeFault> {
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(digits) {
        return Err(TimeFault::Form);
    }
    let precision = match (digits.len(), fraction) {
        (4, None) => Precision::Year,
        (6, None) => Precision::Month,
        (8, None) => Precision::Day,
        (10, None) => Precision::Hour,
        (12, None) => Precision::Minute,
        (14, None) => Precision::Second,
        (14, Some(fraction)) if (1..=9).contains(&fraction.len()) && all_digits(fraction) => {
            let nanosecond = format!("{fraction:0<9}").parse().map_err(|_not_digits| TimeFault::Form)?;
            let digits = u8::try_from(fraction.len()).map_err(|_too_long| TimeFault::Form)?;
            return Ok((Precision::Fraction(digits), nanosecond));
        }
        _ => return Err(TimeFault::Form),
    };
    Ok((precision, 0))
}

/// `+ZZZZ`, `-ZZZZ`, or whole hours `+ZZ`.
fn read_offset(text: &str) -> Result<Offset, TimeFault> {
    const HOURS_MAX: i32 = 14;
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some((_, digits)) => (-1, digits),
        None => return Err(TimeFault::Form),
    };
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TimeFault::Form);
    }
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<i32>().ok()).unwrap_or(0);
    let (hours, minutes) = (number(digits.get(..2)), number(digits.get(2..)));
    if minutes > 59 || hours * 60 + minutes > HOURS_MAX * 60 {
        return Err(TimeFault::Offset);
    }
    Offset::from_seconds(sign * (hours * 60 + minutes) * 60).map_err(|_out_of_range| TimeFault::Offset)
}
