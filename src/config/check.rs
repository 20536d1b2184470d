//! From written values to a checked configuration.

use std::{collections::BTreeMap, net::SocketAddr};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Chosen, Config,
    forms::{
        is_header_name, is_host_or_network, is_node_name, is_stream_name, sqlite_url, usual_node_name,
        web_address,
    },
    layers::{Layer, Written, one_text, secret_file, texts},
    settings::{Kind, Preset, Setting, setting},
    shards::Shard,
};
use crate::{
    outbound::Proxy,
    telemetry::{self, LogFormat, traces::Export},
};

/// What came of reading.
pub(super) struct Checked {
    pub(super) config: Option<Config>,
    pub(super) problems: Vec<String>,
}

/// Reads setting by setting and gathers what is wrong.
pub(super) struct Read {
    pub(super) layers: Vec<Layer>,
    pub(super) problems: Vec<String>,
    chosen: Vec<Chosen>,
    /// Which settings were asked for; a test compares them with the table.
    pub(super) asked: Vec<&'static str>,
}

impl Read {
    pub(super) fn new(layers: Vec<Layer>, problems: Vec<String>) -> Self {
        Self { layers, problems, chosen: Vec::new(), asked: Vec::new() }
    }

    /// Reads everything.
    pub(super) fn all(mut self) -> Checked {
        let config = self.config();
        Checked { config, problems: self.problems }
    }

    /// None where a value is missing for a problem.
    pub(super) fn config(&mut self) -> Option<Config> {
        let listen = self.text("listen", |text| text.parse::<SocketAddr>().ok());
        let public_url = self.optional("public_url", |text| web_address(text).map(Some));
        let data_dir = self.text("data_dir", |text| std::path::absolute(text).ok());
        let (database_url, is_usual_database) = match (self.secret("database_url"), &data_dir) {
            (Some(url), _) => (Some(self.database_url(url)), false),
            (None, Some(data_dir)) => (Some(sqlite_url(&data_dir.join("gateway.db"))), true),
            (None, None) => (None, true),
        };
        let database_max_connections = self.whole("database_max_connections");
        let master_key = self.master_key(data_dir.as_ref(), is_usual_database);
        let master_keys_previous = self.previous_master_keys();
        let graphiql = self.flag("graphiql");
        let graphiql_assets = self.text("graphiql_assets", |text| {
            (text.starts_with('/') || web_address(text).is_some()).then(|| text.to_owned())
        });
        let introspection = self.flag("introspection");
        let graphql_max_body_bytes = self.whole("graphql_max_body_bytes");
        let asking = self.graphql();
        let graphql_socket_message_bytes = self.whole("graphql_socket_message_bytes");
        let graphql_socket_operations = self.whole("graphql_socket_operations");
        let graphql_sockets = self.whole("graphql_sockets");
        let graphql_sockets_per_organization = self.whole("graphql_sockets_per_organization");
        let graphql_sockets_per_token = self.whole("graphql_sockets_per_token");
        let graphql_socket_recheck_secs = self.whole("graphql_socket_recheck_secs");
        let request_timeout_secs = self.whole("request_timeout_secs");
        let webhook_max_body_bytes = self.whole("webhook_max_body_bytes");
        let webhook_body_timeout_secs = self.whole("webhook_body_timeout_secs");
        let webhook_tolerance_secs = self.whole("webhook_tolerance_secs");
        let psa_private_addresses = self.private_addresses();
        let psa_timeout_secs = self.whole("psa_timeout_secs");
        let psa_poll_interval_secs = self.whole("psa_poll_interval_secs");
        let psa_calls = self.psa_calls();
        let outbound_address = self.optional("outbound_address", |text| text.parse().ok().map(Some));
        let outbound_proxy = self.proxy();
        let connectwise_client_id = self.secret("connectwise_client_id");
        let shards = self.shards();
        let nats_url = self.nats_url();
        let nats_stream = self.text("nats_stream", |text| is_stream_name(text).then(|| text.to_owned()));
        let inbox_workers = self.whole("inbox_workers");
        let lane_workers = self.whole("lane_workers");
        let (oidc, doors, keeping) = (self.oidc(), self.doors(), self.keeping());
        let shutdown_notice_secs = self.whole("shutdown_notice_secs");
        let shutdown_grace_secs = self.whole("shutdown_grace_secs");
        let node_name = self.optional("node_name", |text| is_node_name(text).then(|| Some(text.to_owned())));
        let log_format = self.text("log_format", LogFormat::from_key);
        let log_filter = self.text("log_filter", |text| telemetry::is_filter(text).then(|| text.to_owned()));
        let otel = self.otel();
        Some(Config {
            listen: listen?,
            public_url: public_url?,
            data_dir: data_dir?,
            database_max_connections: database_max_connections?,
            master_key: master_key?,
            master_keys_previous: master_keys_previous?,
            graphiql: graphiql?,
            graphiql_assets: graphiql_assets?,
            introspection: introspection? || graphiql?,
            graphql_max_body_bytes: graphql_max_body_bytes?,
            graphql: asking?,
            graphql_socket_message_bytes: graphql_socket_message_bytes?,
            graphql_socket_operations: graphql_socket_operations?,
            graphql_sockets: graphql_sockets?,
            graphql_sockets_per_organization: graphql_sockets_per_organization?,
            graphql_sockets_per_token: graphql_sockets_per_token?,
            graphql_socket_recheck_secs: graphql_socket_recheck_secs?,
            request_timeout_secs: request_timeout_secs?,
            webhook_max_body_bytes: webhook_max_body_bytes?,
            webhook_body_timeout_secs: webhook_body_timeout_secs?,
            webhook_tolerance_secs: webhook_tolerance_secs?,
            psa_private_addresses: psa_private_addresses?,
            psa_timeout_secs: psa_timeout_secs?,
            psa_poll_interval_secs: psa_poll_interval_secs?,
            psa_calls: psa_calls?,
            outbound_address: outbound_address?,
            outbound_proxy: outbound_proxy?,
            connectwise_client_id,
            nats_url,
            nats_stream: nats_stream?,
            inbox_workers: inbox_workers?,
            lane_workers: lane_workers?,
            oidc: oidc?,
            doors: doors?,
            keeping: keeping?,
            shutdown_notice_secs: shutdown_notice_secs?,
            shutdown_grace_secs: shutdown_grace_secs?,
            node_name: node_name?.unwrap_or_else(usual_node_name),
            log_format: log_format?,
            log_filter: log_filter?,
            otel: otel?,
            chosen: std::mem::take(&mut self.chosen),
            database_url: database_url?,
            shards,
            shard: Shard::default(),
        })
    }

