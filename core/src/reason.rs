//! Reason codes: why something was withheld, held or rejected. A closed set, so that it can be a metric label,
//! be listed in the operators' pages and be explained in both languages.

use serde::{Deserialize, Serialize};

/// The kind of trouble, which tells whose desk it lands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Class {
    /// The bytes do not form a message.
    Syntax,
    /// A message, but not one this feed may send.
    Profile,
    /// Whom it is about is in doubt.
    Identity,
    /// No right to deposit.
    Consent,
    /// Outside the sharable scope, or before its date.
    Scope,
    /// Not structured enough.
    Level,
    /// A part that must come by another way is missing.
    Payload,
    /// A limit was reached.
    Capacity,
    /// Ours: a fault of the hub.
    Hub,
}

macro_rules! reasons {
    ($($variant:ident $code:literal $class:ident $error:literal $en:literal $zh:literal $fix:literal $fix_zh:literal),+ $(,)?) => {
        /// Why a message was not accepted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $(#[doc = $en] #[serde(rename = $code)] $variant,)+
        }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code, e.g. `NOT_REGISTERED`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The kind of trouble.
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class),+ }
            }

            /// The HL7 error code for ERR-3 (table 0357).
            pub const fn hl7_error(self) -> u16 {
                match self { $(Self::$variant => $error),+ }
            }

            /// What it means, in English.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $en),+ }
            }

            /// What it means, in Chinese.
            pub const fn text_zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),+ }
            }

            /// What to do about it, in English.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix),+ }
            }

            /// What to do about it, in Chinese.
            pub const fn fix_zh(self) -> &'static str {
                match self { $(Self::$variant => $fix_zh),+ }
            }

            /// The reason of a code.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

