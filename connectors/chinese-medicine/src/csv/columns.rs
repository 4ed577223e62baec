//! The columns of the template: each with its name, its Chinese name, its place in the record, what stands in its cells,
//! and a sample. `docs/chinese-medicine/columns.md` is written from this table.

use causeway_core::chinese_medicine::record::{
    AllergyCategory, Certainty, Form, Method, Side, Special, Status, Unit, VisitKind,
};

/// What stands in a cell.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Words.
    Text,
    /// A number.
    Number,
    /// Y or N.
    YesNo,
    /// A day.
    Day,
    /// A day, or a day and a time.
    Time,
    /// One of the words of a list, by its word or its Chinese.
    Word(fn(&str) -> Option<&'static str>, &'static [&'static str]),
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in a heading.
    pub name: &'static str,
    /// Its Chinese name, which a heading may have instead.
    pub zh: &'static str,
    /// Its place in the record: `*` is an item of a list, `@` the list that `treatment_kind` names.
    pub path: &'static str,
    /// What stands in its cells.
    pub kind: Kind,
    /// A good cell.
    pub sample: &'static str,
}

/// The lists of treatments by hand, by the words of `treatment_kind`.
pub const BY_HAND: [(&str, &str, &str); 2] = [("bone-setting", "正骨", "bone_setting"), ("tui-na", "推拿", "tui_na")];

macro_rules! columns {
    ($($name:ident $zh:literal $path:literal $kind:tt $sample:literal;)+) => {
        /// All columns, in the order of the template. The first one must be the first of a file.
        pub const COLUMNS: &[Column] = &[
            $(Column { name: stringify!($name), zh: $zh, path: $path, kind: columns!(@kind $kind), sample: $sample },)+
        ];
    };
    (@kind text) => { Kind::Text };
    (@kind number) => { Kind::Number };
    (@kind yes) => { Kind::YesNo };
    (@kind day) => { Kind::Day };
    (@kind time) => { Kind::Time };
    (@kind ($words:ident $($word:literal)+)) => {
        Kind::Word(|text| $words::parse(text).map($words::as_str), &[$($word),+])
    };
    (@kind by_hand) => { Kind::Word(by_hand, &["bone-setting", "tui-na"]) };
}

columns! {
    visit_number "診症編號" "/visit/number" text "V-2001";
    version "版本" "/version" number "1";
    status "狀態" "/status" (Status "preliminary" "final" "amended" "withdrawn") "final";
    issued "簽發時間" "/issued" time "2026-03-01 10:20";
    visit_start "診症時間" "/visit/start" time "2026-03-01 09:30";
    visit_end "診症結束" "/visit/end" time "2026-03-01 09:50";
    visit_kind "初診覆診" "/visit/kind" (VisitKind "first" "follow-up") "first";
    complaint "主訴" "/visit/complaint" text "咳嗽三天";
    location "地點" "/visit/location" text "診室一";
    pregnant "懷孕" "/visit/pregnant" yes "N";
    patient_number "病人編號" "/patient/number" text "C1001";
    document_kind "證件類別" "/patient/documents/0/kind" text "HKID";
    document_number "證件號碼" "/patient/documents/0/number" text "A123456(3)";
    document_issuer "證件簽發地" "/patient/documents/0/issuer" text "CHN";
    family "英文姓" "/patient/family" text "CHAN";
    given "英文名" "/patient/given" text "Tai Man";
    chinese_name "中文姓名" "/patient/chinese" text "陳大文";
    birth "出生日期" "/patient/birth" day "1983-01-14";
    sex "性別" "/patient/sex" text "M";
    registration "中醫註冊編號" "/practitioner/registration" text "000001";
    registered_until "註冊有效期至" "/practitioner/registered_until" day "2027-12-31";
    practitioner "中醫英文姓名" "/practitioner/name" text "WONG Siu Ming";
    practitioner_zh "中醫姓名" "/practitioner/name_zh" text "黃小明";
    disease "病名" "/disease/text" text "咳嗽";
    disease_code "病名代碼" "/disease/code" text "Z-D001";
    disease_system "病名代碼系統" "/disease/system" text "GB/T 15657-2021";
    disease_withdrawn "撤回病名" "/disease/withdrawn" yes "N";
    syndrome "證型" "/syndromes/*/text" text "風寒襲肺證";
    syndrome_code "證型代碼" "/syndromes/*/code" text "Z-S001";
    syndrome_system "證型代碼系統" "/syndromes/*/system" text "GB/T 15657-2021";
    syndrome_withdrawn "撤回證型" "/syndromes/*/withdrawn" yes "N";
    principle "治則治法" "/principle/text" text "疏風散寒，宣肺止咳";
    principle_code "治法代碼" "/principle/code" text "Z-T001";
    principle_system "治法代碼系統" "/principle/system" text "GB/T 15657-2021";
    principle_withdrawn "撤回治法" "/principle/withdrawn" yes "N";
    tongue "舌象" "/tongue/text" text "舌淡紅，苔薄白";
    tongue_code "舌象代碼" "/tongue/code" text "Z-G001";
    tongue_system "舌象代碼系統" "/tongue/system" text "GB/T 16751";
    tongue_withdrawn "撤回舌象" "/tongue/withdrawn" yes "N";
    pulse "脈象" "/pulse/text" text "脈浮緊";
    pulse_code "脈象代碼" "/pulse/code" text "Z-P001";
    pulse_system "脈象代碼系統" "/pulse/system" text "GB/T 16751";
    pulse_withdrawn "撤回脈象" "/pulse/withdrawn" yes "N";
    inspection "望診" "/examinations/inspection" text "面色無華";
    listening "聞診" "/examinations/listening" text "咳聲重濁";
    inquiry "問診" "/examinations/inquiry" text "惡寒無汗";
    palpation "切診" "/examinations/palpation" text "腹軟無壓痛";
    prescription_number "處方編號" "/prescriptions/*/number" text "RX-1";
    prescription_form "劑型" "/prescriptions/*/form" (Form "decoction" "granule" "proprietary" "external") "decoction";
    formula "方名" "/prescriptions/*/formula/text" text "止嗽散加減";
    formula_code "方名代碼" "/prescriptions/*/formula/code" text "Z-F001";
    formula_system "方名代碼系統" "/prescriptions/*/formula/system" text "HKCTT";
    packs "劑數" "/prescriptions/*/packs" number "3";
    days "日數" "/prescriptions/*/days" number "3";
    times_per_day "每日次數" "/prescriptions/*/times_per_day" number "2";
    water_ml "加水毫升" "/prescriptions/*/water_ml" number "800";
    decoct_to_ml "煎至毫升" "/prescriptions/*/decoct_to_ml" number "250";
    decoct_times "煎煮次數" "/prescriptions/*/decoct_times" number "2";
    taking "服法" "/prescriptions/*/taking" text "飯後溫服";
    avoid "忌口" "/prescriptions/*/avoid" text "忌生冷";
    prescription_withdrawn "撤回處方" "/prescriptions/*/withdrawn" yes "N";
    herb "中藥" "/prescriptions/*/herbs/*/name" text "麻黃";
    herb_code "中藥代碼" "/prescriptions/*/herbs/*/code" text "Z-H001";
    herb_system "中藥代碼系統" "/prescriptions/*/herbs/*/system" text "HKCTT";
    processing "炮製" "/prescriptions/*/herbs/*/processing" text "炙";
    dose "劑量" "/prescriptions/*/herbs/*/dose" number "6";
    unit "劑量單位" "/prescriptions/*/herbs/*/unit" (Unit "g" "mg" "ml" "piece") "g";
    special "特殊煎法" "/prescriptions/*/herbs/*/special" (Special "first" "last" "wrapped" "separate" "dissolved" "swallowed") "first";
    product "中成藥" "/prescriptions/*/products/*/name" text "保濟丸";
    product_registration "中成藥註冊編號" "/prescriptions/*/products/*/registration" text "HKC-00001";
    product_dose "中成藥每次用量" "/prescriptions/*/products/*/dose" number "1";
    product_unit "中成藥單位" "/prescriptions/*/products/*/unit" text "瓶";
    product_times_per_day "中成藥每日次數" "/prescriptions/*/products/*/times_per_day" number "2";
    product_days "中成藥日數" "/prescriptions/*/products/*/days" number "3";
    dispensing_number "配藥編號" "/dispensings/*/number" text "D-1";
    dispensing_prescription "配藥處方編號" "/dispensings/*/prescription" text "RX-1";
    dispensed_at "配藥時間" "/dispensings/*/at" time "2026-03-01 10:00";
    dispensed_packs "配藥劑數" "/dispensings/*/packs" number "3";
    dispensed_days "配藥日數" "/dispensings/*/days" number "3";
    dispensed_by "配藥員" "/dispensings/*/by" text "李四";
    dispensing_withdrawn "撤回配藥" "/dispensings/*/withdrawn" yes "N";
    acupuncture_method "針灸方法" "/acupuncture/*/method" (Method "needling" "electroacupuncture" "warm-needle" "moxibustion" "cupping" "auricular" "other") "needling";
    acupuncture_minutes "針灸分鐘" "/acupuncture/*/minutes" number "30";
    acupuncture_note "針灸備註" "/acupuncture/*/note" text "得氣";
    acupuncture_withdrawn "撤回針灸" "/acupuncture/*/withdrawn" yes "N";
    point "穴位代碼" "/acupuncture/*/points/*/code" text "LU7";
    point_name "穴位" "/acupuncture/*/points/*/name" text "列缺";
    point_side "穴位側" "/acupuncture/*/points/*/side" (Side "left" "right" "both" "midline") "both";
    manipulation "行針手法" "/acupuncture/*/points/*/manipulation" text "瀉";
    point_minutes "留針分鐘" "/acupuncture/*/points/*/minutes" number "20";
    treatment_kind "正骨推拿" "/@" by_hand "tui-na";
    treatment "手法" "/@/*/procedure/text" text "肩井拿法";
    treatment_code "手法代碼" "/@/*/procedure/code" text "Z-M001";
    treatment_system "手法代碼系統" "/@/*/procedure/system" text "HKCTT";
    treatment_withdrawn "撤回手法" "/@/*/procedure/withdrawn" yes "N";
    treatment_site "部位" "/@/*/site" text "肩";
    treatment_side "部位側" "/@/*/side" (Side "left" "right" "both" "midline") "left";
    treatment_minutes "手法分鐘" "/@/*/minutes" number "15";
    treatment_note "手法備註" "/@/*/note" text "輕手法";
    allergy_number "過敏編號" "/allergies/*/number" text "A-1";
    allergy "過敏原" "/allergies/*/substance/text" text "青黴素";
    allergy_code "過敏原代碼" "/allergies/*/substance/code" text "Z-A001";
    allergy_system "過敏原代碼系統" "/allergies/*/substance/system" text "HKCTT";
    allergy_withdrawn "撤回過敏" "/allergies/*/substance/withdrawn" yes "N";
    allergy_category "過敏類別" "/allergies/*/category" (AllergyCategory "medication" "food" "environment") "medication";
    allergy_reaction "過敏反應" "/allergies/*/reaction" text "皮疹";
    allergy_certainty "過敏確定程度" "/allergies/*/certainty" (Certainty "confirmed" "unconfirmed") "confirmed";
}

fn by_hand(text: &str) -> Option<&'static str> {
    BY_HAND.iter().find(|(word, zh, _)| *word == text || *zh == text).map(|(word, ..)| *word)
}

