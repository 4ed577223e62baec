//! The codes of notes: a closed set, so that operators can filter by them and docs/messages.md can list them.

macro_rules! codes {
    ($($variant:ident $code:literal $text:literal $(=> $fix:literal)?;)+) => {
        /// What a note is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum NoteCode {
            $(#[doc = $text] $variant,)+
        }

        impl NoteCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What it says.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// What a sender or a site can do about it; empty when there is nothing to be done.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$variant => concat!($($fix)?)),+ }
            }

            /// The note of a code.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    UnusedField "unused-field" "A field has a value that no record has a place for.";
    UnusedComponent "unused-component" "A component of a used field has a value that no record has a place for.";
    UnusedRepetition "unused-repetition" "A field repeats where FHIR has place for one: the first is used." => "Send the one that counts first";
    UnusedSegment "unused-segment" "The event does not use the segment, or it stands where it says nothing.";
    UnmappedCode "unmapped-code" "A code is in no table: kept as the sender's own, or left out where FHIR allows no others." => "Send a code of the table, or have the code mapped";
    UnmappedType "unmapped-type" "A value is of a type that is kept as text." => "Send the value as one of the types docs/messages.md lists";
    NoValueType "no-value-type" "OBX-2 is empty: a number with a unit is taken for NM, the rest for text." => "Send OBX-2";
    NotANumber "not-a-number" "What should be a number is none: kept as text, or left out." => "Send digits alone, or another type in OBX-2";
    BadDate "bad-date" "What should be a date or time is none: left out, or kept as text where it is the value." => "Send YYYY, YYYYMM, YYYYMMDD or YYYYMMDDHHMM[SS][+ZZZZ], a day that exists";
    BadUnit "bad-unit" "The code of a unit holds a blank: kept as words." => "Send the unit's code in the first component and its name in the second";
    BadUid "bad-uid" "What should be a DICOM UID is none: the report is not joined with a study by it.";
    BadHkid "bad-hkid" "A number sent as an HKID is none." => "Send the number as on the card, with its check digit";
    DerivedId "derived-id" "A record has no number of its own and is keyed by something else." => "Send the record's own number";
    ClassDisagrees "class-disagrees" "The visit number speaks of another class than PV1-2." => "Send the class in PV1-2 that the visit number stands for";
    MissingField "missing-field" "A field is empty that FHIR needs: its value is said to be unknown." => "Send the field";
    MergeWithItself "merge-with-itself" "The patient to be replaced is the one that remains." => "Send the number to be replaced in MRG-1 and the one that remains in PID-3";
    ItsOwnParent "its-own-parent" "A document names itself as the one it adds to or replaces: it is related to none.";
    DuplicateIngredient "duplicate-ingredient" "The same ingredient stands in one prescription twice: both are kept." => "Send each ingredient once, with its whole amount";
    RegistrationEnded "registration-ended" "The registration of a product had ended by the day of the record: kept as sent." => "Send the product's present number";
    RelativePointer "relative-pointer" "The pointer to a document names no scheme: it stands as the title." => "Send the whole address";
    DocumentType "document-type" "A document says it is of one type and its bytes are of another: the bytes count.";
    NoMessageTime "no-message-time" "The message says no time: versions are ordered by when it was received." => "Send MSH-7";
    BrokenPromise "broken-promise" "A field has no value that the feed's profile promises." => "Send the field, or take it out of `promise` in the profile";
    UnknownEscape "unknown-escape" "A field holds an escape sequence that means nothing, or an escape character that opens none: kept as sent." => "Send the escape character as \\E\\";
    HiddenMark "hidden-mark" "A field holds a mark that turns or hides text: stored as sent, and shown by itself." => "Send the text without it, unless it belongs to the name";
    PrivateUse "private-use" "A field holds characters of HKSCS as they were coded before they had standard ones: stored as the standard ones, and what came stays in the log." => "Send the standard characters";
    PrivateUseUnknown "private-use-unknown" "A field holds a character of the private use area that no standard knows: stored as sent." => "Send the standard character, or tell what it stands for";
    TooManyNotes "too-many-notes" "Further notes and faults are counted, not listed.";
}
