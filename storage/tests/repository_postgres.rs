//! The contracts of the repository and the registry ports for PostgreSQL, and what only this engine promises. Runs on a
//! real server: see `support::url`.

#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails loudly")]

#[path = "repository_postgres/content.rs"]
mod content;
#[path = "repository_postgres/faults.rs"]
mod faults;
#[path = "repository_postgres/leases.rs"]
mod leases;
#[path = "repository_postgres/lost_commit.rs"]
mod lost_commit;
#[path = "repository_postgres/restart.rs"]
mod restart;
#[path = "repository_postgres/rulings.rs"]
mod rulings;
#[path = "repository_postgres/schema.rs"]
mod schema;
#[path = "repository_postgres/support.rs"]
mod support;
#[cfg(feature = "postgres-tls")]
#[path = "repository_postgres/tls.rs"]
mod tls;

mod with_defaults {
    use super::support::{Subject, fresh, settings};

    fn postgres() -> Box<dyn Subject> {
        Box::new(fresh(settings()))
    }

    mod repository {
        causeway_core::repository_contract!(super::postgres);
    }

    mod registry {
        causeway_core::registry_contract!(super::postgres);
    }
}

/// The same with bounds so small that connections are waited for and persons forgotten all the time.
mod with_small_bounds {
    use super::support::{PostgresSettings, Subject, fresh, settings};

    fn postgres() -> Box<dyn Subject> {
        Box::new(fresh(PostgresSettings {
            write_connections: 1,
            read_connections: 1,
            persons_cached: 1,
            take_up_messages: 7,
            ..settings()
        }))
    }

    mod repository {
        causeway_core::repository_contract!(super::postgres);
    }

    mod registry {
        causeway_core::registry_contract!(super::postgres);
    }
}
