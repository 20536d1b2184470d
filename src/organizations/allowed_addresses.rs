//! Lists of addresses that a token or an endpoint is taken from, as they stand in a column: an array of
//! texts, or nothing for everywhere.

use std::net::IpAddr;

use sea_orm::JsonValue;

use super::form::Form;
use crate::{
    addresses::Networks,
    error::{Problem, ProblemCode},
};

/// How many addresses and networks a list has at the most.
const MAX: usize = 100;
const FIELD: &str = "allowedAddresses";

/// What was typed, as it is kept: each in its one way of writing, none twice.
pub(super) fn read(form: &mut Form, typed: &[String]) -> Option<JsonValue> {
    if typed.len() > MAX {
        let message =
            format!("{} are given; {MAX} are allowed: put them together into networks", typed.len());
        form.add(Problem::of(FIELD, ProblemCode::TooLong, message));
        return None;
    }
    match Networks::parse(typed) {
        Ok(networks) => {
            let mut texts: Vec<_> = networks.iter().map(ToString::to_string).collect();
            texts.sort_unstable();
            texts.dedup();
            (!texts.is_empty()).then(|| texts.into())
        }
        Err(wrong) => {
            let wrong: String = wrong.chars().take(50).collect();
            let message = format!(
                "`{wrong}` is no address such as 192.0.2.7 and no network such as 192.0.2.0/24 or 2001:db8::/32"
            );
            form.add(Problem::of(FIELD, ProblemCode::Invalid, message));
            None
        }
    }
}

/// A list for people.
pub fn texts(kept: Option<&JsonValue>) -> Vec<String> {
    let texts = kept.and_then(JsonValue::as_array).into_iter().flatten();
    texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// Whether somebody at an address is let in. Where there is a list, nobody is whose address is not known,
/// and nobody by what cannot be read.
pub fn let_in(kept: Option<&JsonValue>, from: Option<IpAddr>) -> bool {
    kept.is_none()
        || from.is_some_and(|from| Networks::parse(texts(kept)).is_ok_and(|list| list.contain(from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(typed: &[&str]) -> Result<Option<JsonValue>, crate::error::Error> {
        let mut form = Form::default();
        let typed: Vec<_> = typed.iter().map(|&text| text.to_owned()).collect();
        let kept = read(&mut form, &typed);
        form.finish().map(|()| kept)
    }

    #[test]
    fn a_list_lets_in_who_stands_on_it_and_nobody_whose_address_is_unknown() {
        let list = kept(&["192.0.2.7/24", "2001:db8::/32", "192.0.2.0/24"]).unwrap();
        assert_eq!(texts(list.as_ref()), ["192.0.2.0/24", "2001:db8::/32"]);
        let asks = |from: &str| let_in(list.as_ref(), Some(from.parse().unwrap()));
        assert!(asks("192.0.2.200") && asks("::ffff:192.0.2.1") && asks("2001:db8::9"));
        assert!(!asks("192.0.3.1") && !asks("2001:db9::1"));
        assert!(!let_in(list.as_ref(), None));
        assert!(let_in(None, None), "no list lets everybody in");
        assert!(!let_in(Some(&serde_json::json!(["gone wrong"])), Some([192, 0, 2, 1].into())));
    }

    #[test]
    fn an_empty_list_is_none_and_what_is_no_network_is_told() {
        assert_eq!(kept(&[]).unwrap(), None);
        assert!(kept(&["192.0.2.1", "office"]).unwrap_err().to_string().contains("`office`"));
        assert!(kept(&["192.0.2.1"; MAX + 1]).is_err());
    }
}
