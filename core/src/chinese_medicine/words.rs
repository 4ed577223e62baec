//! The closed lists of words of a record, each with its Chinese.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$about:meta])* $name:ident { $($variant:ident $word:literal $zh:literal;)+ })+) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "schema", derive(JsonSchema))]
            pub enum $name { $(#[doc = $zh] #[serde(rename = $word)] $variant,)+ }

            impl $name {
                /// All of them.
                pub const ALL: &'static [Self] = &[$(Self::$variant),+];

                /// The word of the format.
                pub const fn as_str(self) -> &'static str {
                    match self { $(Self::$variant => $word),+ }
                }

                /// In Chinese.
                pub const fn zh(self) -> &'static str {
                    match self { $(Self::$variant => $zh),+ }
                }

                /// Reads the word, or its Chinese.
                pub fn parse(text: &str) -> Option<Self> {
                    Self::ALL.iter().copied().find(|word| word.as_str() == text || word.zh() == text)
                }
            }
        )+
    };
}

words! {
    /// The format and its version.
    Format { One "causeway-cm-1" "中醫紀錄格式第一版"; }
    /// What a version of a record is.
    Status { Preliminary "preliminary" "初步"; Final "final" "正式"; Amended "amended" "已修訂"; Withdrawn "withdrawn" "已撤回"; }
    /// What sort of visit.
    VisitKind { First "first" "初診"; FollowUp "follow-up" "覆診"; }
    /// The form of a prescription.
    Form { Decoction "decoction" "湯劑"; Granule "granule" "顆粒劑"; Proprietary "proprietary" "中成藥"; External "external" "外用"; }
    /// The unit of a herb's dose.
    Unit { Gram "g" "克"; Milligram "mg" "毫克"; Millilitre "ml" "毫升"; Piece "piece" "枚"; }
    /// How a herb is decocted apart from the others.
    Special {
        First "first" "先煎"; Last "last" "後下"; Wrapped "wrapped" "包煎"; Separate "separate" "另煎";
        Dissolved "dissolved" "烊化"; Swallowed "swallowed" "沖服";
    }
    /// A side of the body.
    Side { Left "left" "左"; Right "right" "右"; Both "both" "雙側"; Midline "midline" "正中"; }
    /// How points are treated.
    Method {
        Needling "needling" "針刺"; Electro "electroacupuncture" "電針"; WarmNeedle "warm-needle" "溫針";
        Moxibustion "moxibustion" "艾灸"; Cupping "cupping" "拔罐"; Auricular "auricular" "耳針"; Other "other" "其他";
    }
    /// What an allergy is to.
    AllergyCategory { Medication "medication" "藥物"; Food "food" "食物"; Environment "environment" "環境"; }
    /// How sure an allergy is.
    Certainty { Confirmed "confirmed" "確定"; Unconfirmed "unconfirmed" "未確定"; }
}
