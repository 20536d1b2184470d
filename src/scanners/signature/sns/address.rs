//! Which addresses are Amazon's.

use reqwest::Url;

/// The address of a certificate, where SNS has its certificates. Without a query: with one, the same host
/// answers what its caller would like to hear.
pub(super) fn certificate(text: &str) -> Option<Url> {
    let url = of_sns(text)?;
    let name = url.path().strip_prefix('/')?.strip_suffix(".pem")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (url.query().is_none() && !name.is_empty() && name.bytes().all(is_plain)).then_some(url)
}

/// The address that confirms the subscription to this topic, where it does nothing else.
pub(super) fn confirmation(text: &str, topic: &str) -> Option<Url> {
    let url = of_sns(text)?;
    let values = |name: &str| -> Vec<String> {
        url.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
    };
    let is_confirmation = url.path() == "/"
        && values("Action") == ["ConfirmSubscription"]
        && values("TopicArn") == [topic]
        && values("Token").len() == 1;
    is_confirmation.then_some(url)
}

/// An address of SNS in one of Amazon's regions: `https://sns.<region>.amazonaws.com(.cn)/…`, at the usual port.
fn of_sns(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?.strip_prefix("sns.")?;
    let region = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let is_region = region.len() >= 3
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    (url.scheme() == "https" && is_region && is_bare && url.fragment().is_none()).then_some(url)
}

/// Whether a text is the ARN of a topic, e.g. `arn:aws:sns:eu-central-1:123456789012:findings`.
pub fn is_topic(text: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    match text.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "sns", region, account, name] => {
            text.len() <= 400
                && partition.starts_with("aws")
                && [partition, region, account, name].into_iter().all(|part| is_plain(part))
        }
        _ => false,
    }
}
