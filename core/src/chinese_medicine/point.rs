//! Acupuncture points: the 361 of the fourteen meridians by rule, the 48 extra points by table (Standard Acupuncture
//! Nomenclature, WHO 1991).

/// The letters of a meridian, how many points it has, and its Chinese name.
pub const MERIDIANS: [(&str, u16, &str); 14] = [
    ("LU", 11, "手太陰肺經"),
    ("LI", 20, "手陽明大腸經"),
    ("ST", 45, "足陽明胃經"),
    ("SP", 21, "足太陰脾經"),
    ("HT", 9, "手少陰心經"),
    ("SI", 19, "手太陽小腸經"),
    ("BL", 67, "足太陽膀胱經"),
    ("KI", 27, "足少陰腎經"),
    ("PC", 9, "手厥陰心包經"),
    ("TE", 23, "手少陽三焦經"),
    ("GB", 44, "足少陽膽經"),
    ("LR", 14, "足厥陰肝經"),
    ("GV", 28, "督脈"),
    ("CV", 24, "任脈"),
];

/// The extra points: code, Pinyin, Chinese name. The first line names the source.
const EXTRA: &str = include_str!("extra_points.csv");

/// A code of a point that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// On a meridian.
    Meridian {
        /// The Chinese name of the meridian.
        meridian: &'static str,
    },
    /// An extra point.
    Extra {
        /// Its Chinese name.
        name: &'static str,
    },
}

/// The point of a code like `ST36` or `EX-HN5`.
///
/// # Errors
/// What is wrong with the code, and what exists instead; never the code itself.
pub fn find(code: &str) -> Result<Point, String> {
    if code.starts_with("EX-") {
        let found = extra().find(|[known, ..]| *known == code);
        let none = || "no extra point has this code: EX-HN1 to 15, EX-CA1, EX-B1 to 9, EX-UE1 to 11, EX-LE1 to 12";
        return found.map(|[_, _, name]| Point::Extra { name }).ok_or_else(|| none().to_owned());
    }
    let digits = code.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = code.strip_suffix(digits).unwrap_or_default();
    let Some((letters, last, name)) = MERIDIANS.iter().find(|(known, ..)| *known == letters) else {
        return Err("no meridian has these letters: LU LI ST SP HT SI BL KI PC TE GB LR GV CV".to_owned());
    };
    let number =
        digits.parse::<u16>().ok().filter(|number| number.to_string() == digits && (1..=*last).contains(number));
    let point = number.map(|_| Point::Meridian { meridian: name });
    point.ok_or_else(|| format!("the meridian has the points {letters}1 to {letters}{last}"))
}

/// The rows of the extra points.
pub fn extra() -> impl Iterator<Item = [&'static str; 3]> {
    EXTRA.lines().skip(2).filter_map(|line| {
        let mut columns = line.split(',');
        Some([columns.next()?, columns.next()?, columns.next()?])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourteen_meridians_have_361_points_and_no_other_code_is_one() {
        let all = MERIDIANS.iter().flat_map(|(letters, ..)| (0..=99).map(move |number| format!("{letters}{number}")));
        assert_eq!(all.filter(|code| find(code).is_ok()).count(), 361);
        assert_eq!(find("ST46"), Err("the meridian has the points ST1 to ST45".to_owned()));
        for bad in ["", "ST", "36", "st36", "ST036", "ST 36", "XX1", "ST0", "足三里", "EX-HN16", "EX-"] {
            assert!(find(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_48_extra_points_are_numbered_without_a_gap() {
        let mut counted = std::collections::BTreeMap::<&str, u16>::new();
        for [code, pinyin, name] in extra() {
            let group = code.trim_end_matches(|c: char| c.is_ascii_digit());
            let number = counted.entry(group).or_default();
            *number += 1;
            assert_eq!(code, format!("{group}{number}"));
            assert!(pinyin.is_ascii() && !pinyin.is_empty() && !name.is_ascii(), "{code}");
            assert_eq!(find(code), Ok(Point::Extra { name }));
        }
        let counts = [("EX-B", 9), ("EX-CA", 1), ("EX-HN", 15), ("EX-LE", 12), ("EX-UE", 11)];
        assert_eq!(counted.into_iter().collect::<Vec<_>>(), counts);
    }
}
