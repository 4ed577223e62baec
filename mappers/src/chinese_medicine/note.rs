//! The codes of notes on Chinese-medicine records: a closed set, each explained in both languages.

macro_rules! codes {
    ($($variant:ident $code:literal $en:literal $zh:literal;)+) => {
        /// What a note is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum NoteCode {
            $(#[doc = $en] $variant,)+
        }

        impl NoteCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What it says, in English.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $en),+ }
            }

            /// What it says, in Chinese.
            pub const fn text_zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),+ }
            }
        }
    };
}

codes! {
    BadHkid "bad-hkid" "A number sent as an HKID is none." "以香港身分證號碼傳送的號碼不正確。";
    TextAlone "text-alone" "A term has words and no code: its level is too low for the sharable scope." "詞語只有文字而沒有代碼：級別不足以互通。";
    UnknownCode "unknown-code" "A code is not in the loaded version of its terminology: the record is level 2 instead of 3." "代碼不在已載入的術語版本之內：紀錄屬第二級而非第三級。";
    ToxicHerb "toxic-herb" "A herb stands in a list of toxic medicines under legal control." "處方含法例管制名單所列的毒性中藥。";
    UnknownRegistration "unknown-registration" "A registration number is not in the loaded register of proprietary Chinese medicines." "註冊編號不在已載入的中成藥註冊名冊之內。";
    DoseAbove "dose-above" "The dose of a day is above what the table gives." "每日劑量高於列表所載。";
    Incompatible "incompatible" "Two herbs of one prescription are incompatible by tradition." "同一處方內有配伍禁忌的中藥。";
    Pregnancy "pregnancy" "A herb is forbidden in pregnancy, and the patient is pregnant." "處方含妊娠禁用中藥，而病人懷孕。";
    DuplicateHerb "duplicate-herb" "A herb stands in one prescription twice." "同一處方內中藥重複。";
    RegistrationEnded "registration-ended" "A transitional registration (HKP) had ended by the day of the visit." "中成藥過渡性註冊 (HKP) 在診症當日已告終止。";
    PacksDisagree "packs-disagree" "Packs and days of a prescription, or of its dispensing, do not agree." "處方或配藥的劑數與日數不符。";
    PractitionerLapsed "practitioner-lapsed" "The practitioner's registration had ended by the day of the visit." "中醫師的註冊在診症當日已屆滿。";
}
