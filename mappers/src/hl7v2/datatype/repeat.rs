//! Repeat patterns (table 0335, RPT.1 of TQ1-3 and RI.1 of the old TQ.2) and lengths of time, to the members of
//! Timing.repeat: IG maps `RPT[Timing]` and concept map RepeatPattern.

use crate::codes;
use crate::fhir::{Json, Object, coding, decimal};

/// How often something is given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// Only so many times.
    pub(crate) count: Option<u32>,
    /// So many times …
    pub(crate) frequency: Option<u32>,
    /// … in so many …
    pub(crate) period: Option<u32>,
    /// … of this unit of UCUM.
    pub(crate) unit: &'static str,
    /// Part of the day, or before, with or after which meal.
    pub(crate) when: &'static str,
    /// Day of the week.
    pub(crate) day: &'static str,
    /// The code of GTSAbbreviation, where there is one.
    pub(crate) code: &'static str,
    /// Whether it is given as needed.
    pub(crate) as_needed: bool,
}

/// The days of the week of `Q<n>J<day>`: 1 is Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Hours for which GTSAbbreviation has a code of its own.
const EVERY_HOURS: [(u32, &str); 6] = [(1, "Q1H"), (2, "Q2H"), (3, "Q3H"), (4, "Q4H"), (6, "Q6H"), (8, "Q8H")];

/// Reads a pattern; `None` when it is none that is known.
pub(crate) fn parse(pattern: &str) -> Option<Repeat> {
    let folded: String = pattern.chars().filter(|c| !c.is_whitespace() && *c != '.').collect();
    let folded = folded.to_uppercase();
    let without = folded.strip_prefix("PRN").or_else(|| folded.strip_suffix("PRN"));
    let as_needed = without.is_some();
    let rest = without.unwrap_or(&folded);
    if rest.is_empty() {
        return as_needed.then(|| Repeat { as_needed, ..Repeat::default() });
    }
    let repeat = known(rest).or_else(|| every(rest)).or_else(|| times_a_day(rest))?;
    Some(Repeat { as_needed, ..repeat })
}

/// A pattern of the table.
fn known(pattern: &str) -> Option<Repeat> {
    let [_, count, frequency, period, unit, when, code] = codes::REPEAT_PATTERN.row(pattern)?;
    let number = |text: &str| text.parse().ok();
    let (count, frequency, period) = (number(count), number(frequency), number(period));
    Some(Repeat { count, frequency, period, unit, when, code, ..Repeat::default() })
}

