//! Rows on their way into a table: encoded in memory for a `COPY … FROM STDIN (FORMAT binary)`, and sent in pieces.
//!
//! Encoding is apart from sending, so that the next rows are encoded while the server still stores these.

use std::io::Write as _;

use bytes::{BufMut as _, BytesMut};
use postgres::types::{IsNull, Type};
use postgres::{CopyInWriter, Statement};

use super::session::Params;
use crate::repository::error::{Result, StoreError};

/// What the format begins with: its signature, no flags, no extension ("COPY", Binary Format, File Header).
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with: a row of minus one columns.
const TRAILER: i16 = -1;
/// The length of a column that is null.
const NULL: i32 = -1;
/// Bytes in one message to the server, which reads each one whole before it stores the rows in it.
const PIECE_BYTES: usize = 64 * 1024;

/// Encoded rows, with the statement that takes them.
pub(super) struct Load {
    pub(super) sql: &'static str,
    bytes: BytesMut,
    rows: usize,
}

impl Load {
    /// Encodes rows whose columns have these types.
    pub(super) fn of(
        sql: &'static str,
        types: &[Type],
        write: impl FnOnce(&mut Rows<'_>) -> Result<()>,
    ) -> Result<Self> {
        let mut rows = Rows { types, bytes: BytesMut::from(HEADER), count: 0 };
        write(&mut rows)?;
        rows.bytes.put_i16(TRAILER);
        Ok(Self { sql, bytes: rows.bytes, rows: rows.count })
    }

    /// Whether there are no rows.
    pub(super) const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Sends the rows, does `beside` while the server stores them, and waits until they are stored.
    pub(super) fn send<T>(
        &self,
        client: &mut postgres::Client,
        statement: &Statement,
        beside: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let mut writer = client.copy_in(statement)?;
        for piece in self.bytes.chunks(PIECE_BYTES) {
            put(&mut writer, piece)?;
        }
        // A writer that is dropped takes the rows back.
        let done = beside()?;
        writer.finish()?;
        Ok(done)
    }
}

/// One message to the server.
fn put(writer: &mut CopyInWriter<'_>, piece: &[u8]) -> Result<()> {
    writer.write_all(piece).and_then(|()| writer.flush()).map_err(|error| match error.downcast::<postgres::Error>() {
        Ok(error) => error.into(),
        Err(error) => StoreError::Unavailable(format!("the connection failed: {}", error.kind())),
    })
}

/// Rows being encoded.
pub(super) struct Rows<'t> {
    types: &'t [Type],
    bytes: BytesMut,
    count: usize,
}

impl Rows<'_> {
    /// The next row: one value a column, each of its type.
    pub(super) fn add(&mut self, columns: Params<'_>) -> Result<()> {
        let unfit = || StoreError::Refused("a row does not fit its table".to_owned());
        if columns.len() != self.types.len() {
            return Err(unfit());
        }
        self.bytes.put_i16(i16::try_from(columns.len()).ok().ok_or_else(unfit)?);
        for (column, kind) in columns.iter().zip(self.types) {
            let at = self.bytes.len();
            self.bytes.put_i32(NULL);
            let from = self.bytes.len();
            match column.to_sql_checked(kind, &mut self.bytes).ok().ok_or_else(unfit)? {
                IsNull::Yes => {}
                IsNull::No => {
                    let length = i32::try_from(self.bytes.len().saturating_sub(from)).ok().ok_or_else(unfit)?;
                    self.bytes.get_mut(at..from).ok_or_else(unfit)?.copy_from_slice(&length.to_be_bytes());
                }
            }
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [Type; 3] = [Type::INT8, Type::TEXT, Type::BOOL];

    #[test]
    fn rows_are_encoded_as_the_format_says() {
        let load = Load::of("COPY", &TYPES, |rows| {
            rows.add(&[&7_i64, &"ab", &true])?;
            rows.add(&[&-1_i64, &None::<&str>, &false])
        });
        let load = load.expect("encoded");
        let mut expected = b"PGCOPY\n\xff\r\n\0".to_vec();
        expected.extend([0; 8]);
        expected.extend([0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2, b'a', b'b', 0, 0, 0, 1, 1]);
        expected.extend([0, 3, 0, 0, 0, 8]);
        expected.extend([0xff; 12]);
        expected.extend([0, 0, 0, 1, 0, 0xff, 0xff]);
        assert_eq!(load.bytes, expected);
        assert!(!load.is_empty());
    }

    #[test]
    fn a_row_that_does_not_fit_its_table_is_refused() {
        for columns in [&[&7_i64 as &(dyn postgres::types::ToSql + Sync)][..], &[&"ab", &7_i64, &true]] {
            let load = Load::of("COPY", &TYPES, |rows| rows.add(columns));
            assert!(matches!(load, Err(StoreError::Refused(_))));
        }
    }

    #[test]
    fn no_rows_are_told() {
        assert!(Load::of("COPY", &TYPES, |_| Ok(())).expect("encoded").is_empty());
    }
}
