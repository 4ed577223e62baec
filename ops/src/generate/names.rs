//! Names as they are in Hong Kong: Chinese characters with the romanisation that usually goes with them.

use super::dice::Dice;

/// A made-up name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// `CHAN`.
    pub(crate) family: String,
    /// `Tai Man`.
    pub(crate) given: String,
    /// `陳大文`.
    pub(crate) chinese: String,
}

/// Rolls a name. One in eight given names has a single character.
pub(crate) fn roll(dice: &mut Dice, male: bool) -> Name {
    let (family_zh, family) = dice.pick(SURNAMES).copied().unwrap_or(("陳", "CHAN"));
    let given = if male { GIVEN_MALE } else { GIVEN_FEMALE };
    let count = if dice.percent(12) { 1 } else { 2 };
    let mut name = Name { family: family.to_owned(), given: String::new(), chinese: family_zh.to_owned() };
    for _ in 0..count {
        let (character, sound) = dice.pick(given).copied().unwrap_or(("文", "Man"));
        name.chinese.push_str(character);
        if !name.given.is_empty() {
            name.given.push(' ');
        }
        name.given.push_str(sound);
    }
    name
}

/// Surnames. 許 and 彭 end in bytes that are delimiters of HL7 when written in Big5.
const SURNAMES: &[(&str, &str)] = &[
    ("陳", "CHAN"),
    ("李", "LEE"),
    ("黃", "WONG"),
    ("張", "CHEUNG"),
    ("梁", "LEUNG"),
    ("林", "LAM"),
    ("吳", "NG"),
    ("何", "HO"),
    ("劉", "LAU"),
    ("王", "WONG"),
    ("鄭", "CHENG"),
    ("楊", "YEUNG"),
    ("郭", "KWOK"),
    ("羅", "LO"),
    ("葉", "YIP"),
    ("周", "CHOW"),
    ("謝", "TSE"),
    ("鄧", "TANG"),
    ("許", "HUI"),
    ("蔡", "CHOI"),
    ("彭", "PANG"),
    ("蘇", "SO"),
    ("曾", "TSANG"),
    ("馮", "FUNG"),
    ("盧", "LO"),
    ("朱", "CHU"),
    ("余", "YU"),
    ("潘", "POON"),
    ("戴", "TAI"),
    ("馬", "MA"),
    ("鍾", "CHUNG"),
    ("譚", "TAM"),
    ("麥", "MAK"),
    ("方", "FONG"),
    ("歐陽", "AU YEUNG"),
    ("司徒", "SZETO"),
];

/// Characters of men's given names. 堃, 煊 and 喆 are in Hong Kong's supplementary set and not in plain Big5.
const GIVEN_MALE: &[(&str, &str)] = &[
    ("大", "Tai"),
    ("文", "Man"),
    ("志", "Chi"),
    ("強", "Keung"),
    ("明", "Ming"),
    ("俊", "Chun"),
    ("傑", "Kit"),
    ("家", "Ka"),
    ("豪", "Ho"),
    ("國", "Kwok"),
    ("偉", "Wai"),
    ("雄", "Hung"),
    ("永", "Wing"),
    ("康", "Hong"),
    ("子", "Tsz"),
    ("軒", "Hin"),
    ("朗", "Long"),
    ("浩", "Ho"),
    ("然", "Yin"),
    ("梓", "Tsz"),
    ("樂", "Lok"),
    ("堃", "Kwan"),
    ("煊", "Huen"),
    ("喆", "Chit"),
];

/// Characters of women's given names.
const GIVEN_FEMALE: &[(&str, &str)] = &[
    ("美", "Mei"),
    ("玲", "Ling"),
    ("嘉", "Ka"),
    ("欣", "Yan"),
    ("淑", "Shuk"),
    ("儀", "Yee"),
    ("麗", "Lai"),
    ("華", "Wah"),
    ("詠", "Wing"),
    ("詩", "Sze"),
    ("婷", "Ting"),
    ("穎", "Wing"),
    ("芳", "Fong"),
    ("慧", "Wai"),
    ("敏", "Man"),
    ("心", "Sum"),
    ("怡", "Yee"),
    ("晴", "Ching"),
    ("曉", "Hiu"),
    ("彤", "Tung"),
    ("瑤", "Yiu"),
    ("珮", "Pui"),
    ("雯", "Man"),
    ("琪", "Ki"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_romanisation_belongs_to_the_characters() {
        let mut dice = Dice::new(3);
        for turn in 0..500 {
            let name = roll(&mut dice, turn % 2 == 0);
            let (characters, family) =
                SURNAMES.iter().find(|(zh, en)| name.chinese.starts_with(zh) && *en == name.family).expect("a surname");
            let given = name.chinese.strip_prefix(characters).expect("given");
            assert_eq!(given.chars().count(), name.given.split(' ').count(), "{family} {name:?}");
            assert!(name.chinese.chars().count() <= 6, "longer than a card holds: {name:?}");
        }
    }
}
