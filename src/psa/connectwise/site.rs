//! The vendor's hosts, and the two names that each of them has: people open `na.myconnectwise.net`,
//! programs call `api-na.myconnectwise.net` (Developer Guide; django-connectwise).

use reqwest::Url;

/// Domains in which only the vendor has hosts.
const VENDOR: [&str; 2] = ["myconnectwise.net", "connectwisedev.com"];

/// What people type for a site of the cloud: its first word, and the domain it stands in.
const REGIONS: [(&str, &str); 9] = [
    ("na", "myconnectwise.net"),
    ("eu", "myconnectwise.net"),
    ("au", "myconnectwise.net"),
    ("aus", "myconnectwise.net"),
    ("za", "myconnectwise.net"),
    ("sandbox-na", "myconnectwise.net"),
    ("sandbox-eu", "myconnectwise.net"),
    ("sandbox-au", "myconnectwise.net"),
    ("staging", "connectwisedev.com"),
];

/// Whether a host is the vendor's.
pub(super) fn is_vendor_host(host: &str) -> bool {
    VENDOR.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

/// The whole host where only the region was typed.
pub(super) fn of_region(word: &str) -> Option<String> {
    let word = word.to_ascii_lowercase();
    let word = word.strip_prefix("api-").unwrap_or(&word);
    REGIONS.iter().find(|(region, _)| *region == word).map(|(region, domain)| format!("{region}.{domain}"))
}

/// The name that people open.
pub(super) fn user_host(host: &str) -> &str {
    let mut host = host;
    while let Some(rest) =
        host.strip_prefix("api-").filter(|rest| is_vendor_host(rest) && !rest.starts_with('.'))
    {
        host = rest;
    }
    host
}

/// The name that programs call. The guide demands `api-` for every site of the cloud; that the sandbox
/// sites have such a name too was not seen, so what they say themselves (`SiteUrl`) comes before this.
pub(super) fn api_host(host: &str) -> String {
    if is_vendor_host(host) { format!("api-{}", user_host(host)) } else { host.to_owned() }
}

/// Where the API of a site is, as far as its host goes. `named` is what the site says of itself, which is
/// believed only where it stays on the same host or with the vendor: our keys are sent there.
pub(super) fn api_origin(site: &Url, named: Option<&str>) -> Option<Url> {
    let own = site.host_str()?;
    let named = named.and_then(host_in).filter(|host| is_vendor_host(host));
    let host = match named {
        // Where a site is named as people open it, programs still need the other name.
        Some(host) if of_region(host.split('.').next()?).as_deref() == Some(host.as_str()) => {
            if host.starts_with("sandbox-") { host } else { api_host(&host) }
        }
        Some(host) => host,
        None => api_host(own),
    };
    let mut origin = site.clone();
    if host != own {
        origin.set_scheme("https").ok()?;
        origin.set_host(Some(&host)).ok()?;
        origin.set_port(None).ok()?;
    }
    origin.set_path("/");
    origin.set_query(None);
    Some(origin)
}

/// The host in an address with or without its scheme.
fn host_in(text: &str) -> Option<String> {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    Url::parse(&whole).ok()?.host_str().map(str::to_ascii_lowercase)
}

/// A ticket as the browser opens it.
pub(super) fn ticket_page(site: &Url, company_id: &str, id: i64) -> Option<String> {
    page(
        site,
        "Service/fv_sr100_request.rails",
        &[("service_recid", &id.to_string()), ("companyName", company_id)],
    )
}

/// A company as the browser opens it.
pub(super) fn company_page(site: &Url, company_id: &str, id: i64) -> Option<String> {
    let query = [("recordType", "CompanyFV"), ("recid", &id.to_string()), ("companyName", company_id)];
    page(site, "router/openrecord.rails", &query)
}

/// A contact as the browser opens it.
pub(super) fn contact_page(site: &Url, company_id: &str, id: i64) -> Option<String> {
    let query = [("recordType", "ContactFV"), ("recid", &id.to_string()), ("companyName", company_id)];
    page(site, "router/openrecord.rails", &query)
}

/// A configuration as the browser opens it.
pub(super) fn configuration_page(site: &Url, company_id: &str, id: i64) -> Option<String> {
    let query = [("recordType", "ConfigFV"), ("recid", &id.to_string()), ("companyName", company_id)];
    page(site, "router/openrecord.rails", &query)
}

/// Links of the kind that ConnectWise itself puts into mails. No source of ours proves them for every
/// version: the one place to change.
fn page(site: &Url, path: &str, query: &[(&str, &str)]) -> Option<String> {
    let mut url = site.join(&format!("v4_6_release/services/system_io/{path}")).ok()?;
    url.query_pairs_mut().extend_pairs(query);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(site: &str, named: Option<&str>) -> String {
        api_origin(&Url::parse(site).unwrap(), named).unwrap().to_string()
    }

    #[test]
    fn sites_of_the_cloud_are_called_by_their_other_name() {
        for (host, wanted) in [
            ("na.myconnectwise.net", "api-na.myconnectwise.net"),
            ("api-eu.myconnectwise.net", "api-eu.myconnectwise.net"),
            ("staging.connectwisedev.com", "api-staging.connectwisedev.com"),
            ("cw.corp.example", "cw.corp.example"),
            ("api-cw.corp.example", "api-cw.corp.example"),
        ] {
            assert_eq!(api_host(host), wanted);
        }
        assert_eq!(user_host("api-au.myconnectwise.net"), "au.myconnectwise.net");
        assert_eq!(user_host("api-cw.corp.example"), "api-cw.corp.example");
        assert_eq!(of_region("API-NA").as_deref(), Some("na.myconnectwise.net"));
        assert_eq!(of_region("acme"), None);
    }

    #[test]
    fn a_site_may_name_the_vendors_hosts_and_no_others() {
        let na = "https://na.myconnectwise.net/";
        assert_eq!(origin(na, None), "https://api-na.myconnectwise.net/");
        assert_eq!(origin(na, Some("api-eu.myconnectwise.net")), "https://api-eu.myconnectwise.net/");
        assert_eq!(origin(na, Some("https://eu.myconnectwise.net/x")), "https://api-eu.myconnectwise.net/");
        for stranger in
            ["evil.example", "https://myconnectwise.net.evil.example", "evilmyconnectwise.net", "", "::"]
        {
            assert_eq!(origin(na, Some(stranger)), "https://api-na.myconnectwise.net/", "{stranger}");
        }
        let sandbox = "https://sandbox-na.myconnectwise.net/";
        assert_eq!(origin(sandbox, Some("sandbox-na.myconnectwise.net")), sandbox);
        let own = "http://127.0.0.1:9000/";
        assert_eq!(origin(own, None), own);
        assert_eq!(origin(own, Some("127.0.0.1:1")), own);
        assert_eq!(origin(own, Some("other.corp.example")), own);
        assert_eq!(
            origin("http://cw.corp.example:81/", Some("api-na.myconnectwise.net")),
            "https://api-na.myconnectwise.net/"
        );
    }

    #[test]
    fn links_carry_the_company_as_text() {
        let link = ticket_page(&Url::parse("https://na.myconnectwise.net/").unwrap(), "a&b=c", 7).unwrap();
        assert_eq!(
            link,
            "https://na.myconnectwise.net/v4_6_release/services/system_io/Service/fv_sr100_request.rails?service_recid=7&companyName=a%26b%3Dc"
        );
    }
}
