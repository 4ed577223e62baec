//! The sharable scope: the domains of records, and the level of structure each one needs.

use serde::{Deserialize, Serialize};

macro_rules! domains {
    ($($variant:ident $code:literal $name:literal $zh:literal $minimum:ident),+ $(,)?) => {
        /// A domain of the sharable scope (docs/fhir.md lists what each one carries).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Domain {
            $(#[doc = $name] #[serde(rename = $code)] $variant,)+
        }

        impl Domain {
            /// All of them, in the order of the scope.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The four-letter code used in configuration, storage and the command line.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The English name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The Chinese name.
            pub const fn name_zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),+ }
            }

            /// The least level of structure that is accepted.
            pub const fn minimum(self) -> Level {
                match self { $(Self::$variant => Level::$minimum),+ }
            }

            /// The domain of a code.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

domains! {
    Identification "PERS" "Identification and demographics" "個人身分及人口統計資料" Structured,
    Allergy "ALGY" "Allergy" "敏感" Structured,
    AdverseReaction "ADR" "Adverse drug reaction" "藥物不良反應" Structured,
    Alert "ALRT" "Clinical alert" "臨床警示" Structured,
    Problem "PROB" "Problem and diagnosis" "問題及診斷" Structured,
    Procedure "PROC" "Procedure" "醫療程序" Structured,
    MedicationPrescribed "MEDP" "Medication prescribed" "處方藥物" Structured,
    MedicationDispensed "MEDD" "Medication dispensed" "配發藥物" Structured,
    Immunisation "IMMU" "Immunisation" "免疫接種" Structured,
    Encounter "ENCT" "Encounter" "診症" Structured,
    Appointment "APPT" "Appointment" "預約" Structured,
    ClinicalNote "CNOT" "Clinical note and summary" "臨床紀錄及摘要" Document,
    Birth "BIRT" "Birth record" "出生紀錄" Structured,
    Laboratory "LABR" "Laboratory result" "化驗結果" Document,
    RadiologyReport "RADR" "Radiology report" "放射報告" Document,
    RadiologyImage "RADI" "Radiology image" "放射影像" Structured,
    Investigation "INVR" "Other investigation" "其他檢驗" Document,
    Referral "REFR" "Referral" "轉介" Document,
    ChineseMedicineDiagnosis "CMDX" "Chinese medicine encounter and diagnosis" "中醫診症及診斷" Structured,
    ChineseMedicinePrescription "CMRX" "Chinese medicine prescription" "中藥處方" Structured,
    ChineseMedicineProcedure "CMPR" "Chinese medicine procedure" "中醫治療" Structured,
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// How structured a record is (levels 1 to 3 of the eHR data standards).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Level 1: free text or a document.
    Document,
    /// Level 2: structured, with local codes.
    Structured,
    /// Level 3: structured, with a recognised terminology.
    Coded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for domain in Domain::ALL {
            assert_eq!(Domain::parse(domain.code()), Some(*domain));
        }
        assert_eq!(Domain::parse("pers"), None);
    }
}