/// `Q<n><unit>`: every so many seconds (S), minutes (M), hours (H), days (D), weeks (W) or months (L); `Q<n>J<day>`: on a
/// day of the week, every so many weeks.
fn every(pattern: &str) -> Option<Repeat> {
    let rest = pattern.strip_prefix('Q')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = rest.split_at_checked(digits)?;
    let number: u32 = if number.is_empty() { 1 } else { number.parse().ok()? };
    let once = Repeat { frequency: Some(1), period: Some(number), ..Repeat::default() };
    if let Some(day) = unit.strip_prefix('J') {
        let day = DAYS.get(day.parse::<usize>().ok()?.checked_sub(1)?)?;
        return Some(Repeat { unit: "wk", day, ..once });
    }
    let unit = match unit {
        "S" | "M" | "H" | "D" | "W" | "L" => codes::DURATION_UNIT.code(unit)?,
        _ => return None,
    };
    let hours = |code: &(u32, &'static str)| (unit == "h" && code.0 == number).then_some(code.1);
    let code = EVERY_HOURS.iter().find_map(hours).unwrap_or_default();
    (number > 0).then_some(Repeat { unit, code, ..once })
}

/// `<n>ID`: so many times a day.
fn times_a_day(pattern: &str) -> Option<Repeat> {
    let frequency = pattern.strip_suffix("ID")?.parse::<u32>().ok().filter(|times| *times > 0);
    frequency.map(|times| Repeat { frequency: Some(times), period: Some(1), unit: "d", ..Repeat::default() })
}

impl Repeat {
    /// The members of Timing.repeat.
    pub(crate) fn members(&self) -> Object {
        let list = |code: &str| if code.is_empty() { Json::Null } else { Json::Array(vec![Json::from(code)]) };
        Object::sized(6)
            .maybe("count", self.count)
            .maybe("frequency", self.frequency)
            .maybe("period", self.period)
            .text("periodUnit", self.unit)
            .put("dayOfWeek", list(self.day))
            .put("when", list(self.when))
    }

    /// Timing.code as a coding; empty when there is no code for it.
    pub(crate) fn coding(&self) -> Object {
        coding("http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation", self.code, "")
    }
}

/// A length of time as a Duration; `None` when the number is none or negative (tim-4), or the unit is none of time.
pub(crate) fn duration(number: &str, unit: &str) -> Option<Object> {
    if number.starts_with('-') {
        return None;
    }
    let code = codes::DURATION_UNIT.code(&unit.to_uppercase())?;
    let duration = Object::sized(4).put("value", decimal(number)?).text("unit", unit);
    Some(duration.text("system", "http://unitsofmeasure.org").text("code", code))
}

/// The length of the old TQ.3: a letter and a number, as `D10`; and how many times it is, which has the letter X.
pub(crate) fn old_duration(text: &str) -> Option<(Option<Object>, Option<u32>)> {
    let (letter, number) = text.split_at_checked(1)?;
    let number = number.trim();
    match letter {
        "X" => number.parse().ok().filter(|times| *times > 0).map(|times| (None, Some(times))),
        "S" | "M" | "H" | "D" | "W" | "L" => {
            let unit = codes::DURATION_UNIT.code(letter)?;
            number.bytes().all(|b| b.is_ascii_digit()).then(|| (duration(number, unit), None))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_a_frequency_in_a_period() {
        for (pattern, frequency, period, unit) in [
            ("BID", 2, 1, "d"),
            ("b.d.", 2, 1, "d"),
            ("Q6H", 1, 6, "h"),
            ("Q90M", 1, 90, "min"),
            ("Q2W", 1, 2, "wk"),
            ("Q3L", 1, 3, "mo"),
            ("QH", 1, 1, "h"),
            ("5ID", 5, 1, "d"),
            ("QOD", 1, 2, "d"),
        ] {
            let repeat = parse(pattern).expect(pattern);
            assert_eq!(
                (repeat.frequency, repeat.period, repeat.unit),
                (Some(frequency), Some(period), unit),
                "{pattern}"
            );
            assert!(!repeat.as_needed);
        }
        for unknown in ["", "Q", "Q0H", "Q6", "QQ6H", "0ID", "ID", "ALWAYS", "Q2J8", "Q2J0", "每日"] {
            assert_eq!(parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn days_meals_and_needs_are_told() {
        assert_eq!(parse("Q2J1").map(|r| (r.period, r.unit, r.day)), Some((Some(2), "wk", "mon")));
        assert_eq!(parse("ACM").map(|r| (r.frequency, r.when)), Some((None, "ACM")));
        assert_eq!(parse("QHS").map(|r| (r.frequency, r.when, r.code)), Some((Some(1), "HS", "BED")));
        assert_eq!(parse("PRN").map(|r| (r.as_needed, r.frequency)), Some((true, None)));
        for both in ["PRNBID", "BID PRN", "bd prn"] {
            assert_eq!(parse(both).map(|r| (r.as_needed, r.frequency)), Some((true, Some(2))), "{both}");
        }
        assert_eq!(parse("ONCE").and_then(|r| r.count), Some(1));
    }

    #[test]
    fn lengths_need_a_number_and_a_unit_of_time() {
        assert_eq!(duration("5", "天").map(|d| d.get("code").clone()), Some(Json::from("d")));
        assert_eq!(duration("5", "cm"), None);
        assert_eq!(duration("x", "d"), None);
        assert_eq!(duration("-1", "d"), None);
        assert_eq!(old_duration("X3"), Some((None, Some(3))));
        assert_eq!(old_duration("D10").map(|(length, _)| length.is_some()), Some(true));
        for bad in ["", "INDEF", "10", "D", "X0", "Dx"] {
            assert!(old_duration(bad).is_none_or(|(length, times)| length.is_none() && times.is_none()), "{bad}");
        }
    }
}
