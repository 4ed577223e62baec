//! What PostgreSQL's own programs need to find the same server: by the environment, since arguments are seen by everyone
//! on the machine.

use causeway_core::port::RepositoryError;
use postgres::Config;
use postgres::config::Host;

use super::super::error::{Result, StoreError};
use super::session::password;
use super::settings::PostgresSettings;

impl PostgresSettings {
    /// Variables for `pg_dump`, `pg_restore` and `psql`. One of them is the password: never log them.
    ///
    /// # Errors
    /// [`RepositoryError::Refused`] for an url or a password file that cannot be read.
    pub fn environment(&self) -> std::result::Result<Vec<(&'static str, String)>, RepositoryError> {
        Ok(self.variables()?)
    }

    fn variables(&self) -> Result<Vec<(&'static str, String)>> {
        let unreadable = || StoreError::Refused("the url of the repository cannot be read".to_owned());
        let config: Config = self.url.parse().ok().ok_or_else(unreadable)?;
        let host = config.get_hosts().first().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let in_url = config.get_password().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let password = password(self, &config)?.or(in_url);
        let port = config.get_ports().first().map(ToString::to_string);
        let all = [
            ("PGHOST", host),
            ("PGPORT", port),
            ("PGUSER", config.get_user().map(str::to_owned)),
            ("PGDATABASE", config.get_dbname().map(str::to_owned)),
            ("PGPASSWORD", password),
        ];
        Ok(all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_url_become_variables() {
        let url = "postgresql://hub:secret@db.example:6432/ehr".to_owned();
        let variables = PostgresSettings { url, ..PostgresSettings::default() }.environment().expect("readable");
        let of = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!((of("PGHOST"), of("PGPORT"), of("PGUSER")), (Some("db.example"), Some("6432"), Some("hub")));
        assert_eq!((of("PGDATABASE"), of("PGPASSWORD")), (Some("ehr"), Some("secret")));
        let broken = PostgresSettings { url: "secret@@".to_owned(), ..PostgresSettings::default() }.environment();
        assert!(!broken.expect_err("refused").to_string().contains("secret"));
    }
}
