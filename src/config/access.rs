//! Who is let in: the identity provider, proxies, rates.

use entity::Role;
use url::{Host, Url};

use super::{check::Read, forms::web_address};
use crate::addresses::{Networks, ProxyHeader, TrustedProxies};

/// The identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// The issuer, letter by letter.
    pub issuer: String,
    /// Whom tokens must be meant for.
    pub audiences: Vec<String>,
    /// Where its keys are, where that was said.
    pub jwks_url: Option<Url>,
    /// Names of algorithms.
    pub algorithms: Vec<String>,
    /// Where the slug of the organization stands.
    pub organization_claim: String,
    /// Where the role stands.
    pub role_claim: String,
    /// What its values mean; empty where they are the roles' own names.
    pub roles: Vec<(String, Role)>,
    /// Which value makes an operator of the installation.
    pub operator_value: Option<String>,
    /// Where the name for people stands.
    pub name_claim: String,
    /// Where the address of electronic mail stands.
    pub email_claim: String,
    /// Whether addresses count as confirmed though the provider does not say so.
    pub trusts_email: bool,
}

/// How many requests are let in, and who says where they come from.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// The proxies before the gateway.
    pub proxies: TrustedProxies,
    /// Requests of an address in a second; 0 for no limit.
    pub per_address_per_sec: u32,
    /// Requests of a token in a second; 0 for no limit.
    pub per_token_per_sec: u32,
    /// Webhooks of an endpoint in a second; 0 for no limit.
    pub per_endpoint_per_sec: u32,
    /// How many seconds' worth at once.
    pub burst_secs: u32,
}

/// Names of algorithms that can be set.
pub const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

const ROLES: [(&str, Role); 6] = [
    ("owner", Role::Owner),
    ("administrator", Role::Administrator),
    ("billing", Role::Billing),
    ("technician", Role::Technician),
    ("developer", Role::Developer),
    ("viewer", Role::Viewer),
];

impl Read {
    /// None where a value is missing for a problem; `Some(None)` where no provider is set.
    #[expect(
        clippy::option_option,
        reason = "outside: whether it could be read; inside: whether it was said"
    )]
    pub(super) fn oidc(&mut self) -> Option<Option<OidcSettings>> {
        let issuer = self.optional("oidc_issuer", |text| safe_address(text).map(|_| Some(text.to_owned())));
        let audiences = self.list("oidc_audience", |text| Some(text.to_owned()));
        let jwks_url = self.optional("oidc_jwks_url", |text| safe_address(text).map(Some));
        let algorithms =
            self.list("oidc_algorithms", |text| ALGORITHMS.contains(&text).then(|| text.to_owned()));
        let organization_claim = self.text("oidc_organization_claim", claim);
        let role_claim = self.text("oidc_role_claim", claim);
        let roles = self.list("oidc_roles", |pair| {
            // A value may hold `=` itself, as names of directories do.
            let (value, role) = pair.rsplit_once('=')?;
            let role = ROLES.iter().find(|(name, _)| name.eq_ignore_ascii_case(role.trim()))?.1;
            (!value.trim().is_empty()).then(|| (value.trim().to_owned(), role))
        });
        let operator_value =
            self.optional("oidc_operator_value", |text| (!text.is_empty()).then(|| Some(text.to_owned())));
        let name_claim = self.text("oidc_name_claim", claim);
        let email_claim = self.text("oidc_email_claim", claim);
        let trusts_email = self.flag("oidc_trust_email");
        let (issuer, audiences, algorithms) = (issuer?, audiences?, algorithms?);
        let Some(issuer) = issuer else { return Some(None) };
        if audiences.is_empty() {
            let problem = "oidc_audience: name at least one, else tokens that the provider made for other programs would \
                           be taken";
            self.problem(problem.to_owned());
        }
        if algorithms.is_empty() {
            self.problem("oidc_algorithms: name at least one, or leave the setting out".to_owned());
        }
        Some(Some(OidcSettings {
            issuer,
            audiences,
            jwks_url: jwks_url?,
            algorithms,
            organization_claim: organization_claim?,
            role_claim: role_claim?,
            roles: roles?,
            operator_value: operator_value?,
            name_claim: name_claim?,
            email_claim: email_claim?,
            trusts_email: trusts_email?,
        }))
    }

    pub(super) fn doors(&mut self) -> Option<DoorSettings> {
        let networks =
            self.list("trusted_proxies", |text| Networks::parse([text]).ok().map(|_| text.to_owned()));
        let header = self.text("trusted_proxy_header", ProxyHeader::of_name);
        let per_address_per_sec = self.whole("limit_per_address_per_sec");
        let per_token_per_sec = self.whole("limit_per_token_per_sec");
        let per_endpoint_per_sec = self.whole("limit_per_endpoint_per_sec");
        let burst_secs = self.whole("limit_burst_secs");
        Some(DoorSettings {
            proxies: TrustedProxies { networks: Networks::parse(networks?).ok()?, header: header? },
            per_address_per_sec: per_address_per_sec?,
            per_token_per_sec: per_token_per_sec?,
            per_endpoint_per_sec: per_endpoint_per_sec?,
            burst_secs: burst_secs?,
        })
    }
}

