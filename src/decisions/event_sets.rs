//! Which events an event set holds.

use serde::{Deserialize, Serialize};

use super::{
    catalogue::{self, Category, EventKind},
    conditions::Facts,
};

/// What of a category is in an event set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Key of the category.
    pub category: String,
    /// Names of kinds; every kind of the category where there is none, those that later versions add too.
    pub kinds: Option<Vec<String>>,
}

/// The kinds a category tells of: its own, and those that every category tells of.
pub fn kinds_of(category: &Category) -> impl Iterator<Item = &'static EventKind> {
    let key = category.key;
    catalogue::KINDS.iter().filter(move |kind| kind.is_general() || kind.category == key)
}

/// Whether one of the choices holds an event of a kind.
///
/// A kind that belongs to one category is known by its name alone, whatever category the sender gives; a
/// general one (`finding.opened`) is the category's only where the event is of that category.
pub fn covers(choices: &[Choice], kind: &str, facts: &Facts) -> bool {
    let own = catalogue::find(kind).filter(|kind| !kind.is_general()).map(|kind| kind.category);
    let is_of = |category: &str| facts.category == category || own == Some(category);
    choices.iter().any(|choice| match &choice.kinds {
        None => is_of(&choice.category),
        Some(names) => is_of(&choice.category) && names.iter().any(|name| facts.kinds.contains(name)),
    })
}

/// The choices as they are stored; none where this version cannot read them.
pub fn read(stored: &serde_json::Value) -> Option<Vec<Choice>> {
    Vec::<Choice>::deserialize(stored).ok()
}

/// The choices in words: `Problems; Identity (2 kinds)`.
pub fn words(choices: &[Choice]) -> String {
    let words = choices.iter().map(|choice| {
        let label =
            catalogue::category(&choice.category).map_or(choice.category.as_str(), |known| known.label);
        match choice.kinds.as_deref() {
            None => label.to_owned(),
            Some([one]) => format!("{label} ({one})"),
            Some(kinds) => format!("{label} ({} kinds)", kinds.len()),
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use entity::Severity;

    use super::*;
    use crate::decisions::event::{Event, Kev, Vuln};

    fn covers(choices: &[Choice], event: &Event) -> bool {
        let (category, kinds) = (event.category.clone(), Facts::kinds_of(event));
        super::covers(choices, event.kind.name, &Facts { category, kinds, ..Facts::default() })
    }

    fn event(kind: &str) -> Event {
        Event::new(catalogue::find(kind).unwrap(), "scanner", "1", "title")
    }

    fn choice(category: &str, kinds: Option<&[&str]>) -> Vec<Choice> {
        let kinds = kinds.map(|kinds| kinds.iter().map(|&kind| kind.to_owned()).collect());
        vec![Choice { category: category.to_owned(), kinds }]
    }

    #[test]
    fn a_whole_category_holds_its_kinds_and_what_scanners_say_of_it_in_general() {
        let secrets = choice("secret", None);
        assert!(covers(&secrets, &event("secret.leaked")));
        assert!(!covers(&secrets, &event("finding.opened")), "a vulnerability, where nothing else is said");
        let mut leaked = event("finding.opened");
        leaked.category = "secret".to_owned();
        assert!(covers(&secrets, &leaked));
        assert!(!covers(&choice("vulnerability", None), &leaked));
    }

    #[test]
    fn a_kind_is_known_by_what_the_event_shows_too() {
        let kev = choice("vulnerability", Some(&["vulnerability.kev_found"]));
        let mut opened = event("finding.opened");
        assert!(!covers(&kev, &opened));
        opened.vulns.push(Vuln { kev: Some(Kev::default()), ..Vuln::default() });
        assert!(covers(&kev, &opened));
        opened.severity = Severity::Critical;
        assert!(covers(&choice("vulnerability", Some(&["vulnerability.critical_found"])), &opened));
        assert!(!covers(&choice("identity", Some(&["identity.user_locked_out"])), &opened));
    }

    #[test]
    fn a_kind_of_one_category_stays_in_it_whatever_category_the_sender_gives() {
        let mut locked = event("identity.user_locked_out");
        locked.category = "system".to_owned();
        assert!(covers(&choice("identity", Some(&["identity.user_locked_out"])), &locked));
        assert!(covers(&choice("identity", None), &locked));
    }

    #[test]
    fn every_category_tells_of_findings_in_general() {
        for category in catalogue::CATEGORIES {
            let names: Vec<_> = kinds_of(category).map(|kind| kind.name).collect();
            assert!(names.contains(&"finding.opened"), "{}: {names:?}", category.key);
        }
    }
}
