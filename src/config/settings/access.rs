//! Settings of who is let in: the identity provider, proxies, rates.

use super::{
    Kind::{Flag, List, Text, Whole},
    Preset::{Follows, Is},
    Setting, set,
};

pub(super) const ACCESS: &[Setting] = &[
    set(
        "oidc_issuer",
        Text(
            "an https:// address (http:// for this machine only), letter by letter as the provider's tokens have it",
        ),
        Follows("only access tokens of the gateway are taken", "https://id.example.com/realms/msp"),
        "The identity provider whose tokens (JWT) dashboards may bring instead of access tokens.",
    ),
    set(
        "oidc_audience",
        List("audiences such as psa-gateway"),
        Is("psa-gateway"),
        "Whom the provider's tokens must be meant for (`aud`): one of these. Those that it makes for other programs are \
         not taken.",
    ),
    set(
        "oidc_jwks_url",
        Text("an https:// address (http:// for this machine only)"),
        Follows("found by discovery at the issuer", "https://id.example.com/realms/msp/keys"),
        "Where the provider's public keys are.",
    ),
    set(
        "oidc_algorithms",
        List("of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"),
        Is("RS256,ES256,EdDSA"),
        "Which signatures are taken. Shared secrets (HS…) and none are never taken.",
    ),
    set(
        "oidc_organization_claim",
        Text("a claim, or a path with dots such as org.slug"),
        Is("organization"),
        "The claim that holds the organization's slug. Where a token has none, who signs in must be invited.",
    ),
    set(
        "oidc_role_claim",
        Text("a claim, or a path with dots such as realm_access.roles"),
        Is("role"),
        "The claim that holds the role, or several: the most powerful counts. Where a token has the claim and it \
         gives no role, nobody is let in; where it has none, the role set here counts.",
    ),
    set(
        "oidc_roles",
        List("values with roles such as msp-admins=administrator, desk=technician"),
        Is(""),
        "What values of the role claim mean; empty where they are the roles' own names.",
    ),
    set(
        "oidc_operator_value",
        Text("a value of the role claim"),
        Follows("nobody operates the installation by the provider's word", "platform-admins"),
        "The value of the role claim that makes somebody an operator of the whole installation.",
    ),
    set(
        "oidc_name_claim",
        Text("a claim, or a path with dots"),
        Is("name"),
        "The claim that holds the name for people.",
    ),
    set(
        "oidc_email_claim",
        Text("a claim, or a path with dots"),
        Is("email"),
        "The claim that holds the address of electronic mail, by which invitations are accepted.",
    ),
    set(
        "oidc_trust_email",
        Flag,
        Is("false"),
        "Whether an address accepts invitations though the provider does not say `email_verified`. Set it only where \
         nobody can give themselves another's address there.",
    ),
    set(
        "trusted_proxies",
        List("addresses and networks such as 10.0.0.0/8, 2001:db8::/32"),
        Is(""),
        "The proxies before the gateway, whose word on who called them is taken: for rate limits, allow-lists and logs.",
    ),
    set(
        "trusted_proxy_header",
        Text("x-forwarded-for or forwarded"),
        Is("x-forwarded-for"),
        "The header in which they write it. The other one is not looked at, since they pass it on as it came.",
    ),
    set(
        "limit_per_address_per_sec",
        Whole(0, 1_000_000),
        Is("1000"),
        "GraphQL requests of an address in a second (of IPv6, of a network of 64 bits); 0 for no limit. A failed \
         authentication counts as ten. Failed webhooks are counted so too, good ones are not.",
    ),
    set(
        "limit_per_token_per_sec",
        Whole(0, 1_000_000),
        Is("500"),
        "GraphQL requests of an access token or member in a second; 0 for no limit.",
    ),
    set(
        "limit_per_endpoint_per_sec",
        Whole(0, 1_000_000),
        Is("2000"),
        "Webhooks of an endpoint in a second; 0 for no limit. More are answered 429, and senders send them again.",
    ),
    set(
        "limit_burst_secs",
        Whole(1, 3_600),
        Is("10"),
        "How many seconds' worth of the three limits may come at once. Each node counts for itself.",
    ),
];
