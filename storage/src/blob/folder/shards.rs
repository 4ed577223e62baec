//! Walking the folder in the order of the addresses.

use std::path::Path;

use causeway_core::envelope::Digest;
use causeway_core::port::{BlobError, BlobRow};

use super::{disk, row};

/// Blobs behind `after`, at most so many. Reads one shard at a time.
pub(super) fn list(dir: &Path, after: Option<&Digest>, count_max: usize) -> Result<Vec<BlobRow>, BlobError> {
    let after = after.map(Digest::to_string).unwrap_or_default();
    let mut rows = Vec::new();
    for shard in shards(dir, &after)? {
        if rows.len() >= count_max {
            break;
        }
        in_shard(&dir.join(shard), &after, count_max, &mut rows)?;
    }
    Ok(rows)
}

/// The shards of the store, in order, without those that end before `after`.
fn shards(dir: &Path, after: &str) -> Result<Vec<String>, BlobError> {
    let mut names: Vec<String> = disk::entries(dir)?
        .iter()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.len() == 2 && is_hex(name))
        .filter(|name| name.as_str() >= after.get(..2).unwrap_or_default())
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// The blobs of one shard.
fn in_shard(dir: &Path, after: &str, count_max: usize, rows: &mut Vec<BlobRow>) -> Result<(), BlobError> {
    let mut names: Vec<(String, _)> = disk::entries(dir)?
        .into_iter()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry)))
        .filter(|(name, _)| name.as_str() > after)
        .collect();
    names.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    for (name, entry) in names {
        if rows.len() >= count_max {
            break;
        }
        // What is removed meanwhile, and what is none of ours, is passed over.
        let found = Digest::parse(&name).zip(entry.metadata().ok());
        rows.extend(found.and_then(|(digest, about)| row(digest, &about)));
    }
    Ok(())
}

fn is_hex(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
