//! Tags of data elements (DICOM PS3.6), and which of them are kept of an instance's header.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The tag of a data element: group, then element. Written `(0010,0020)`; `00100020` in JSON, as DICOM JSON does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16, pub u16);

impl Tag {
    /// Eight hexadecimal digits, as in DICOM JSON (PS3.18 annex F).
    pub fn hex(self) -> String {
        format!("{:04X}{:04X}", self.0, self.1)
    }

    /// Reads eight hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| u16::from_str_radix(text.get(from..to)?, 16).ok();
        (text.len() == 8).then_some(Self(number(0, 4)?, number(4, 8)?))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04X},{:04X})", self.0, self.1)
    }
}

impl Serialize for Tag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected eight hexadecimal digits"))
    }
}

macro_rules! kept {
    ($($name:ident $group:literal $element:literal $help:literal;)+) => {
        $(#[doc = $help] pub const $name: Tag = Tag($group, $element);)+
        /// What is kept of a header: enough to know whose it is, what it belongs to, and what a list of studies shows.
        pub const KEPT: &[Tag] = &[$($name),+];
    };
}

kept! {
    SPECIFIC_CHARACTER_SET 0x0008 0x0005 "Specific Character Set";
    IMAGE_TYPE 0x0008 0x0008 "Image Type";
    SOP_CLASS_UID 0x0008 0x0016 "SOP Class UID";
    SOP_INSTANCE_UID 0x0008 0x0018 "SOP Instance UID";
    STUDY_DATE 0x0008 0x0020 "Study Date";
    SERIES_DATE 0x0008 0x0021 "Series Date";
    CONTENT_DATE 0x0008 0x0023 "Content Date";
    STUDY_TIME 0x0008 0x0030 "Study Time";
    SERIES_TIME 0x0008 0x0031 "Series Time";
    CONTENT_TIME 0x0008 0x0033 "Content Time";
    ACCESSION_NUMBER 0x0008 0x0050 "Accession Number";
    MODALITY 0x0008 0x0060 "Modality";
    MANUFACTURER 0x0008 0x0070 "Manufacturer";
    INSTITUTION_NAME 0x0008 0x0080 "Institution Name";
    REFERRING_PHYSICIAN_NAME 0x0008 0x0090 "Referring Physician's Name";
    TIMEZONE_OFFSET 0x0008 0x0201 "Timezone Offset From UTC";
    STATION_NAME 0x0008 0x1010 "Station Name";
    STUDY_DESCRIPTION 0x0008 0x1030 "Study Description";
    SERIES_DESCRIPTION 0x0008 0x103E "Series Description";
    PERFORMING_PHYSICIAN_NAME 0x0008 0x1050 "Performing Physician's Name";
    PATIENT_NAME 0x0010 0x0010 "Patient's Name";
    PATIENT_ID 0x0010 0x0020 "Patient ID";
    ISSUER_OF_PATIENT_ID 0x0010 0x0021 "Issuer of Patient ID";
    TYPE_OF_PATIENT_ID 0x0010 0x0022 "Type of Patient ID";
    PATIENT_BIRTH_DATE 0x0010 0x0030 "Patient's Birth Date";
    PATIENT_SEX 0x0010 0x0040 "Patient's Sex";
    BODY_PART_EXAMINED 0x0018 0x0015 "Body Part Examined";
    SLICE_THICKNESS 0x0018 0x0050 "Slice Thickness";
    PROTOCOL_NAME 0x0018 0x1030 "Protocol Name";
    STUDY_INSTANCE_UID 0x0020 0x000D "Study Instance UID";
    SERIES_INSTANCE_UID 0x0020 0x000E "Series Instance UID";
    STUDY_ID 0x0020 0x0010 "Study ID";
    SERIES_NUMBER 0x0020 0x0011 "Series Number";
    INSTANCE_NUMBER 0x0020 0x0013 "Instance Number";
    FRAME_OF_REFERENCE_UID 0x0020 0x0052 "Frame of Reference UID";
    LATERALITY 0x0020 0x0060 "Laterality";
    SAMPLES_PER_PIXEL 0x0028 0x0002 "Samples per Pixel";
    PHOTOMETRIC_INTERPRETATION 0x0028 0x0004 "Photometric Interpretation";
    NUMBER_OF_FRAMES 0x0028 0x0008 "Number of Frames";
    ROWS 0x0028 0x0010 "Rows";
    COLUMNS 0x0028 0x0011 "Columns";
    BITS_ALLOCATED 0x0028 0x0100 "Bits Allocated";
    REQUESTED_PROCEDURE_DESCRIPTION 0x0032 0x1060 "Requested Procedure Description";
    CONTENT_LABEL 0x0070 0x0080 "Content Label";
    DOCUMENT_TITLE 0x0042 0x0010 "Document Title";
}

/// Pixel Data.
pub const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
/// Float Pixel Data.
pub const FLOAT_PIXEL_DATA: Tag = Tag(0x7FE0, 0x0008);
/// Double Float Pixel Data.
pub const DOUBLE_PIXEL_DATA: Tag = Tag(0x7FE0, 0x0009);
/// Extended Offset Table.
pub const EXTENDED_OFFSET_TABLE: Tag = Tag(0x7FE0, 0x0001);
/// Extended Offset Table Lengths.
pub const EXTENDED_OFFSET_TABLE_LENGTHS: Tag = Tag(0x7FE0, 0x0002);
/// Item.
pub const ITEM: Tag = Tag(0xFFFE, 0xE000);
/// Item Delimitation.
pub const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
/// Sequence Delimitation.
pub const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_written_as_the_standard_writes_them() {
        assert_eq!((PATIENT_ID.to_string().as_str(), PATIENT_ID.hex().as_str()), ("(0010,0020)", "00100020"));
        assert_eq!(Tag::parse("7FE00010"), Some(PIXEL_DATA));
        assert_eq!(Tag::parse("7FE0001"), None);
        assert_eq!(Tag::parse("7FE0001g"), None);
    }
}
