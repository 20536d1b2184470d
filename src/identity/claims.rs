//! What the provider claims of somebody, in our words.

use entity::Role;
use serde_json::Value;

use super::{
    ProviderOptions,
    jwt::{Payload, Why},
};
use crate::organizations::{
    members::{ClaimedRole, SignIn},
    permissions::ROLES,
};

/// The longest name or address that is kept.
const MAX_TEXT: usize = 320;

/// Where claims stand: a name as it is, or a path with dots into objects.
#[derive(Clone, Debug)]
pub struct ClaimNames {
    /// The slug of the organization.
    pub organization: String,
    /// The role, or several.
    pub role: String,
    /// Name for people.
    pub name: String,
    /// Address of electronic mail.
    pub email: String,
}

/// What values of the role claim mean.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Values and the roles they give; where there are none, the roles' own names.
    pub given: Vec<(String, Role)>,
    /// The value that makes somebody an operator of the installation.
    pub operator: Option<String>,
}

/// What a checked token says, as a sign-in.
pub(super) fn sign_in(options: &ProviderOptions, payload: &Payload) -> Result<SignIn, Why> {
    let text = |name: &str| {
        let text = find(payload, name)?.as_str()?.trim();
        (!text.is_empty() && text.len() <= MAX_TEXT).then(|| text.to_owned())
    };
    let names = &options.claims;
    let is_confirmed = match payload.get("email_verified") {
        Some(Value::Bool(yes)) => *yes,
        // Some providers write it as text.
        Some(Value::String(text)) => text == "true",
        _ => options.trusts_email,
    };
    Ok(SignIn {
        issuer: options.issuer.clone(),
        subject: payload.get("sub").and_then(Value::as_str).ok_or("it has no subject")?.to_owned(),
        organization: organization(find(payload, &names.organization))?,
        role: role(find(payload, &names.role), &options.roles)?,
        name: text(&names.name),
        email: text(&names.email).map(|email| email.to_lowercase()),
        is_email_confirmed: is_confirmed,
    })
}

/// A claim by its name, which may have dots in it (`https://example.com/roles`), else by its path
/// (`realm_access.roles`).
fn find<'p>(payload: &'p Payload, name: &str) -> Option<&'p Value> {
    if let Some(value) = payload.get(name) {
        return Some(value);
    }
    let mut parts = name.split('.');
    let first = payload.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// A slug; or a list of one, or an object of one key, as Keycloak writes an organization.
fn organization(claim: Option<&Value>) -> Result<Option<String>, Why> {
    let slug = match claim {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(slug)) => Some(slug.as_str()),
        Some(Value::Array(slugs)) => match slugs.as_slice() {
            [] => return Ok(None),
            [slug] => slug.as_str(),
            _ => return Err("its claims name several organizations"),
        },
        Some(Value::Object(slugs)) => match (slugs.len(), slugs.keys().next()) {
            (0, _) => return Ok(None),
            (1, Some(slug)) => Some(slug.as_str()),
            _ => return Err("its claims name several organizations"),
        },
        Some(_) => None,
    };
    slug.map(|slug| Some(slug.to_owned())).ok_or("its organization claim cannot be read")
}

/// The most powerful role that the values give. A claim that is there and gives none lets nobody in: the
/// provider has spoken.
fn role(claim: Option<&Value>, roles: &Roles) -> Result<ClaimedRole, Why> {
    let values: Vec<&str> = match claim {
        None | Some(Value::Null) => return Ok(ClaimedRole::Unsaid),
        Some(Value::String(value)) => vec![value],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err("its role claim cannot be read"),
    };
    if roles.operator.as_deref().is_some_and(|operator| values.contains(&operator)) {
        return Ok(ClaimedRole::Operator);
    }
    let gives = |role: Role, name: &str| {
        if roles.given.is_empty() {
            values.iter().any(|value| value.eq_ignore_ascii_case(name))
        } else {
            roles.given.iter().any(|(value, given)| *given == role && values.contains(&value.as_str()))
        }
    };
    let found = ROLES.into_iter().find(|(role, name)| gives(*role, name));
    found.map(|(role, _)| ClaimedRole::Is(role)).ok_or("its role claim gives no role")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_organization_is_one_slug_in_whatever_form() {
        for (claim, expected) in [
            (json!("acme"), Ok(Some("acme".to_owned()))),
            (json!(["acme"]), Ok(Some("acme".to_owned()))),
            (json!({ "acme": { "id": "1" } }), Ok(Some("acme".to_owned()))),
            (json!([]), Ok(None)),
            (json!(null), Ok(None)),
            (json!(["acme", "globex"]), Err("its claims name several organizations")),
            (json!({ "acme": 1, "globex": 2 }), Err("its claims name several organizations")),
            (json!(7), Err("its organization claim cannot be read")),
            (json!([7]), Err("its organization claim cannot be read")),
        ] {
            assert_eq!(organization(Some(&claim)), expected, "{claim}");
        }
    }

    #[test]
    fn the_most_powerful_role_counts_and_a_claim_without_one_lets_nobody_in() {
        let own = Roles::default();
        let mapped = Roles {
            given: vec![
                ("msp-admins".to_owned(), Role::Administrator),
                ("desk".to_owned(), Role::Technician),
            ],
            operator: Some("platform".to_owned()),
        };
        let nobody = Err("its role claim gives no role");
        for (roles, claim, expected) in [
            (&own, json!("technician"), Ok(ClaimedRole::Is(Role::Technician))),
            (&own, json!(["viewer", "Billing"]), Ok(ClaimedRole::Is(Role::Billing))),
            (&own, json!("desk"), nobody),
            (&own, json!([]), nobody),
            (&own, json!("platform"), nobody),
            (&mapped, json!(["desk", "msp-admins"]), Ok(ClaimedRole::Is(Role::Administrator))),
            (&mapped, json!("owner"), nobody),
            (&mapped, json!("DESK"), nobody),
            (&mapped, json!(["desk", "platform"]), Ok(ClaimedRole::Operator)),
            (&mapped, json!(null), Ok(ClaimedRole::Unsaid)),
            (&mapped, json!({ "desk": true }), Err("its role claim cannot be read")),
        ] {
            assert_eq!(role(Some(&claim), roles), expected, "{claim}");
        }
    }

    #[test]
    fn a_claim_is_found_by_its_name_before_its_path() {
        let payload = json!({
            "https://example.com/roles": ["viewer"], "realm_access": { "roles": ["owner"] }, "a.b": 1, "a": { "b": 2 },
        });
        let payload = payload.as_object().unwrap();
        assert_eq!(find(payload, "https://example.com/roles"), Some(&json!(["viewer"])));
        assert_eq!(find(payload, "realm_access.roles"), Some(&json!(["owner"])));
        assert_eq!(find(payload, "a.b"), Some(&json!(1)));
        assert_eq!(find(payload, "realm_access.none.roles"), None);
    }
}
