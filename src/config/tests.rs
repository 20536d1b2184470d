use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// A file in a folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let name = format!("config-{}", crate::clock::Chance::system().alphanumeric(12));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn with_file(
    text: &str,
    env: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Result<Config, ConfigErrors> {
    let folder = Folder::with(&[("psa-gateway.toml", text)]);
    let settings = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let overrides = Overrides { file: Some(folder.file("psa-gateway.toml")), settings };
    Config::read(&overrides, &variables(env))
}

fn problems(result: Result<Config, ConfigErrors>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn the_table_names_exactly_the_settings_that_are_read() {
    assert_eq!(check::differences(), Vec::<&str>::new());
}

#[test]
fn nothing_given_is_a_good_configuration() {
    let config = Config::from_pairs([]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url_at(config.listen), "http://127.0.0.1:8080");
    assert!(config.data_dir.is_absolute() && config.data_dir.ends_with("psa-gateway-data"));
    assert!(config.database_url().ends_with("/psa-gateway-data/gateway.db"));
    assert!(matches!(&config.master_key, MasterKeyAt::Usual { path, database: Some(_) }
        if *path == config.data_dir.join("master.key")));
    assert_eq!(config.chosen, []);
}

#[test]
fn the_printed_documentation_is_a_file_that_changes_nothing() {
    let printed = Config::print_documented();
    let read = with_file(&printed, &[], &[]).unwrap();
    let defaults = Config::from_pairs([]).unwrap();
    for setting in settings::SETTINGS {
        assert!(printed.contains(&format!("{} = ", setting.name)), "{} is missing", setting.name);
    }
    assert_eq!(read.database_url(), defaults.database_url());
    let plain = |config: Config| format!("{:?}", Config { chosen: Vec::new(), ..config });
    assert_eq!(plain(read), plain(defaults));
}

#[test]
fn every_example_in_the_documentation_can_be_uncommented() {
    let key = "a".repeat(64);
    let folder = Folder::with(&[
        ("key", &key),
        ("url", "postgres://db/gateway"),
        ("pair", "x=y"),
        ("proxy", "http://p:1"),
        ("nats", "nats://nats.example.com"),
        ("shards", "west=postgres://west/gateway\neast=postgres://east/gateway"),
    ]);
    for setting in settings::SETTINGS {
        let settings::Preset::Follows(_, example) = setting.preset else { continue };
        let value = match setting.name {
            "master_key" | "master_key_previous" => key.clone(),
            "master_key_vault_token_file" | "otel_headers_file" => folder.file("pair").display().to_string(),
            "outbound_proxy_file" => folder.file("proxy").display().to_string(),
            "otel_endpoint" if !cfg!(feature = "otel") => continue,
            "nats_url" | "nats_url_file" if !cfg!(feature = "nats") => continue,
            "nats_url_file" => folder.file("nats").display().to_string(),
            "shards_file" => folder.file("shards").display().to_string(),
            "connectwise_client_id_file" => folder.file("key").display().to_string(),
            "database_url_file" => folder.file("url").display().to_string(),
            _ => example.to_owned(),
        };
        // What a key server is good for hangs on its token.
        let token = (setting.name == "master_key_vault_url")
            .then(|| ("master_key_vault_token", "hvs.token".to_owned()));
        let config = Config::from_pairs([(setting.name, value)].into_iter().chain(token));
        assert!(config.is_ok(), "{}: {config:?}", setting.name);
    }
}

#[test]
fn flags_count_before_the_environment_before_the_file() {
    let file = "listen = \"127.0.0.1:1\"\ninbox_workers = 3\nlog_filter = \"warn\"\n";
    let env = [("PSA_GATEWAY_LISTEN", "127.0.0.1:2"), ("PSA_GATEWAY_INBOX_WORKERS", "5"), ("HOME", "/")];
    let config = with_file(file, &env, &[("listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.inbox_workers, 5);
    assert_eq!(config.log_filter, "warn");
    let origins: Vec<_> = config.chosen.iter().map(|chosen| chosen.origin.as_str()).collect();
    assert_eq!(origins.first(), Some(&"flag --listen"));
    assert!(origins.contains(&"environment PSA_GATEWAY_INBOX_WORKERS"));
}

#[test]
fn an_unknown_name_is_an_error_that_names_the_nearest_one() {
    let words = problems(with_file("listne = \"x\"\n", &[("PSA_GATEWAY_DATADIR", "x")], &[]));
    assert!(words.contains("did you mean listen?"), "{words}");
    assert!(
        words.contains("PSA_GATEWAY_DATADIR is no setting; did you mean PSA_GATEWAY_DATA_DIR?"),
        "{words}"
    );
    let words = problems(with_file("completely_else = 1\n[workers]\ninbox = 2\n", &[], &[]));
    assert!(words.contains("completely_else") && words.contains("workers (file"), "{words}");
}

#[test]
fn a_wrong_value_is_told_with_what_is_expected_and_all_of_them_at_once() {
    let file = "psa_timeout_secs = 120\ngraphiql = \"maybe\"\nlisten = 8080\npublic_url = \"gateway\"\n";
    let words = problems(with_file(file, &[("PSA_GATEWAY_LOG_FORMAT", "xml")], &[]));
    assert!(words.contains("`120` is not a whole number from 1 to 80"), "{words}");
    assert!(words.contains("graphiql") && words.contains("`maybe` is not true or false"), "{words}");
    assert!(words.contains("`8080` is not an address and a port"), "{words}");
    assert!(words.contains("`gateway` is not an http:// or https:// address"), "{words}");
    assert!(words.contains("log_format (environment PSA_GATEWAY_LOG_FORMAT): `xml`"), "{words}");
}

#[test]
fn secrets_come_from_files_too_and_are_never_shown() {
    let folder = Folder::with(&[("url", "postgres://u:canary@db/gateway\n"), ("empty", "\n")]);
    let url = folder.file("url").display().to_string();
    let config = Config::read(&Overrides::default(), &variables(&[("DATABASE_URL_FILE", &url)])).unwrap();
    assert_eq!(config.database_url(), "postgres://u:canary@db/gateway");
    assert!(!format!("{config:?}").contains("canary"));

    let key = "c0ffee".repeat(11);
    let config = Config::from_pairs([("master_key", key.clone())]).unwrap();
    assert!(matches!(config.master_key, MasterKeyAt::Given(_)));
    assert!(!format!("{config:?}").contains("c0ffee"));

    let words = problems(Config::from_pairs([("database_url", "mysql://u:canary@db".to_owned())]));
    assert!(words.contains("sqlite:// or postgres://") && !words.contains("canary"), "{words}");

    let empty = folder.file("empty").display().to_string();
    let words = problems(Config::from_pairs([("database_url_file", empty)]));
    assert!(words.contains("is empty"), "{words}");

    let words = problems(with_file("a = 1\nmaster_key = \"canary", &[], &[]));
    assert!(words.contains("is not TOML") && !words.contains("canary"), "{words}");
}

#[test]
fn a_secret_said_twice_is_an_error_in_one_place_and_a_precedence_in_two() {
    let both = [("DATABASE_URL", "sqlite:///a"), ("PSA_GATEWAY_DATABASE_URL", "sqlite:///b")];
    assert!(problems(with_file("", &both, &[])).contains("say different things"));
    let twice = [("DATABASE_URL", "sqlite:///a"), ("DATABASE_URL_FILE", "/nowhere")];
    assert!(problems(with_file("", &twice, &[])).contains("given twice"));
    let flag = [("database_url", "sqlite:///c")];
    let config = with_file("", &[("DATABASE_URL_FILE", "/nowhere")], &flag).unwrap();
    assert_eq!(config.database_url(), "sqlite:///c");
    let key_file = [("PSA_GATEWAY_MASTER_KEY_FILE", "/k")];
    let config = with_file("master_key = \"x\"", &key_file, &[]).unwrap();
    assert!(matches!(config.master_key, MasterKeyAt::Named(path) if path == Path::new("/k")));
}

#[test]
fn private_addresses_are_hosts_and_networks_or_a_star() {
    let list = "psa_private_addresses = [\"halo.internal\", \"10.1.0.0/16\", \"[fd00::1]\"]";
    assert_eq!(with_file(list, &[], &[]).unwrap().psa_private_addresses.len(), 3);
    let commas = [("PSA_GATEWAY_PSA_PRIVATE_ADDRESSES", "halo.internal, 10.1.2.3")];
    assert_eq!(with_file("", &commas, &[]).unwrap().psa_private_addresses, ["halo.internal", "10.1.2.3"]);
    assert_eq!(with_file("", &[], &[("psa_private_addresses", "*")]).unwrap().psa_private_addresses, ["*"]);
    for wrong in ["https://halo.internal", "10.0.0.0/33", "*, halo.internal", "halo/8"] {
        let words = problems(Config::from_pairs([("psa_private_addresses", wrong.to_owned())]));
        assert!(words.contains("host names, addresses and networks"), "{wrong}: {words}");
    }
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let overrides = Overrides { file: Some("/nowhere/gateway.toml".into()), settings: Vec::new() };
    assert!(problems(Config::read(&overrides, &[])).contains("/nowhere/gateway.toml cannot be read"));
    let words =
        problems(Config::read(&Overrides::default(), &variables(&[("PSA_GATEWAY_CONFIG", "/nowhere/x")])));
    assert!(words.contains("/nowhere/x cannot be read"), "{words}");
}

#[test]
fn an_odd_folder_is_still_an_address_of_a_database() {
    let config = Config::from_pairs([("data_dir", "/tmp/a b?c%".to_owned())]).unwrap();
    assert_eq!(config.database_url(), "sqlite:///tmp/a%20b%3Fc%25/gateway.db");
}

#[test]
fn graphiql_brings_introspection_and_wildcard_addresses_are_reached_locally() {
    assert!(Config::from_pairs([("graphiql", "true".to_owned())]).unwrap().introspection);
    let config = Config::from_pairs([("public_url", "https://gateway.example/".to_owned())]).unwrap();
    assert_eq!(config.public_url_at(config.listen), "https://gateway.example");
    let config = Config::from_pairs([]).unwrap();
    assert_eq!(config.public_url_at(SocketAddr::from(([0, 0, 0, 0], 81))), "http://127.0.0.1:81");
}

#[test]
fn the_master_key_may_stand_on_a_server_and_further_ones_anywhere() {
    let key = "a".repeat(64);
    let server = [
        ("PSA_GATEWAY_MASTER_KEY_VAULT_URL", "https://vault:8200/v1/secret/data/psa-gateway"),
        ("PSA_GATEWAY_MASTER_KEY_VAULT_TOKEN", "hvs.canary"),
        ("PSA_GATEWAY_MASTER_KEY_VAULT_PREVIOUS_FIELDS", "last_year, the_year_before"),
    ];
    let config = with_file("", &server, &[]).unwrap();
    let MasterKeyAt::Vault(at) = &config.master_key else { panic!("{:?}", config.master_key) };
    assert_eq!(
        (at.url.as_str(), at.field.as_str()),
        ("https://vault:8200/v1/secret/data/psa-gateway", "master_key")
    );
    assert_eq!(at.previous_fields, ["last_year", "the_year_before"]);
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");

    let words = problems(with_file("", &server[..1], &[]));
    assert!(words.contains("master_key_vault_token is missing"), "{words}");
    let open = [("PSA_GATEWAY_MASTER_KEY_VAULT_URL", "http://vault:8200/v1/x"), server[1]];
    assert!(
        problems(with_file("", &open, &[])).contains("is not an https:// address"),
        "a token in the open"
    );
    let twice = [server[0], server[1], ("PSA_GATEWAY_MASTER_KEY_FILE", "/k")];
    assert!(problems(with_file("", &twice, &[])).contains("given twice"));
    // The environment counts before the file.
    let file = "master_key_vault_url = \"https://vault/v1/x\"\nmaster_key_vault_token = \"t\"";
    let config = with_file(file, &[("PSA_GATEWAY_MASTER_KEY_FILE", "/k")], &[]).unwrap();
    assert!(matches!(&config.master_key, MasterKeyAt::Named(path) if path.ends_with("k")));

    let both = format!(" {key} ,{}", "b".repeat(64));
    let further = [
        ("PSA_GATEWAY_MASTER_KEY_PREVIOUS", both.as_str()),
        ("PSA_GATEWAY_MASTER_KEY_PREVIOUS_FILES", "/run/one,/run/two"),
    ];
    let previous = with_file("", &further, &[]).unwrap().master_keys_previous;
    assert_eq!((previous.given.len(), previous.files.len()), (2, 2));
    let words = problems(with_file("", &[("PSA_GATEWAY_MASTER_KEY_PREVIOUS", "canary")], &[]));
    assert!(words.contains("64 hexadecimal digits") && !words.contains("canary"), "{words}");
}

#[test]
fn what_the_way_out_and_traces_are_told_is_checked_at_the_start() {
    let good = [
        ("PSA_GATEWAY_OUTBOUND_ADDRESS", "192.0.2.10"),
        ("PSA_GATEWAY_OUTBOUND_PROXY", "http://me:canary@proxy:3128"),
    ];
    let config = with_file("", &good, &[]).unwrap();
    assert!(config.outbound_address.is_some() && config.outbound_proxy.is_some());
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    for (name, wrong) in
        [("PSA_GATEWAY_OUTBOUND_ADDRESS", "eth0"), ("PSA_GATEWAY_OUTBOUND_PROXY", "socks5://canary:1")]
    {
        let words = problems(with_file("", &[(name, wrong)], &[]));
        assert!(words.contains(&name["PSA_GATEWAY_".len()..].to_lowercase()), "{words}");
        assert!(!words.contains("canary"), "{words}");
    }
    let config = with_file("otel_endpoint = \"http://127.0.0.1:4318\"", &[], &[]);
    if cfg!(feature = "otel") {
        assert_eq!(config.unwrap().otel.map(|export| export.sample_percent), Some(100));
    } else {
        assert!(problems(config).contains("--features otel"));
    }
}

#[test]
fn what_is_kept_is_kept_for_a_week_at_least_or_for_ever() {
    let keeping = |pairs: &[(&str, &str)]| with_file("", pairs, &[]).map(|config| config.keeping);
    let usual = keeping(&[]).unwrap();
    let days =
        [usual.deliveries_secs, usual.attempts_secs, usual.events_secs].map(|secs| secs.unwrap() / 86_400);
    assert_eq!(days, [30, 90, 400]);
    let ever = [
        ("PSA_GATEWAY_KEEP_DELIVERIES_DAYS", "0"),
        ("PSA_GATEWAY_KEEP_ATTEMPTS_DAYS", "0"),
        ("PSA_GATEWAY_KEEP_EVENTS_DAYS", "0"),
    ];
    let ever = keeping(&ever).unwrap();
    assert_eq!((ever.deliveries_secs, ever.attempts_secs, ever.events_secs), (None, None, None));
    let text = keeping(&[("PSA_GATEWAY_KEEP_DELIVERIES_DAYS", "3")]).unwrap_err().to_string();
    assert!(text.contains("keep_deliveries_days: 3 is less than 7 days; give 7 or more, or 0"), "{text}");
    for pair in [("PSA_GATEWAY_KEEP_DELIVERIES_DAYS", "0"), ("PSA_GATEWAY_KEEP_DELIVERIES_DAYS", "500")] {
        let text = keeping(&[pair]).unwrap_err().to_string();
        assert!(text.contains("keep_events_days: events are kept no shorter"), "{text}");
    }
}
