//! Repositories in temporary folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_core::contract::repository::Store;
use causeway_core::contract::repository::world::{accepted, add, clock, commit, join, result, withheld};
use causeway_core::contract::repository::world::{by_document, hospital, operator, provider};
use causeway_core::person::PersonId;
use causeway_core::port::Registry as _;
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};

/// A database in a folder of its own.
pub(crate) struct Place {
    folder: Arc<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: Arc::new(tempfile::tempdir().expect("a folder")) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("causeway.db")
    }

    pub(crate) fn open(&self) -> Arc<SqliteRepository> {
        Arc::new(SqliteRepository::open(&self.database(), SqliteSettings::default()).expect("it opens"))
    }
}

/// The ports of an engine.
pub(crate) fn store(repository: &Arc<SqliteRepository>) -> Store {
    Store {
        repository: repository.clone(),
        registry: repository.clone(),
        images: repository.clone(),
        commitments: repository.clone(),
        pointers: repository.clone(),
        keep: Arc::new(()),
    }
}

/// A repository that has a bit of everything; closed, so that all of it is in the one file. Gives its persons.
pub(crate) fn filled(place: &Place, messages: u64) -> Vec<PersonId> {
    let repository = place.open();
    let store = store(&repository);
    repository
        .put_provider(&provider(&hospital()), &operator(), "2026-01-01T00:00:00Z".parse().expect("a time"))
        .expect("put");
    let people: Vec<PersonId> = (1..=4).map(|number| add(&store, number).person.id).collect();
    people.iter().for_each(|person| join(&store, *person));
    let outcomes = (0..messages).map(|offset| {
        let person = people[usize::try_from(offset % 4).expect("small")];
        let second = u32::try_from(offset).expect("small");
        let order = format!("LAB{}", offset / 2);
        match offset % 5 {
            4 => withheld(offset, &by_document(9)),
            _ => accepted(offset, person, vec![result(&order, clock(2, second, offset), &format!("value {offset}"))]),
        }
    });
    commit(&store, outcomes.collect());
    people
}

/// Copies a database with what belongs to it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal", ".head"] {
        let beside = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        if beside(from).exists() {
            std::fs::copy(beside(from), beside(to)).expect("copied");
        }
    }
}
