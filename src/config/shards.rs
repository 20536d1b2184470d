//! Further databases of one installation.

use secrecy::{ExposeSecret, SecretString};

use super::{Config, check::Read};

/// What the database is called that holds the installation itself, and organizations like any other.
pub const MAIN: &str = "main";
/// How long the name of a shard may be, in characters.
const LONGEST_NAME: usize = 32;

/// Where a further database is.
#[derive(Clone, Debug)]
pub(super) struct ShardAt {
    /// What it is called.
    name: String,
    /// Its address.
    url: SecretString,
}

/// Which of an installation's databases a configuration is about.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    name: String,
    /// The address of the first one, where this is another.
    main: Option<SecretString>,
}

impl Default for Shard {
    fn default() -> Self {
        Self { name: MAIN.to_owned(), main: None }
    }
}

impl Config {
    /// This configuration for each of the installation's databases, [`MAIN`] first.
    pub fn of_each_shard(&self) -> Vec<Self> {
        let main = Self { shards: Vec::new(), ..self.clone() };
        let mut all = vec![main];
        all.extend(self.shards.iter().map(|at| Self {
            shards: Vec::new(),
            shard: Shard { name: at.name.clone(), main: Some(self.database_url.clone()) },
            database_url: at.url.clone(),
            // What waits for one database is not for another.
            nats_stream: format!("{}-{}", self.nats_stream, at.name),
            ..self.clone()
        }));
        all
    }

    /// What the database is called that this configuration is about.
    pub fn shard_name(&self) -> &str {
        &self.shard.name
    }

    /// The address of the installation's first database, where this configuration is about another one. May hold a
    /// password: not for logs.
    pub fn main_database_url(&self) -> Option<&str> {
        self.shard.main.as_ref().map(ExposeSecret::expose_secret)
    }

    /// Whether there are further databases.
    pub fn has_shards(&self) -> bool {
        !self.shards.is_empty()
    }
}

impl Read {
    pub(super) fn shards(&mut self) -> Vec<ShardAt> {
        let Some(text) = self.secret("shards") else { return Vec::new() };
        let mut found: Vec<ShardAt> = Vec::new();
        for pair in text.expose_secret().split_whitespace() {
            let Some((name, url)) =
                pair.split_once('=').filter(|(name, url)| is_name(name) && is_postgres(url))
            else {
                self.wrong_secret("shards");
                return Vec::new();
            };
            if found.iter().any(|one| one.name == name || one.url.expose_secret() == url) {
                self.problem(format!(
                    "shards: {name} is there twice, by its name or its address; take one out"
                ));
            }
            found.push(ShardAt { name: name.to_owned(), url: url.to_owned().into() });
        }
        found
    }
}

fn is_name(text: &str) -> bool {
    text != MAIN
        && (1..=LONGEST_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(shards: &str) -> Result<Config, String> {
        Config::from_pairs([
            ("database_url", "postgres://one/gateway".to_owned()),
            ("shards", shards.to_owned()),
            ("nats_stream", "hooks".to_owned()),
        ])
        .map_err(|errors| errors.to_string())
    }

    #[test]
    fn each_database_has_its_address_and_its_stream() {
        let config = with("west=postgres://two/gateway\n east-1=postgres://three/gateway?a=b ").unwrap();
        let all: Vec<_> = config
            .of_each_shard()
            .iter()
            .map(|one| (one.shard_name().to_owned(), one.database_url().to_owned(), one.nats_stream.clone()))
            .collect();
        let expected = [
            ("main", "postgres://one/gateway", "hooks"),
            ("west", "postgres://two/gateway", "hooks-west"),
            ("east-1", "postgres://three/gateway?a=b", "hooks-east-1"),
        ];
        assert_eq!(all, expected.map(|(name, url, stream)| (name.into(), url.into(), stream.into())));
        assert_eq!(config.of_each_shard()[1].main_database_url(), Some("postgres://one/gateway"));
        assert_eq!(config.of_each_shard()[0].main_database_url(), None);
    }

    #[test]
    fn what_cannot_be_right_is_refused_and_not_shown() {
        for wrong in [
            "main=postgres://two/canary",
            "West=postgres://two/canary",
            "west=sqlite:///canary.db",
            "postgres://two/canary",
            "west=postgres://two/canary west=postgres://three/canary",
            "west=postgres://two/canary east=postgres://two/canary",
        ] {
            let problem = with(wrong).unwrap_err();
            assert!(problem.contains("shards") && !problem.contains("canary"), "{wrong}: {problem}");
        }
        assert!(!with("").unwrap().has_shards());
    }
}
