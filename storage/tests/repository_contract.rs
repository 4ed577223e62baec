//! The contracts of the repository and the registry ports, for the SQLite engine.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::sync::Arc;

use causeway_core::contract::repository::{Store, Subject};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};

/// A database in a folder of its own.
struct Sqlite {
    folder: Arc<tempfile::TempDir>,
    settings: SqliteSettings,
}

impl Subject for Sqlite {
    fn open(&self) -> Store {
        let path = self.folder.path().join("causeway.db");
        let opened = Arc::new(SqliteRepository::open(&path, self.settings.clone()).expect("the repository opens"));
        let keep: Arc<tempfile::TempDir> = Arc::clone(&self.folder);
        Store {
            repository: opened.clone(),
            registry: opened.clone(),
            images: opened.clone(),
            commitments: opened.clone(),
            pointers: opened,
            keep,
        }
    }
}

fn in_folder(settings: SqliteSettings) -> Box<dyn Subject> {
    Box::new(Sqlite { folder: Arc::new(tempfile::tempdir().expect("folder")), settings })
}

mod with_defaults {
    use super::{SqliteSettings, Subject, in_folder};

    fn sqlite() -> Box<dyn Subject> {
        in_folder(SqliteSettings::default())
    }

    mod repository {
        causeway_core::repository_contract!(super::sqlite);
    }

    mod registry {
        causeway_core::registry_contract!(super::sqlite);
    }
}

/// The same, with bounds so small that sweeps of the index, checkpoints and evictions happen all the time.
mod with_small_bounds {
    use super::{SqliteSettings, Subject, in_folder};

    fn sqlite() -> Box<dyn Subject> {
        in_folder(SqliteSettings {
            read_connections: 1,
            write_cache: 64 << 10,
            read_cache: 64 << 10,
            checkpoint_every: 16 << 10,
            persons_cached: 1,
            index_every: 1,
            take_up_messages: 7,
            ..SqliteSettings::default()
        })
    }

    mod repository {
        causeway_core::repository_contract!(super::sqlite);
    }

    mod registry {
        causeway_core::registry_contract!(super::sqlite);
    }
}
