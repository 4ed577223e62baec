//! TLS to the server: encrypted and checked, or no connection.

use std::path::PathBuf;

use causeway_core::envelope::{Offset, PartitionId};
use causeway_core::port::{Repository as _, RepositoryError};

use super::support::{PostgresRepository, PostgresSettings, client, fresh, settings};

/// The certificate of the server, which `ops/dev/postgres` puts beside its sockets.
fn certificate() -> PathBuf {
    let folder: String = client().query_one("SHOW unix_socket_directories", &[]).expect("a folder").get(0);
    let file = PathBuf::from(folder).join("server.crt");
    assert!(file.exists(), "{} is not there: install openssl and start a new server", file.display());
    file
}

#[test]
fn the_connection_is_encrypted_where_an_authority_is_given() {
    let fresh = fresh(settings());
    let settings = PostgresSettings { ca_file: Some(certificate()), ..fresh.settings.clone() };
    let repository = PostgresRepository::open(settings).expect("opens");
    assert_eq!(repository.next_offset(PartitionId(0)).expect("an offset"), Offset(0));
    let sql = "SELECT count(*) FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a ON a.pid = s.pid \
               WHERE a.application_name LIKE 'causeway %' AND s.ssl AND a.query LIKE '%partition_offset%'";
    let encrypted: i64 = client().query_one(sql, &[]).expect("a count").get(0);
    assert!(encrypted > 0);
}

#[test]
fn a_server_with_another_certificate_or_name_is_refused() {
    let fresh = fresh(settings());
    let folder = tempfile::tempdir().expect("folder");
    let other = folder.path().join("other.crt");
    // Made for the test and trusted by nobody: its key was thrown away.
    std::fs::write(&other, include_str!("other.crt")).expect("written");
    let open = |settings: PostgresSettings| PostgresRepository::open(settings).expect_err("refused");
    let error = open(PostgresSettings { ca_file: Some(other), ..fresh.settings.clone() });
    assert!(error.to_string().contains("certificate"), "{error}");
    let url = format!("{}?hostaddr=127.0.0.1", fresh.settings.url.replace("127.0.0.1", "other.invalid"));
    let error = open(PostgresSettings { url, ca_file: Some(certificate()), ..fresh.settings.clone() });
    assert!(error.to_string().contains("not valid for name"), "{error}");
    let nothing = folder.path().join("nothing.crt");
    std::fs::write(&nothing, "nothing").expect("written");
    let error = open(PostgresSettings { ca_file: Some(nothing), ..fresh.settings.clone() });
    assert!(matches!(&error, RepositoryError::Refused(why) if why.contains("holds no certificate")), "{error}");
}
