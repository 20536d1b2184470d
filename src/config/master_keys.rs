//! Where the master keys are said to be. Nothing is opened here: only who needs a key reads it.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use super::{
    KeyServer, MasterKeyAt, PreviousKeys, check::Read, forms::web_address, layers::one_text,
    settings::setting,
};

impl Read {
    /// The layer that counts first decides between the ways of giving a key.
    pub(super) fn master_key(
        &mut self,
        data_dir: Option<&PathBuf>,
        is_usual_database: bool,
    ) -> Option<MasterKeyAt> {
        let server = self.key_server();
        let layer = |name: &str| self.layers.iter().position(|layer| layer.get(name).is_some());
        let (named, given) = (layer("master_key_file"), layer("master_key"));
        let fetched = layer("master_key_vault_url");
        if let Some(fetched) = fetched {
            let other = named.into_iter().chain(given).min();
            if other == Some(fetched) {
                self.problems.push(
                    "the master key is given twice (master_key_vault_url, and master_key or master_key_file); \
                     remove one of them"
                        .to_owned(),
                );
                return None;
            }
            if other.is_none_or(|other| fetched < other) {
                self.asked.extend(["master_key", "master_key_file"]);
                return server?.map(|server| MasterKeyAt::Vault(Box::new(server)));
            }
        }
        server?;
        match (named, given) {
            (Some(named), given) if given.is_none_or(|given| named < given) => {
                self.asked.push("master_key");
                self.text("master_key_file", |path| Some(PathBuf::from(path))).map(MasterKeyAt::Named)
            }
            (_, Some(_)) => self.secret("master_key").map(MasterKeyAt::Given),
            (_, None) => {
                self.asked.extend(["master_key", "master_key_file"]);
                let data_dir = data_dir?;
                let database = is_usual_database.then(|| data_dir.join("gateway.db"));
                Some(MasterKeyAt::Usual { path: data_dir.join("master.key"), database })
            }
        }
    }

    #[expect(clippy::option_option, reason = "nothing said and something wrong are told apart")]
    fn key_server(&mut self) -> Option<Option<KeyServer>> {
        let url = self.optional("master_key_vault_url", |text| key_server_address(text).map(Some));
        let field = self.text("master_key_vault_field", |text| Some(text.to_owned()));
        let previous_fields = self.list("master_key_vault_previous_fields", some);
        let token = self.secret("master_key_vault_token");
        let namespace = self.optional("master_key_vault_namespace", |text| {
            let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
            is_name.then(|| Some(text.to_owned()))
        });
        let authority = self.optional("master_key_vault_authority", |text| Some(Some(PathBuf::from(text))));
        let Some(url) = url? else { return Some(None) };
        let Some(token) = token else {
            self.problems.push(
                "master_key_vault_token is missing; the key server at master_key_vault_url asks for one \
                 (PSA_GATEWAY_MASTER_KEY_VAULT_TOKEN_FILE)"
                    .to_owned(),
            );
            return None;
        };
        let (field, previous_fields) = (field?, previous_fields?);
        let (namespace, authority) = (namespace?, authority?);
        Some(Some(KeyServer { url, token, namespace, field, previous_fields, authority }))
    }

    pub(super) fn previous_master_keys(&mut self) -> Option<PreviousKeys> {
        let files =
            self.list("master_key_previous_files", some).map(|files| files.iter().map(Into::into).collect());
        let setting = setting("master_key_previous")?;
        let mut given = Vec::new();
        if let Some((origin, written)) = self.find(setting.name) {
            let Ok(text) = one_text(setting, &written) else {
                self.wrong(setting, &origin, "");
                return None;
            };
            let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
            given = keys.map(|key| SecretString::from(key.to_owned())).collect();
            if given.iter().any(|key| !is_key(key.expose_secret())) {
                self.wrong(setting, &origin, "");
                return None;
            }
            self.choose(setting, "", origin);
        }
        Some(PreviousKeys { given, files: files? })
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A token is sent there: in the open only to this machine itself, where an agent may listen.
fn key_server_address(text: &str) -> Option<Url> {
    let url = web_address(text)?;
    let is_here = match url.host()? {
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
        Host::Domain(name) => name == "localhost",
    };
    (url.scheme() == "https" || is_here).then_some(url)
}
