//! What is wrong with a record: the place, a stable code, the cause and the fix; never the value.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($variant:ident $code:literal $zh:literal $fix:literal;)+) => {
        /// The kinds of faults: a closed set, so that clinics can be told in both languages.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum FaultCode {
            $(#[doc = $fix] #[serde(rename = $code)] $variant,)+
        }

        impl FaultCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What it means, in Chinese.
            pub const fn text_zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),+ }
            }

            /// What to do about it.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix),+ }
            }

            /// The kind of a code.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    NotJson "not-json" "並非 JSON" "Send one JSON object (RFC 8259)";
    CutShort "cut-short" "紀錄中斷" "Send the record whole";
    Encoding "encoding" "文字編碼不符" "Send UTF-8, or name the character set of the file";
    TooLong "too-long" "紀錄過長" "Split the record, or raise the limit of the door";
    TooDeep "too-deep" "結構層數過深" "Send the structure of the schema";
    UnknownField "unknown-field" "欄位不明" "Remove the field, or correct its name by the schema";
    DuplicateField "duplicate-field" "欄位重複" "Send the field once";
    MissingField "missing-field" "缺少必需欄位" "Send the field";
    WrongType "wrong-type" "資料類型錯誤" "Send a value of the type that the schema gives the field";
    BadValue "bad-value" "值不正確" "Correct the value";
    OutOfRange "out-of-range" "值超出範圍" "Correct the value; the schema gives its range";
    UnknownPoint "unknown-point" "穴位代碼不存在" "Send a WHO code that exists, or the name of the point alone";
    NoPatient "no-patient" "沒有病人識別碼" "Send the clinic's own number of the patient, an identity document, or both";
    NothingRecorded "nothing-recorded" "紀錄沒有內容" "Send a diagnosis, a prescription, a treatment or an allergy";
    UnknownReference "unknown-reference" "參照的項目不存在" "Name a prescription of the same record";
    SameNumber "same-number" "編號重複" "Give each item its own number";
    BadRow "bad-row" "資料列不正確" "Correct the row by the column template";
}

/// One thing wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fault {
    /// Where: a JSON Pointer (RFC 6901); empty for the record as a whole.
    pub pointer: String,
    /// What kind of fault.
    pub code: FaultCode,
    /// What is wrong, without the value.
    pub detail: String,
    /// What to do about it.
    pub fix: String,
}

impl Fault {
    /// A fault with the fix of its code.
    pub fn new(code: FaultCode, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into(), fix: code.fix().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_is_told_in_chinese() {
        for code in FaultCode::ALL {
            assert_eq!(FaultCode::parse(code.as_str()), Some(*code));
            assert!(code.text_zh().chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{code:?}");
        }
    }
}
