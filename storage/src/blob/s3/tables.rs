//! The tables of checksums of blobs that are being read, so that a reader of a large image does not fetch one for each part.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_core::envelope::Digest;

use crate::blob::seal::Table;

/// Tables kept. The largest blob's takes 256 KiB.
const KEPT: usize = 64;

/// The last tables that were asked for.
#[derive(Debug, Default)]
pub(super) struct Tables(Mutex<VecDeque<(Digest, Arc<Table>)>>);

impl Tables {
    /// The table of a blob, if it is kept.
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<Table>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(of, _)| of == digest).map(|(_, table)| Arc::clone(table))
    }

    /// Keeps a table, and gives up the oldest when there are too many.
    pub(super) fn put(&self, digest: Digest, table: Table) -> Arc<Table> {
        let table = Arc::new(table);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| *of != digest);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((digest, Arc::clone(&table)));
        table
    }

    /// Gives one up: what is stored is not what it was.
    pub(super) fn forget(&self, digest: &Digest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _)| of != digest);
    }
}