/// The column of a place in a record, by its pointer.
pub(super) fn at_pointer(pointer: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| fits(column.path, pointer))
}

/// Whether a pointer is one of a path.
fn fits(path: &str, pointer: &str) -> bool {
    let (mut wanted, mut found) = (path.split('/'), pointer.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some("*"), Some(index)) if index.bytes().all(|b| b.is_ascii_digit()) => {}
            (Some("@"), Some(list)) if BY_HAND.iter().any(|(.., known)| *known == list) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return false,
        }
    }
}

/// The column of a heading: by its name in any case, or its Chinese name.
pub(super) fn named(heading: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.name.eq_ignore_ascii_case(heading) || column.zh == heading)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_columns_share_a_name_or_a_place_and_every_word_of_a_list_is_one() {
        let names: BTreeSet<_> = COLUMNS.iter().flat_map(|column| [column.name, column.zh]).collect();
        assert_eq!(names.len(), COLUMNS.len() * 2);
        let paths: BTreeSet<_> = COLUMNS.iter().map(|column| column.path).collect();
        assert_eq!(paths.len(), COLUMNS.len());
        for column in COLUMNS {
            if let Kind::Word(parse, words) = column.kind {
                assert!(words.iter().all(|word| parse(word) == Some(*word)), "{}", column.name);
            }
        }
    }

    #[test]
    fn a_pointer_leads_to_its_column() {
        let name = |pointer| at_pointer(pointer).map(|column| column.name);
        assert_eq!(name("/prescriptions/2/herbs/11/dose"), Some("dose"));
        assert_eq!(name("/tui_na/0/procedure/text"), Some("treatment"));
        assert_eq!(name("/visit/number"), Some("visit_number"));
        assert_eq!(name("/prescriptions/x/herbs/0/dose"), None);
        assert_eq!(name("/prescriptions/0"), None);
    }
}