reasons! {
    Unreadable "UNREADABLE" Syntax 100 "The message has no readable MSH segment" "訊息沒有可讀的 MSH 段" "Send MSH first, with its delimiters in MSH-1 and MSH-2" "訊息須以 MSH 段開始，並在 MSH-1 及 MSH-2 列明分隔符",
    BrokenFrame "BROKEN_FRAME" Syntax 100 "The frame was cut: a new start block came before the end block" "訊框中斷：結束前出現新的開始字元" "Resend the message whole" "請重新傳送整個訊息",
    StrayEndBlock "STRAY_END_BLOCK" Syntax 100 "An end block byte (0x1C) stands inside the message" "訊息內出現結束字元 (0x1C)" "Remove the byte from the text, or set `accept_inner_end` for the door" "移除文字內的該字元，或為該接口設定 `accept_inner_end`",
    NotOneMessage "NOT_ONE_MESSAGE" Profile 207 "The frame or request holds several messages without a batch header, a batch where none is taken, or a part of a message" "訊框或要求內並非一則完整訊息" "Send one whole message a frame or request, without DSC, ADD and MSH-14; a batch (FHS, BHS) by MLLP or as a file" "每個訊框或要求只傳送一則完整訊息，不含 DSC、ADD 及 MSH-14；批次（FHS、BHS）以 MLLP 或檔案傳送",
    BatchCount "BATCH_COUNT" Syntax 207 "The batch holds another number of messages or batches than its trailer says" "批次內的訊息或批次數目與結尾所示不符" "Compare the report with what was sent, and send what is missing" "請比對回報與已傳送的訊息，並補發欠缺的訊息",
    BatchCut "BATCH_CUT" Syntax 100 "The batch has no header or no trailer: it may be cut" "批次缺少開首或結尾，可能不完整" "Send the batch again, whole" "請重新傳送完整的批次",
    BadSegment "BAD_SEGMENT" Syntax 100 "A segment name is not three characters followed by the field separator" "段名稱不正確" "Check for line breaks inside fields" "檢查欄位內有否夾雜換行字元",
    MissingSegment "MISSING_SEGMENT" Syntax 100 "A required segment is missing" "缺少必需的段" "Send the segment named in the place" "請傳送所示位置的段",
    MissingField "MISSING_FIELD" Syntax 101 "A required field is empty" "必需欄位為空" "Fill the field named in the place" "請填寫所示位置的欄位",
    BadValue "BAD_VALUE" Syntax 102 "A required field has a value of the wrong type" "欄位資料類型錯誤" "Correct the field named in the place" "請更正所示位置的欄位",
    TooLong "TOO_LONG" Capacity 207 "The message is longer than this feed allows" "訊息超過長度上限" "Split it, or raise frame_bytes_max for the feed" "拆分訊息，或調高該資料來源的 frame_bytes_max",
    TooManyParts "TOO_MANY_PARTS" Capacity 207 "The message has more segments or parts than allowed" "訊息的段或部分過多" "Split the message" "拆分訊息",
    Busy "BUSY" Capacity 207 "The hub cannot take more at this moment" "系統繁忙" "Resend later" "請稍後重新傳送",
    Paused "PAUSED" Hub 207 "The feed is paused by an operator" "資料來源已被暫停" "Resume it with `causeway feed resume`" "以 `causeway feed resume` 恢復接收",
    LogUnavailable "LOG_UNAVAILABLE" Hub 207 "The message could not be made durable" "訊息未能可靠儲存" "Resend; see `causeway doctor`" "請重新傳送；並執行 `causeway doctor` 檢查",
    Undecodable "UNDECODABLE" Syntax 102 "The text is not in the character set it claims" "文字與其聲稱的字元集不符" "Set `charset` for the feed, then replay; or correct MSH-18 at the sender" "為該資料來源設定 `charset` 後重新處理；或由發送方更正 MSH-18",
    CharsetUnknown "CHARSET_UNKNOWN" Profile 103 "The character set is not known or not safe over MLLP" "字元集不明或不安全" "Use UNICODE UTF-8, or set `charset` for the feed" "使用 UNICODE UTF-8，或為該資料來源設定 `charset`",
    FeedUnknown "FEED_UNKNOWN" Profile 207 "No feed is configured for this peer, application and facility" "沒有為此來源設定資料來源" "Add MSH-3 and MSH-4 to `senders`, and the address to `from`, of a [[door.feed]]" "在 [[door.feed]] 的 `senders` 加入 MSH-3 及 MSH-4，並在 `from` 加入其位址",
    CertificateMismatch "CERTIFICATE" Profile 207 "The sender's certificate or token is not one of the feed that it names" "發送方的憑證或權杖不屬於其聲稱的資料來源" "Send with the feed's own certificate, or add this one to `certificates` of the feed" "使用該資料來源的憑證傳送，或將此憑證加入該來源的 `certificates`",
    NotForUs "NOT_FOR_US" Profile 207 "The message names another receiver" "訊息的接收者並非本系統" "Correct MSH-5 and MSH-6 at the sender, or set `receivers` for the feed" "於發送方更正 MSH-5 及 MSH-6，或為該來源設定 `receivers`",
    UnsupportedType "UNSUPPORTED_TYPE" Profile 200 "This message type is not taken" "不接受此訊息類型" "See docs/messages.md for the types that are" "可接受的類型見 docs/messages.md",
    UnsupportedEvent "UNSUPPORTED_EVENT" Profile 201 "This trigger event is not taken" "不接受此觸發事件" "See docs/messages.md for the events that are" "可接受的事件見 docs/messages.md",
    ProcessingId "PROCESSING_ID" Profile 202 "The processing id is not the one this feed expects" "處理識別碼與設定不符" "Send MSH-11 P, or set `processing_ids` for the feed" "MSH-11 請傳送 P，或為該資料來源設定 `processing_ids`",
    VersionUnknown "VERSION_UNKNOWN" Profile 203 "The HL7 version is not taken" "不接受此 HL7 版本" "Send 2.1 to 2.9, or set `versions` for the feed" "傳送 2.1 至 2.9，或為該資料來源設定 `versions`",
    ControlIdReused "CONTROL_ID_REUSED" Profile 205 "The control id was used before for another message" "控制編號曾用於另一訊息" "Give every message its own MSH-10" "每個訊息須有獨立的 MSH-10",
    SequenceNumber "SEQUENCE_NUMBER" Profile 207 "The sequence number is not the one that is expected" "序號並非預期的序號" "Send the message whose number MSA-4 tells; to begin anew send -1 in MSH-13" "請傳送 MSA-4 所示序號的訊息；如要重新開始，於 MSH-13 傳送 -1",
    NoIdentifier "NO_IDENTIFIER" Identity 101 "No usable patient identifier" "沒有可用的病人識別碼" "Send PID-3" "請傳送 PID-3",
    NoDocument "NO_DOCUMENT" Identity 207 "No identity document, and the local number is not linked; a registered person looks alike" "沒有身分證明文件，本地編號亦未連結" "Link the local number with `causeway person link`, then replay" "以 `causeway person link` 連結本地編號後重新處理",
    OtherDocument "OTHER_DOCUMENT" Identity 207 "The identity document is of another kind than the registered one; a registered person looks alike" "身分證明文件種類與登記的不同；有登記人士資料相似" "If it is the same person, add the document with `causeway person document`, then replay" "如屬同一人，以 `causeway person document` 加入該證件，然後重播",
    IdCheckDigit "ID_CHECK_DIGIT" Identity 207 "The HKID check digit is wrong" "香港身分證校驗碼錯誤" "Correct PID-3 at the sender" "由發送方更正 PID-3",
    IdentityConflict "IDENTITY_CONFLICT" Identity 207 "The document number belongs to a person with another name and birth date" "證件號碼屬於另一人" "Correct the number at the sender" "由發送方更正證件號碼",
    ImageOfTwoPersons "IMAGE_OF_TWO_PERSONS" Identity 207 "The images of this study, or an image under this SOP Instance UID, stand for another person" "此檢查的影像，或使用此 SOP Instance UID 的影像，已屬於另一人" "If both are one person, join them with `causeway person link`, then replay; if the first was wrong, have its sender reject it (IHE IOCM), or delete it and free its UID (`causeway image delete`, then `restore`), then replay; if this one is wrong, discard it" "如屬同一人，以 `causeway person link` 連結後重新處理；如先前的影像有誤，請發送方以 IHE IOCM 拒絕，或將其刪除並釋放其 UID（先 `causeway image delete`，後 `restore`），然後重新處理；如此影像有誤，請捨棄",
    ImageDeleted "IMAGE_DELETED" Scope 207 "An operator deleted the images under this Study, Series or SOP Instance UID" "操作員已刪除此檢查、系列或 SOP Instance UID 之下的影像" "Nothing; if it is to be kept after all, take that back with `causeway image restore`, then replay or send it again" "無須處理；如仍須保留，以 `causeway image restore` 撤銷刪除，然後重新處理或再次傳送",
    IdentityReview "IDENTITY_REVIEW" Identity 207 "The document number matches, but name, birth date or sex differ a little" "證件號碼相符，但姓名、出生日期或性別略有不同" "Compare with the registry, correct the one that is wrong, then replay" "與登記冊核對，更正有誤的一方後重新處理",
    MergeOfTwoPersons "MERGE_OF_TWO_PERSONS" Identity 207 "The message joins the numbers of two patients, and the registry has the other number for another person" "訊息把兩名病人的編號合併或連結，而登記冊中另一編號屬於另一人" "If they are one person, move the number with `causeway person unlink` and `causeway person link`, then replay; if not, have the sender undo it and discard the message" "如屬同一人，以 `causeway person unlink` 及 `causeway person link` 移轉該編號後重新處理；否則請發送方撤銷，並捨棄該訊息",
    MergeLoop "MERGE_LOOP" Identity 207 "The message merges the number of a patient into itself, or back into one that replaced it" "訊息把病人的編號併入其自身，或併回已被它取代的編號" "Correct PID-3 or MRG-1 at the sender; a wrong merge is undone by A37, and one held meanwhile is then replayed" "由發送方更正 PID-3 或 MRG-1；錯誤的合併以 A37 撤銷，其後重新處理被擱置者",
    NotRegistered "NOT_REGISTERED" Consent 207 "The person is not an active participant" "該人士並非有效參與者" "Nothing: it is taken up by itself if the person joins while the log still holds it" "無須處理：該人士若在日誌保存期內登記，訊息會自動納入",
    NoSharingConsent "NO_SHARING_CONSENT" Consent 207 "The person gave this provider no sharing consent, which the 2019 policy needs" "病人未有給予此提供者互通同意" "Nothing: it is taken up by itself if consent is given while the log still holds it" "無須處理：若在日誌保存期內給予同意，訊息會自動納入",
    ProviderStatus "PROVIDER_STATUS" Consent 207 "The provider is unknown, suspended or no longer registered" "醫護提供者未登記或已被暫停" "Check `causeway provider show`" "以 `causeway provider show` 檢查",
    OutOfScope "OUT_OF_SCOPE" Scope 207 "The domain is not enabled for this provider, nor for the service location" "此資料類別未為該提供者或其服務地點啟用" "Enable it with `causeway scope enable`, for all locations or with `--location` for one" "以 `causeway scope enable` 為所有地點啟用該類別，或以 `--location` 為個別地點啟用",
    BeforeEffectiveDate "SCOPE_DATE" Scope 207 "The record is dated before the effective date of its service location, or of its provider, for this domain" "紀錄日期早於生效日期" "Nothing, or correct the effective date" "無須處理，或更正生效日期",
    LevelTooLow "LEVEL" Level 207 "The record is less structured than its domain requires" "紀錄結構未達所需級別" "Send codes with their descriptions" "請傳送代碼及其描述",
    NothingSharable "NOTHING_SHARABLE" Scope 207 "The message holds nothing inside the sharable scope" "訊息沒有可互通的內容" "Nothing" "無須處理",
    DocumentPending "DOCUMENT_PENDING" Payload 207 "The report is sent by pointer and waits to be fetched" "報告以指標傳送，等待擷取" "Nothing: it is fetched by itself; `causeway message show` tells of tries" "無須處理：系統會自動擷取；`causeway message show` 顯示嘗試情況",
    DocumentNotListed "DOCUMENT_NOT_LISTED" Payload 207 "The report is sent by pointer, and its place is not on the feed's list: it is never fetched" "報告以指標傳送，而其位置不在該資料來源的清單內，因此不會擷取" "Add the place as a [[door.feed.fetch]] of the feed, then replay" "把該位置加入資料來源的 [[door.feed.fetch]]，然後重新處理",
    DocumentUnreachable "DOCUMENT_UNREACHABLE" Payload 207 "The report that a pointer leads to could not be fetched in any of the tries" "多次嘗試後仍未能擷取指標所指的報告" "See the note of the message; make the document available, then replay" "查看訊息的附註；備妥文件後重新處理",
    DocumentSize "DOCUMENT_SIZE" Payload 207 "The report that was fetched has another size than announced, or more than may be fetched" "擷取的報告與所報大小不符，或超過可擷取的上限" "Compare both sizes in the note of the message; have the document or OBX-7 corrected, or raise bytes_max, then replay" "比對訊息附註內的兩個大小；請發送方更正文件或 OBX-7，或調高 bytes_max，然後重新處理",
    DocumentType "DOCUMENT_TYPE" Payload 207 "The embedded document is of a type that is not taken" "內嵌文件的類型不獲接受" "Send PDF, RTF, plain text, JPEG, PNG, TIFF or CDA; programs, web pages and other files are refused, whatever they are called" "請傳送 PDF、RTF、純文字、JPEG、PNG、TIFF 或 CDA；程式、網頁及其他檔案，不論名稱，一概不收",
    DocumentBroken "DOCUMENT_BROKEN" Payload 102 "A document in the message is not the Base64 that it says it is" "訊息內的文件並非其聲稱的 Base64 編碼" "Send the message again with the whole document in Base64" "請以 Base64 編碼重新傳送整份文件",
    DocumentTooLarge "DOCUMENT_TOO_LARGE" Payload 207 "A document of the message is larger than the blob store takes" "訊息內的文件超過文件庫的大小上限" "Raise `blob_bytes_max` of the blob store, then replay" "調高文件庫的 `blob_bytes_max` 後重新處理",
    Unmappable "UNMAPPABLE" Hub 207 "The message could not be mapped" "訊息未能轉換" "Report the message with its trace id; replay after the fix" "以追蹤編號回報該訊息；修正後重新處理",
    LogEntryGone "LOG_ENTRY_GONE" Hub 207 "The log no longer holds the message" "日誌已不再保存該訊息" "Ask the sender to send it again" "請發送方再次傳送",
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.code()), Some(*reason));
        }
    }

    #[test]
    fn every_reason_is_explained_in_both_languages() {
        let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for reason in Reason::ALL {
            assert!(!chinese(reason.text()) && !chinese(reason.fix()), "{reason}");
            assert!(chinese(reason.text_zh()) && chinese(reason.fix_zh()), "{reason}");
        }
    }
}
