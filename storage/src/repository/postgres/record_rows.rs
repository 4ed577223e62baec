//! Writing the rows of records and of their versions.

use postgres::types::Type;

use super::copying::Load;
use super::session::short;
use super::text::put;
use super::unit::Unit;
use super::versions::{Current, Key, Version};
use crate::repository::codec::{level_code, micros};
use crate::repository::error::Result;

const VERSIONS: &str = "COPY record_version (person, id, domain, record_key, number, former, retracted, rank, at, log_offset, \
    clinical_date, level, message, stored_at, content, resource) FROM STDIN (FORMAT binary)";

/// The rows of new versions.
pub(super) fn versions(versions: &[Version<'_>]) -> Result<Load> {
    let types = [
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::BOOL,
        Type::INT2,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::INT2,
        Type::INT8,
        Type::INT8,
        Type::BYTEA,
        Type::TEXT,
    ];
    Load::of(VERSIONS, &types, |rows| {
        versions.iter().try_for_each(|version| {
            let (source, record, clock) = (version.source, version.record, version.clock);
            rows.add(&[
                &source.person.0,
                &version.id,
                &record.domain.code(),
                &put(&record.key.0),
                &version.number,
                &version.former,
                &record.retracted,
                &i16::from(clock.rank),
                &clock.at,
                &clock.offset,
                &record.clinical_date.map(|date| date.to_string()),
                &short(level_code(record.level)),
                &source.message,
                &micros(source.now),
                &version.content.as_slice(),
                &record.resource.text(),
            ])
        })
    })
}

const INSERT: &str = "COPY record (person, place, domain, current, latest, versions, retracted, rank, at, log_offset, content) \
    FROM STDIN (FORMAT binary)";

/// The rows of new records.
pub(super) fn new_records<'l>(mut records: impl Iterator<Item = (&'l Key, &'l Current)>) -> Result<Load> {
    let types = [
        Type::INT8,
        Type::BYTEA,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::BOOL,
        Type::INT2,
        Type::INT8,
        Type::INT8,
        Type::BYTEA,
    ];
    Load::of(INSERT, &types, |rows| {
        records.try_for_each(|((person, place), record)| {
            rows.add(&[
                person,
                &place.as_slice(),
                &record.domain.code(),
                &record.current,
                &record.latest,
                &record.versions,
                &record.retracted,
                &i16::from(record.clock.rank),
                &record.clock.at,
                &record.clock.offset,
                &record.content.as_slice(),
            ])
        })
    })
}

const UPDATE: &str = "UPDATE record AS r SET domain = k.domain, current = k.current, latest = k.latest, \
    versions = k.versions, retracted = k.retracted, rank = k.rank, at = k.at, log_offset = k.log_offset, \
    content = k.content FROM unnest($1::int8[], $2::bytea[], $3::text[], $4::int8[], $5::int8[], $6::int8[], $7::bool[], \
    $8::int2[], $9::int8[], $10::int8[], $11::bytea[]) AS k (person, place, domain, current, latest, versions, \
    retracted, rank, at, log_offset, content) WHERE r.person = k.person AND r.place = k.place";

/// Brings records up to date.
pub(super) fn update_records(unit: &mut Unit<'_>, records: &[(&Key, &Current)]) -> Result<()> {
    macro_rules! column {
        ($kind:ty, $value:expr) => {
            records.iter().map($value).collect::<Vec<$kind>>()
        };
    }
    unit.execute(
        UPDATE,
        &[
            &column!(i64, |(key, _)| key.0),
            &column!(&[u8], |(key, _)| key.1.as_slice()),
            &column!(&str, |(_, r)| r.domain.code()),
            &column!(i64, |(_, r)| r.current),
            &column!(i64, |(_, r)| r.latest),
            &column!(i64, |(_, r)| r.versions),
            &column!(bool, |(_, r)| r.retracted),
            &column!(i16, |(_, r)| i16::from(r.clock.rank)),
            &column!(i64, |(_, r)| r.clock.at),
            &column!(i64, |(_, r)| r.clock.offset),
            &column!(&[u8], |(_, r)| r.content.as_slice()),
        ],
    )?;
    Ok(())
}
