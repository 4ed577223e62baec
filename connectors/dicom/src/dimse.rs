//! Command sets (DICOM PS3.7 section 6.3 and annex E): always Implicit VR Little Endian, a few short elements.

use causeway_core::dicom::uid::Uid;

/// A command set longer than this is none.
pub const COMMAND_BYTES_MAX: usize = 16 << 10;
/// Command Data Set Type: there is none.
pub const NO_DATA_SET: u16 = 0x0101;

/// Command fields.
pub mod field {
    /// C-STORE-RQ.
    pub const STORE: u16 = 0x0001;
    /// C-ECHO-RQ.
    pub const ECHO: u16 = 0x0030;
    /// N-EVENT-REPORT-RQ.
    pub const EVENT_REPORT: u16 = 0x0100;
    /// N-ACTION-RQ.
    pub const ACTION: u16 = 0x0130;
    /// C-CANCEL-RQ, which gets no answer.
    pub const CANCEL: u16 = 0x0FFF;
    /// Set in the field of every answer.
    pub const ANSWER: u16 = 0x8000;
}

/// A command, as far as we need it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// Command Field.
    pub field: u16,
    /// Message ID, of a request.
    pub message_id: u16,
    /// Message ID Being Responded To, of an answer.
    pub answers: u16,
    /// Command Data Set Type: anything but [`NO_DATA_SET`] says that one follows.
    pub data_set_type: u16,
    /// Affected SOP Class UID, as it came.
    pub affected_class: Option<Vec<u8>>,
    /// Affected SOP Instance UID, as it came.
    pub affected_instance: Option<Vec<u8>>,
    /// Requested SOP Class UID, as it came.
    pub requested_class: Option<Vec<u8>>,
    /// Requested SOP Instance UID, as it came.
    pub requested_instance: Option<Vec<u8>>,
    /// Status, of an answer.
    pub status: Option<u16>,
    /// Error Comment, of an answer that is none of success. It comes from the peer, so it is shown and not acted on.
    pub comment: String,
    /// Action Type ID or Event Type ID.
    pub type_id: Option<u16>,
}

/// A command set that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the command set cannot be read")]
pub struct CommandFault;

impl Command {
    /// Reads a command set.
    ///
    /// # Errors
    /// It is not whole, holds what is no command element, or names no field.
    pub fn read(mut bytes: &[u8]) -> Result<Self, CommandFault> {
        let mut command = Self { data_set_type: NO_DATA_SET, ..Self::default() };
        let mut has_field = false;
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_first_chunk::<8>().ok_or(CommandFault)?;
            let [0, 0, low, high, a, b, c, d] = *head else { return Err(CommandFault) };
            let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_too_long| CommandFault)?;
            let (value, rest) = rest.split_at_checked(length).ok_or(CommandFault)?;
            let number = || match value {
                [low, high] => Ok(u16::from_le_bytes([*low, *high])),
                _ => Err(CommandFault),
            };
            match u16::from_le_bytes([low, high]) {
                0x0002 => command.affected_class = Some(value.to_vec()),
                0x0003 => command.requested_class = Some(value.to_vec()),
                0x0100 => (command.field, has_field) = (number()?, true),
                0x0110 => command.message_id = number()?,
                0x0120 => command.answers = number()?,
                0x0800 => command.data_set_type = number()?,
                0x0900 => command.status = Some(number()?),
                0x0902 => {
                    let shown = value.iter().take(64).filter(|byte| matches!(byte, b' '..=b'~'));
                    command.comment = shown.map(|byte| char::from(*byte)).collect::<String>().trim().to_owned();
                }
                0x1000 => command.affected_instance = Some(value.to_vec()),
                0x1001 => command.requested_instance = Some(value.to_vec()),
                0x1002 | 0x1008 => command.type_id = Some(number()?),
                _ => {}
            }
            bytes = rest;
        }
        if has_field { Ok(command) } else { Err(CommandFault) }
    }

    /// Whether a data set follows.
    pub const fn has_data_set(&self) -> bool {
        self.data_set_type != NO_DATA_SET
    }
}

