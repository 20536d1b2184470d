//! What a new ticket says.

use entity::finding;

use super::{event::Event, group::Group, trail::Trail};
use crate::tickets::{plan::Place, template, text};

/// Title and body of a new ticket, by the profile's templates where it has some. One that fails costs no
/// ticket: ours stands in, and the trace says why.
pub fn of_new_ticket(
    event: &Event,
    place: &Place,
    finding: &finding::Model,
    group: &Group,
    trail: &mut Trail,
) -> (String, String) {
    let company = &place.company.name;
    let (title, body) = match &group.what {
        None => text::opening(event, finding, company),
        Some(what) => text::opening_of_group(event, what, company),
    };
    let profile = &place.profile;
    if profile.title_template.is_none() && profile.body_template.is_none() {
        return (title, body);
    }
    let values = template::values(event, finding, company, &title, &body);
    let mut take = |what, rendered: Option<Result<String, String>>, ours: String| match rendered {
        None => ours,
        Some(Ok(text)) => text,
        Some(Err(problem)) => {
            trail.step("template", format!("the profile's {what} failed, ours stands in: {problem}"));
            ours
        }
    };
    let title = take(
        "title template",
        profile.title_template.as_ref().map(|text| template::title(text, &values)),
        title,
    );
    let body =
        take("body template", profile.body_template.as_ref().map(|text| template::body(text, &values)), body);
    (title, body)
}
