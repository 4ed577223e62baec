//! What the law and the standards leave to a hub: `[policy]`.

use std::collections::BTreeMap;

use causeway_core::policy::{ChineseMedicineRules, MinimumLevels, Rules};
use causeway_core::scope::{Domain, Level};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the law leaves open; every default is the safe one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PolicyConfig {
    /// Whether a joining consent given under policy 2019 allows deposit without sharing consent from 1 December 2025 on.
    pub(crate) legacy_join_allows_deposit: bool,
    /// The least level of structure of a domain's records, by its code: `PROB = "structured"`. Default: as
    /// `causeway scope list` lists them for a hub without this table.
    #[schemars(with = "BTreeMap<String, LevelName>")]
    pub(crate) minimum_level: BTreeMap<Domain, LevelName>,
    /// The least level of a laboratory report of a section whose results are numbers (OBR-24 of BG, CH or HM), where that
    /// is more than the least level of LABR.
    pub(crate) laboratory_numbers: LevelName,
    /// What is shared between Chinese and western medicine, and from when on.
    pub(crate) chinese_medicine: ChineseMedicineConfig,
}

/// The days from which something is shared, each as 2026-03-01; a day that is not set never comes, but for `since`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChineseMedicineConfig {
    /// Records of Chinese medicine dated earlier are not taken, whatever the date of the provider's domain. Default: none is
    /// too early.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) since: Option<Date>,
    /// Providers of western medicine see the domains CMDX, CMRX and CMPR from then on. Default: Chinese-medicine clinics
    /// alone see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) to_western_since: Option<Date>,
    /// Chinese-medicine clinics see the domains of western medicine from then on, beside demographics, allergies, alerts,
    /// visits and appointments, which they see anyway. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) from_western_since: Option<Date>,
}

/// How structured a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LevelName {
    /// Level 1.
    Document,
    /// Level 2.
    #[default]
    Structured,
    /// Level 3.
    Coded,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Document => Self::Document,
            LevelName::Structured => Self::Structured,
            LevelName::Coded => Self::Coded,
        }
    }
}

impl PolicyConfig {
    /// As the rules take it.
    pub(crate) fn rules(&self) -> Rules {
        let levels = self.minimum_level.iter();
        Rules {
            legacy_join_allows_deposit: self.legacy_join_allows_deposit,
            minimum_levels: levels.fold(MinimumLevels::default(), |all, (one, level)| all.with(*one, (*level).into())),
            laboratory_numbers: self.laboratory_numbers.into(),
            chinese_medicine: ChineseMedicineRules {
                since: self.chinese_medicine.since,
                to_western_since: self.chinese_medicine.to_western_since,
                from_western_since: self.chinese_medicine.from_western_since,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_level_of_a_domain_can_be_set_and_the_others_stay() {
        let text = "laboratory_numbers = \"document\"\n[minimum_level]\nPROB = \"coded\"\nINVR = \"structured\"";
        let rules = toml::from_str::<PolicyConfig>(text).expect("a policy").rules();
        assert_eq!(rules.minimum_levels.of(Domain::Problem), Level::Coded);
        assert_eq!(rules.minimum_levels.of(Domain::Investigation), Level::Structured);
        assert_eq!(rules.minimum_levels.of(Domain::Procedure), Domain::Procedure.minimum());
        assert_eq!(rules.laboratory_numbers, Level::Document);
        assert_eq!(PolicyConfig::default().rules(), Rules::default());
    }

    #[test]
    fn nothing_crosses_between_the_medicines_until_a_day_is_set() {
        assert_eq!(PolicyConfig::default().rules().chinese_medicine, ChineseMedicineRules::default());
        let text = "[chinese_medicine]\nto_western_since = \"2027-01-01\"";
        let rules = toml::from_str::<PolicyConfig>(text).expect("a policy").rules().chinese_medicine;
        let day = Some(jiff::civil::date(2027, 1, 1));
        assert_eq!(rules, ChineseMedicineRules { to_western_since: day, ..ChineseMedicineRules::default() });
        assert!(toml::from_str::<PolicyConfig>("[chinese_medicine]\nsince = \"soon\"").is_err());
    }

    #[test]
    fn a_domain_that_is_not_of_the_scope_is_refused_with_those_that_are() {
        let error = toml::from_str::<PolicyConfig>("[minimum_level]\nPROV = \"coded\"").expect_err("no domain");
        assert!(error.message().contains("PROV") && error.message().contains("`PROB`"), "{error}");
    }
}