/// Writes command sets: elements in the order of their tags, the group length first.
#[derive(Debug, Default)]
pub struct CommandWriter {
    elements: Vec<(u16, Vec<u8>)>,
}

impl CommandWriter {
    /// A request.
    pub fn request(field: u16, message_id: u16, data_set: bool) -> Self {
        let mut writer = Self::default();
        writer.number(0x0100, field).number(0x0110, message_id);
        writer.number(0x0800, if data_set { 0x0001 } else { NO_DATA_SET });
        writer
    }

    /// An answer without a data set.
    pub fn answer(request: &Command, status: u16) -> Self {
        let mut writer = Self::default();
        writer.number(0x0100, request.field | field::ANSWER).number(0x0120, request.message_id);
        writer.number(0x0800, NO_DATA_SET).number(0x0900, status);
        writer
    }

    /// Puts a number.
    pub fn number(&mut self, element: u16, number: u16) -> &mut Self {
        self.elements.push((element, number.to_le_bytes().to_vec()));
        self
    }

    /// Puts an identifier.
    pub fn uid(&mut self, element: u16, uid: &Uid) -> &mut Self {
        self.text(element, uid.as_str(), 0)
    }

    /// Puts text of at most 64 characters.
    pub fn comment(&mut self, element: u16, text: &str) -> &mut Self {
        let short: String = text.chars().filter(char::is_ascii).take(64).collect();
        self.text(element, &short, b' ')
    }

    /// Puts tags that are at fault.
    pub fn offending(&mut self, tags: &[causeway_core::dicom::tag::Tag]) -> &mut Self {
        let bytes = tags.iter().flat_map(|tag| [tag.0.to_le_bytes(), tag.1.to_le_bytes()]).flatten().collect();
        self.elements.push((0x0901, bytes));
        self
    }

    /// The bytes of the command set.
    pub fn bytes(&self) -> Vec<u8> {
        let mut elements: Vec<_> = self.elements.iter().collect();
        elements.sort_by_key(|(element, _)| *element);
        let mut body = Vec::with_capacity(128);
        for (element, value) in elements {
            put(&mut body, *element, value);
        }
        let mut bytes = Vec::with_capacity(body.len().saturating_add(12));
        put(&mut bytes, 0, &u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    fn text(&mut self, element: u16, text: &str, padding: u8) -> &mut Self {
        let mut bytes = text.as_bytes().to_vec();
        if !bytes.len().is_multiple_of(2) {
            bytes.push(padding);
        }
        self.elements.push((element, bytes));
        self
    }
}

fn put(bytes: &mut Vec<u8>, element: u16, value: &[u8]) {
    bytes.extend([0, 0]);
    bytes.extend(element.to_le_bytes());
    bytes.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_126_command_sets_that_lie_are_refused() {
        let mut writer = CommandWriter::request(field::STORE, 7, true);
        writer.uid(0x1000, &Uid::parse("1.2.3").expect("a uid"));
        let bytes = writer.bytes();
        let command = Command::read(&bytes).expect("whole");
        assert_eq!((command.field, command.message_id, command.has_data_set()), (1, 7, true));
        assert_eq!(command.affected_instance.as_deref(), Some(&b"1.2.3\0"[..]));
        assert_eq!(command.affected_class, None);
        for end in 1..bytes.len() {
            assert!(Command::read(&bytes[..end]).is_err() || end > 12, "cut at {end}");
        }
        assert_eq!(Command::read(&[]), Err(CommandFault));
        assert_eq!(Command::read(&[8, 0, 0, 0, 0, 0, 0, 0]), Err(CommandFault), "not of the command group");
        assert_eq!(Command::read(&[0, 0, 0, 1, 4, 0, 0, 0, 1, 0, 0, 0]), Err(CommandFault), "a field of four bytes");
        // A wrong group length is of no matter: the length of the whole is known.
        let mut wrong = bytes;
        wrong[8] = 0xFF;
        assert!(Command::read(&wrong).is_ok());
    }
}
