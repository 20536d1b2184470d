//! Reading what a person filled in: trims it, holds it against its limits, and gathers every problem, so
//! that all are told at once.

use crate::error::{Error, Problem, ProblemCode};

/// The longest name of anything, in characters.
pub(crate) const MAX_NAME: usize = 200;

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<Problem>);

impl Form {
    /// One line of text that must be there.
    pub(crate) fn line(&mut self, field: &str, text: &str, max: usize) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.add(Problem::of(field, ProblemCode::Required, "give it; it may not be empty"));
        }
        self.limit(&[field], text, max);
        text.to_owned()
    }

    /// A name that must be there.
    pub(crate) fn name(&mut self, name: &str) -> String {
        self.line("name", name, MAX_NAME)
    }

    /// A name to change to, where one is given.
    pub(crate) fn name_change(&mut self, name: Option<&str>) -> Option<String> {
        name.map(|name| self.name(name))
    }

    /// Holds a line against its length; lines hold no control characters.
    pub(crate) fn limit(&mut self, path: &[&str], text: &str, max: usize) {
        let count = text.chars().count();
        if count > max {
            let message = format!("it has {count} characters; {max} are allowed: shorten it");
            self.add(Problem::at(path, ProblemCode::TooLong, message));
        }
        if text.chars().any(char::is_control) {
            let message =
                "it holds line breaks or other control characters; write it on one line without them";
            self.add(Problem::at(path, ProblemCode::Invalid, message));
        }
    }

    /// A number within bounds, where one is given.
    pub(crate) fn within(&mut self, field: &str, number: Option<i64>, least: i64, most: i64) {
        if let Some(number) = number.filter(|number| !(least..=most).contains(number)) {
            let message = format!("{number} is out of bounds; give {least} to {most}");
            self.add(Problem::of(field, ProblemCode::Invalid, message));
        }
    }

    /// One more problem.
    pub(crate) fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// More problems.
    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.0.extend(problems);
    }

    /// All of them, where there are any, without the error around them: for one of many.
    pub(crate) fn problems(self) -> Result<(), Vec<Problem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    /// All of them, where there are any.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// The database's refusal of a second row with the same key, as a problem with the field that must be
/// unique; any other failure as it is.
pub(crate) fn taken(field: &str, message: impl Into<String>) -> impl FnOnce(sea_orm::DbErr) -> Error {
    let problem = Problem::of(field, ProblemCode::Taken, message);
    move |error| {
        if crate::error::is_unique_violation(&error) { problem.into() } else { Error::from(error) }
    }
}

/// What was to be removed was there; else somebody else was faster.
pub(crate) fn removed(result: &sea_orm::DeleteResult) -> Result<(), Error> {
    if result.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// A reference to something that is not there, or not the asker's.
pub(crate) fn no_such(field: &str, what: &str) -> Problem {
    let message = format!("there is no such {what} in this organization; take the id from a list of them");
    Problem::of(field, ProblemCode::NotFound, message)
}

/// The last four characters of a secret that has at least `from`; nothing of a shorter one.
pub(crate) fn last_four(secret: &str, from: usize) -> String {
    let count = secret.chars().count();
    if count < from { String::new() } else { secret.chars().skip(count - 4).collect() }
}