/// Keys that come over plain http could be anybody's; on this machine there is nobody between.
fn safe_address(text: &str) -> Option<Url> {
    let url = web_address(text)?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    (url.scheme() == "https" || is_here).then_some(url)
}

fn claim(text: &str) -> Option<String> {
    (text.len() <= 200).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigErrors};

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        Config::from_pairs(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())))
    }

    #[test]
    fn a_provider_needs_an_audience_and_an_address_nobody_can_listen_to() {
        assert!(read(&[]).unwrap().oidc.is_none());
        let issuer = ("oidc_issuer", "https://id.example.com/realms/msp");
        assert_eq!(read(&[issuer]).unwrap().oidc.unwrap().audiences, ["psa-gateway"]);
        let config = read(&[issuer, ("oidc_audience", "desk, dashboards")]).unwrap();
        let oidc = config.oidc.unwrap();
        assert_eq!(oidc.audiences, ["desk", "dashboards"]);
        assert_eq!(oidc.algorithms, ["RS256", "ES256", "EdDSA"]);
        assert!(read(&[issuer, ("oidc_audience", ",")]).unwrap_err().to_string().contains("oidc_audience"));
        for wrong in ["http://id.example.com", "id.example.com", "https://id.example.com/?realm=msp"] {
            assert!(read(&[("oidc_issuer", wrong), ("oidc_audience", "a")]).is_err(), "{wrong}");
        }
        for here in ["http://localhost:8080/realms/msp", "http://127.0.0.1:9", "http://[::1]:9"] {
            assert!(read(&[("oidc_issuer", here), ("oidc_audience", "a")]).is_ok(), "{here}");
        }
    }

    #[test]
    fn shared_secrets_and_none_are_no_algorithms() {
        for wrong in ["HS256", "none", "RS256,HS512", "rs256"] {
            let problem = read(&[("oidc_algorithms", wrong)]).unwrap_err().to_string();
            assert!(problem.contains("oidc_algorithms"), "{problem}");
        }
    }

    #[test]
    fn values_of_the_role_claim_are_given_roles() {
        let given = |text: &str| {
            let pairs =
                [("oidc_issuer", "https://id.example.com"), ("oidc_audience", "a"), ("oidc_roles", text)];
            read(&pairs).map(|config| config.oidc.unwrap().roles)
        };
        assert_eq!(
            given("CN=desk=technician, admins = Administrator").unwrap(),
            [
                ("CN=desk".to_owned(), entity::Role::Technician),
                ("admins".to_owned(), entity::Role::Administrator)
            ]
        );
        for wrong in ["desk", "desk=king", "=viewer"] {
            assert!(given(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        assert!(read(&[("trusted_proxies", "10.0.0.0/8, ::1")]).is_ok());
        for wrong in ["proxy.example.com", "10.0.0.0/33", "*"] {
            assert!(read(&[("trusted_proxies", wrong)]).is_err(), "{wrong}");
        }
        assert!(read(&[("trusted_proxy_header", "x-real-ip")]).is_err());
    }
}