    /// The value of a setting in the layer that counts.
    pub(super) fn find(&mut self, name: &'static str) -> Option<(String, Written)> {
        self.asked.push(name);
        self.layers.iter().find_map(|layer| layer.get(name)).cloned()
    }

    pub(super) fn wrong(&mut self, setting: &Setting, origin: &str, found: &str) {
        let found = if setting.is_secret() { "the value (not shown)".to_owned() } else { found.to_owned() };
        let place = if origin == setting.name { String::new() } else { format!(" ({origin})") };
        self.problems.push(format!("{}{place}: {found} is not {}", setting.name, setting.expected()));
    }

    pub(super) fn choose(&mut self, setting: &'static Setting, value: &str, origin: String) {
        let value = if setting.is_secret() { "(not shown)" } else { value };
        self.chosen.push(Chosen { name: setting.name, value: value.to_owned(), origin });
    }

    /// A setting that follows from others where it is not given: `parse` says `Some(None)` for that.
    #[expect(
        clippy::option_option,
        reason = "outside: whether it could be read; inside: whether it was said"
    )]
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<Option<T>>,
    ) -> Option<Option<T>> {
        let setting = setting(name)?;
        let Some((origin, written)) = self.find(name) else {
            return match setting.preset {
                Preset::Is(preset) => parse(preset),
                Preset::Follows(..) => Some(None),
            };
        };
        let text = match one_text(setting, &written) {
            Ok(text) => text.trim(),
            Err(what) => {
                self.wrong(setting, &origin, what);
                return None;
            }
        };
        let parsed = parse(text);
        if parsed.is_none() {
            self.wrong(setting, &origin, &format!("`{text}`"));
        } else {
            self.choose(setting, text, origin);
        }
        parsed
    }

    pub(super) fn text<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let parse = |text: &str| if text.is_empty() { None } else { parse(text).map(Some) };
        self.optional(name, parse).flatten()
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.text(name, |text| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    }

    pub(super) fn whole<T: TryFrom<i64>>(&mut self, name: &'static str) -> Option<T> {
        let Kind::Whole(least, most) = setting(name)?.kind else { return None };
        self.text(name, |text| {
            let number: i64 = text.parse().ok()?;
            (least..=most).contains(&number).then(|| T::try_from(number).ok()).flatten()
        })
    }

    /// A list, each of its texts read by itself.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let setting = setting(name)?;
        let found = self.find(name);
        let written = match &found {
            Some((_, written)) => texts(setting, written),
            None => match setting.preset {
                Preset::Is(preset) => texts(setting, &Written::One(preset.to_owned())),
                Preset::Follows(..) => Ok(Vec::new()),
            },
        };
        let origin = found.map(|(origin, _)| origin);
        let read = written.map_err(str::to_owned).and_then(|texts| {
            let read: Result<Vec<T>, _> =
                texts.iter().map(|text| parse(text).ok_or_else(|| format!("`{text}`"))).collect();
            read.map(|read| (read, texts))
        });
        match read {
            Ok((read, texts)) => {
                if let Some(origin) = origin {
                    self.choose(setting, &texts.join(","), origin);
                }
                Some(read)
            }
            Err(what) => {
                self.wrong(setting, &origin.unwrap_or_default(), &what);
                None
            }
        }
    }

    /// Something that is wrong with several settings together.
    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// A secret, said itself or by the file that holds it; the layer that counts first decides.
    pub(super) fn secret(&mut self, name: &'static str) -> Option<SecretString> {
        let (own, twin) = (setting(name)?, setting(&format!("{name}_file"))?);
        self.asked.extend([own.name, twin.name]);
        for layer in 0..self.layers.len() {
            let layer = self.layers.get(layer)?;
            let (said, file) = (layer.get(own.name).cloned(), layer.get(twin.name).cloned());
            if let (Some((one, _)), Some((other, _))) = (&said, &file) {
                self.problems.push(format!("{name} is given twice ({one}; {other}); remove one of them"));
            }
            if let Some((origin, written)) = said {
                let Ok(text) = one_text(own, &written) else {
                    self.wrong(own, &origin, "");
                    return None;
                };
                self.choose(own, "", origin);
                return Some(text.to_owned().into());
            }
            if let Some((origin, written)) = file {
                return match one_text(twin, &written).map(|path| (path, secret_file(path.as_ref()))) {
                    Ok((path, Ok(secret))) => {
                        self.choose(twin, path, origin);
                        Some(secret)
                    }
                    Ok((_, Err(problem))) => {
                        self.problems.push(format!("{} ({origin}): {problem}", twin.name));
                        None
                    }
                    Err(what) => {
                        self.wrong(twin, &origin, what);
                        None
                    }
                };
            }
        }
        None
    }

    /// One or several addresses, where this program can go to them.
    fn nats_url(&mut self) -> Option<SecretString> {
        let url = self.secret("nats_url")?;
        let mut addresses = url.expose_secret().split(',').map(str::trim);
        if !addresses.all(|one| one.starts_with("nats://") || one.starts_with("tls://")) {
            self.wrong_secret("nats_url");
            return None;
        }
        if !cfg!(feature = "nats") {
            let problem = "nats_url: this program was built without NATS; build it with --features nats, or take the setting out";
            self.problem(problem.to_owned());
            return None;
        }
        Some(url)
    }

    fn database_url(&mut self, url: SecretString) -> SecretString {
        let known = ["sqlite:", "postgres://", "postgresql://"];
        if !known.iter().any(|known| url.expose_secret().starts_with(known)) {
            self.wrong_secret("database_url");
        }
        url
    }

    #[expect(clippy::option_option, reason = "nothing said and something wrong are told apart")]
    fn proxy(&mut self) -> Option<Option<Proxy>> {
        let Some(text) = self.secret("outbound_proxy") else { return Some(None) };
        let proxy = Proxy::parse(&text);
        if proxy.is_none() {
            self.wrong_secret("outbound_proxy");
        }
        proxy.map(Some)
    }

    #[expect(clippy::option_option, reason = "nothing said and something wrong are told apart")]
    fn otel(&mut self) -> Option<Option<Export>> {
        let endpoint = self.optional("otel_endpoint", |text| web_address(text).map(Some));
        let service_name = self.text("otel_service_name", |text| {
            (text.chars().count() <= 200 && !text.contains(char::is_control)).then(|| text.to_owned())
        });
        let sample_percent = self.whole("otel_sample_percent");
        let mut headers = Vec::new();
        if let Some(text) = self.secret("otel_headers") {
            for pair in text.expose_secret().split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
                let Some((name, value)) = pair.split_once('=').filter(|(name, _)| is_header_name(name))
                else {
                    self.wrong_secret("otel_headers");
                    return None;
                };
                headers.push((name.to_owned(), value.to_owned().into()));
            }
        }
        let Some(endpoint) = endpoint? else { return Some(None) };
        if !cfg!(feature = "otel") {
            self.problems.push(
                "otel_endpoint: this program was built without the cargo feature `otel` and sends no traces; \
                 build it with `--features otel` or without `--no-default-features`, or remove the setting"
                    .to_owned(),
            );
            return None;
        }
        let (service_name, sample_percent) = (service_name?, sample_percent?);
        Some(Some(Export { endpoint, service_name, headers, sample_percent }))
    }

    /// A secret that was chosen and is not of the right form.
    pub(super) fn wrong_secret(&mut self, name: &'static str) {
        let place = self.chosen.iter().rfind(|chosen| chosen.name.starts_with(name));
        let origin = place.map(|chosen| chosen.origin.clone()).unwrap_or_default();
        if let Some(setting) = setting(name) {
            self.wrong(setting, &origin, "");
        }
    }

    fn private_addresses(&mut self) -> Option<Vec<String>> {
        let setting = setting("psa_private_addresses")?;
        let Some((origin, written)) = self.find(setting.name) else { return Some(Vec::new()) };
        let hosts = match texts(setting, &written) {
            Ok(hosts) => hosts,
            Err(what) => {
                self.wrong(setting, &origin, what);
                return None;
            }
        };
        let wrong = hosts.iter().find(|host| !(is_host_or_network(host) || *host == "*" && hosts.len() == 1));
        if let Some(host) = wrong {
            self.wrong(setting, &origin, &format!("`{host}`"));
            return None;
        }
        self.choose(setting, &hosts.join(","), origin);
        Some(hosts)
    }

    fn psa_calls(&mut self) -> Option<BTreeMap<String, u32>> {
        let setting = setting("psa_calls")?;
        let Some((origin, written)) = self.find(setting.name) else { return Some(BTreeMap::new()) };
        let pairs = match texts(setting, &written) {
            Ok(pairs) => pairs,
            Err(what) => {
                self.wrong(setting, &origin, what);
                return None;
            }
        };
        let mut calls = BTreeMap::new();
        for pair in &pairs {
            let read = pair.split_once('=').map(|(key, number)| (key.trim(), number.trim().parse::<u32>()));
            match read {
                Some((key, Ok(number @ 1..=1_000_000))) if !key.is_empty() => {
                    calls.insert(key.to_owned(), number);
                }
                _ => {
                    self.wrong(setting, &origin, &format!("`{pair}`"));
                    return None;
                }
            }
        }
        self.choose(setting, &pairs.join(","), origin);
        Some(calls)
    }
}

/// Names in the table that reading never asks for, and the other way round.
#[cfg(test)]
pub(super) fn differences() -> Vec<&'static str> {
    let mut read = Read::new(Vec::new(), Vec::new());
    read.config();
    let table: Vec<&str> = super::settings::SETTINGS.iter().map(|setting| setting.name).collect();
    let asked = std::mem::take(&mut read.asked);
    let missing = table.iter().filter(|name| !asked.contains(name));
    missing.chain(asked.iter().filter(|name| !table.contains(name))).copied().collect()
}
