//! Names as they are compared: without the differences that typing, printing and character sets make.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::hl7v2::charset::private_use::standardised;
use crate::person::Demographics;

/// The words of the English name, family and given together, in upper case and in alphabetical order, so that
/// `CHAN, Tai-man`, `Chan Tai Man` and `TAI MAN CHAN` are the same. Full-width letters and composed or decomposed
/// accents are made equal by NFKC (Unicode Standard Annex 15). Everything that is neither letter nor digit separates.
pub(super) fn english_tokens(demographics: &Demographics) -> Vec<String> {
    let mut tokens = in_order(demographics);
    tokens.sort_unstable();
    tokens
}

/// The English name as one run of letters, in the order given: `TAI MAN`, `TAI-MAN` and `TAIMAN` are the same.
pub(super) fn english_run(demographics: &Demographics) -> String {
    in_order(demographics).concat()
}

/// The Chinese name without blanks and dots between, with compatibility ideographs and the private characters of HKSCS made
/// equal to the standard ones; empty when not known.
pub(super) fn chinese(demographics: &Demographics) -> String {
    standardised(demographics.chinese.expose()).nfkc().filter(|c| belongs(*c)).collect()
}

fn in_order(demographics: &Demographics) -> Vec<String> {
    let (family, given) = (demographics.family.expose(), demographics.given.expose());
    let text: String = family.chars().chain(std::iter::once(' ')).chain(given.chars()).nfkc().collect();
    let words = text.split(|c: char| !belongs(c)).filter(|word| !word.is_empty());
    words.map(str::to_uppercase).collect()
}

fn belongs(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(family: &str, given: &str, chinese: &str) -> Demographics {
        Demographics { family: family.into(), given: given.into(), chinese: chinese.into(), ..Demographics::default() }
    }

    #[test]
    fn one_name_in_many_spellings_has_the_same_tokens() {
        let expected = vec!["CHAN", "MAN", "TAI"];
        for (family, given) in [
            ("CHAN", "TAI MAN"),
            ("chan", "Tai-man"),
            ("CHAN", "MAN TAI"),
            ("CHAN, TAI MAN", ""),
            ("", "Tai Man Chan"),
            ("ＣＨＡＮ", "ＴＡＩ　ＭＡＮ"),
            (" CHAN ", " TAI  MAN "),
        ] {
            assert_eq!(english_tokens(&named(family, given, "")), expected, "{family}/{given}");
        }
    }

    #[test]
    fn accents_are_equal_composed_and_decomposed() {
        assert_eq!(english_tokens(&named("N\u{fa}ñez", "", "")), english_tokens(&named("Nu\u{301}n\u{303}ez", "", "")));
    }

    #[test]
    fn a_name_run_together_is_the_same_run() {
        assert_eq!(english_run(&named("O'BRIEN", "TAI-MAN", "")), english_run(&named("OBRIEN", "TAIMAN", "")));
    }

    #[test]
    fn chinese_names_ignore_blanks_and_compatibility_forms() {
        assert_eq!(chinese(&named("", "", "陳　大文")), "陳大文");
        // U+F9DC is a compatibility form of U+9686.
        assert_eq!(chinese(&named("", "", "李\u{f9dc}")), chinese(&named("", "", "李隆")));
        assert_eq!(chinese(&named("", "", "陳\u{e473}")), chinese(&named("", "", "陳邨")), "as HKSCS once coded it");
    }
}
