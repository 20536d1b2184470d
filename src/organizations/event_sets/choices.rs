//! Whether what is chosen for an event set is in the catalogue.

use std::collections::HashSet;

use crate::{
    decisions::{
        catalogue,
        event_sets::{Choice, kinds_of},
    },
    error::{Problem, ProblemCode},
    organizations::form::Form,
};

/// How many categories, and kinds of each, are looked at; the catalogue has fewer.
const MAX_CHOICES: usize = 200;

/// Holds choices against the catalogue.
pub(super) fn check(choices: &[Choice], form: &mut Form) {
    if choices.is_empty() {
        let message = "choose one category at least; take them from `eventCatalogue`";
        form.add(Problem::of("choices", ProblemCode::Required, message));
    }
    if choices.len() > MAX_CHOICES
        || choices.iter().any(|choice| choice.kinds.as_ref().is_some_and(|kinds| kinds.len() > MAX_CHOICES))
    {
        let message = format!("more than {MAX_CHOICES} categories, or kinds of one, are chosen");
        return form.add(Problem::of("choices", ProblemCode::TooLong, message));
    }
    let mut known = HashSet::new();
    for (index, choice) in choices.iter().enumerate() {
        let index = index.to_string();
        let mut wrong = |path: &[&str], code, message: String| {
            form.add(Problem::at(&[&["choices", &index], path].concat(), code, message));
        };
        let shown: String = choice.category.chars().take(60).collect();
        let Some(category) = catalogue::category(&choice.category) else {
            let message = format!("there is no category {shown}; take one from `eventCatalogue`");
            wrong(&["category"], ProblemCode::NotFound, message);
            continue;
        };
        if !known.insert(category.key) {
            let message = format!("{shown} is chosen twice; choose it once, with all its kinds");
            wrong(&["category"], ProblemCode::Invalid, message);
        }
        let Some(kinds) = &choice.kinds else { continue };
        if kinds.is_empty() {
            let message = "no kind is chosen; name one at least, or leave `kinds` out for every kind";
            wrong(&["kinds"], ProblemCode::Required, message.to_owned());
        }
        let mut names = HashSet::new();
        for (at, name) in kinds.iter().enumerate() {
            let shown: String = name.chars().take(60).collect();
            if !kinds_of(category).any(|kind| kind.name == name) {
                let message =
                    format!("{} has no kind {shown}; take one from `eventCatalogue`", category.label);
                wrong(&["kinds", &at.to_string()], ProblemCode::NotFound, message);
            } else if !names.insert(name) {
                let message = format!("{shown} is named twice; name it once");
                wrong(&["kinds", &at.to_string()], ProblemCode::Invalid, message);
            }
        }
    }
}
