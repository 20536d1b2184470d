//! From a path to what answers it.

use serde_json::json;

use super::{
    answers::{Answer, body, no_such_path, no_such_verb, refused},
    model::{Child, Entity, Spec, Verb},
    world::AutotaskWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// Where in the service a path leads.
struct Place {
    /// Under the path of the zone that the customer was moved to.
    is_second_zone: bool,
    /// What follows the service's own path.
    rest: Vec<String>,
}

impl Place {
    /// The spellings of the vendor's Swagger and of its help pages are known, others are not.
    fn read(call: &Call) -> Option<Self> {
        let mut segments = call.segments();
        let is_second_zone = segments.first().is_some_and(|first| first == "zone2");
        if is_second_zone {
            segments.remove(0);
        }
        let is_service =
            segments.first().is_some_and(|first| first == "ATServicesRest" || first == "atservicesrest");
        let rest = segments.split_off(1.min(segments.len()));
        is_service.then_some(Self { is_second_zone, rest })
    }

    /// The parts below the version.
    fn below_version(&self) -> Option<Vec<&str>> {
        let (version, rest) = self.rest.split_first()?;
        (version == "V1.0" || version == "v1.0").then(|| rest.iter().map(String::as_str).collect())
    }

    fn is_discovery(&self) -> bool {
        let is = |parts: &[&str], name: &str| matches!(parts, [only] if only.eq_ignore_ascii_case(name));
        let rest: Vec<&str> = self.rest.iter().map(String::as_str).collect();
        is(&rest, "versionInformation")
            || self.below_version().is_some_and(|rest| is(&rest, "zoneInformation"))
    }
}

impl AutotaskWorld {
    /// The zone's address, as discovery tells it and as addresses of pages begin.
    pub(super) fn zone(&self, call: &Call) -> String {
        let zone = if self.options.zone_moved { "zone2/" } else { "" };
        format!("http://{}/{zone}ATServicesRest/", call.header("host"))
    }

    /// Whose turn a call takes: calls of one integration on one endpoint; none for discovery. What is done to
    /// notes through a ticket counts for notes.
    pub(super) fn thread(call: &Call) -> Option<(String, String)> {
        let place = Place::read(call).filter(|place| !place.is_discovery())?;
        let rest = place.below_version()?;
        let first = rest.first()?;
        let below = rest.get(2).and_then(|segment| Spec::below(Spec::at(first)?.entity, segment));
        let endpoint = below.map_or_else(|| first.to_ascii_lowercase(), |(spec, _)| spec.path.to_owned());
        Some((call.header("apiintegrationcode").to_owned(), endpoint.to_ascii_lowercase()))
    }

    pub(super) fn route(&mut self, call: &Call) -> Reply {
        let Some(place) = Place::read(call) else { return no_such_path(call) };
        if place.is_discovery() {
            return self.discover(call, &place).unwrap_or_else(|refusal| refusal);
        }
        // A zone that the customer does not live in knows none of its users.
        if place.is_second_zone != self.options.zone_moved {
            return Reply::empty(401);
        }
        if let Err(refusal) = self.access.check(call, self.options.older_refusals) {
            return refusal;
        }
        let delay_ms = match self.usage.take(self.ground.clock.now(), &self.options) {
            Ok(delay) => delay,
            Err(refusal) => return refusal,
        };
        let answer = match place.below_version() {
            Some(rest) => self.entrance(call, &rest),
            None => Err(no_such_path(call)),
        };
        Reply { delay_ms, ..answer.unwrap_or_else(|refusal| refusal) }
    }

    /// What needs no credential.
    fn discover(&self, call: &Call, place: &Place) -> Answer {
        if call.method != "GET" {
            return Err(no_such_verb(call));
        }
        if place.rest.len() == 1 {
            return Ok(Reply::ok(&json!({ "apiVersions": ["1.0"] })));
        }
        let query = call.query();
        if !query.text("user").is_some_and(|user| self.access.knows(user)) {
            return Err(refused("Zone information could not be determined"));
        }
        Ok(Reply::ok(&json!({
            "zoneName": if self.options.zone_moved { "Sandbox 2" } else { "Sandbox" },
            "url": self.zone(call),
            "webUrl": format!("http://{}/", call.header("host")),
            "ci": 513_558,
        })))
    }

    fn entrance(&mut self, call: &Call, rest: &[&str]) -> Answer {
        match rest {
            [only] if only.eq_ignore_ascii_case("Version") => only_get(call).map(|()| {
                Reply::ok(&json!({
                    "majorVersion": "2026",
                    "minorVersion": "3",
                    "build": "2026.3.1.84",
                    "customerType": "Production",
                }))
            }),
            [only] if only.eq_ignore_ascii_case("ThresholdInformation") => only_get(call).map(|()| {
                Reply::ok(&json!({
                    "externalRequestThreshold": self.options.hourly_limit,
                    "requestThresholdTimeframe": 60,
                    "currentTimeframeRequestCount": self.usage.count(self.ground.clock.now()),
                }))
            }),
            [path, tail @ ..] => {
                let spec = Spec::at(path).ok_or_else(|| no_such_path(call))?;
                self.own_path(call, spec, tail)
            }
            [] => Err(no_such_path(call)),
        }
    }

    /// `/Tickets` and below.
    fn own_path(&mut self, call: &Call, spec: &'static Spec, tail: &[&str]) -> Answer {
        match tail {
            [] if spec.has_root() => self.write_at(call, spec, spec.verbs, None),
            [word] if word.eq_ignore_ascii_case("query") && spec.verbs.contains(&Verb::Query) => {
                self.query(call, spec)
            }
            [word, deeper] if word.eq_ignore_ascii_case("query") && spec.verbs.contains(&Verb::Query) => {
                match deeper.to_ascii_lowercase().as_str() {
                    "count" => self.count(call, spec),
                    "next" => self.next_page(call, spec),
                    _ => Err(no_such_path(call)),
                }
            }
            [word, deeper @ ..] if word.eq_ignore_ascii_case("entityInformation") => {
                self.information(call, spec, deeper)
            }
            [id] => self.one(call, spec, spec.verbs, id, None),
            [parent, segment, deeper @ ..] => {
                let (below, child) = Spec::below(spec.entity, segment).ok_or_else(|| no_such_path(call))?;
                let parent = parent.parse().map_err(|_| no_such_path(call))?;
                self.child_path(call, below, child, parent, deeper)
            }
            [] => Err(no_such_path(call)),
        }
    }

    /// `/Tickets/{id}/Notes` and below; there is no query here.
    fn child_path(
        &mut self,
        call: &Call,
        spec: &'static Spec,
        child: Child,
        parent: i64,
        tail: &[&str],
    ) -> Answer {
        match tail {
            [] if call.method == "GET" && child.verbs.contains(&Verb::Query) => {
                self.children(call, spec, child, parent)
            }
            [] => self.write_at(call, spec, child.verbs, Some((child, parent))),
            [word, deeper @ ..] if word.eq_ignore_ascii_case("entityInformation") => {
                self.information(call, spec, deeper)
            }
            [id] => self.one(call, spec, child.verbs, id, Some((child, parent))),
            _ => Err(no_such_path(call)),
        }
    }

    fn write_at(
        &mut self,
        call: &Call,
        spec: &'static Spec,
        verbs: &[Verb],
        parent: Option<(Child, i64)>,
    ) -> Answer {
        let verb = match call.method.as_str() {
            "POST" => Verb::Create,
            "PATCH" | "PUT" => Verb::Update,
            _ => return Err(no_such_verb(call)),
        };
        if !verbs.contains(&verb) {
            return Err(no_such_verb(call));
        }
        let actor = self.writer(call, spec.entity, verb)?;
        let body = body(call)?;
        match verb {
            Verb::Create => self.create(call, spec, parent, &body, actor),
            _ => self.update(spec, parent, &body, call.method == "PUT", actor),
        }
    }

    /// One record by its id in the path: to read or to delete, never to change.
    fn one(
        &mut self,
        call: &Call,
        spec: &'static Spec,
        verbs: &[Verb],
        id: &str,
        parent: Option<(Child, i64)>,
    ) -> Answer {
        let id: i64 = id.parse().map_err(|_| no_such_path(call))?;
        match call.method.as_str() {
            "GET" if verbs.contains(&Verb::Query) => self.get(call, spec, id, parent),
            "DELETE" if verbs.contains(&Verb::Delete) => {
                self.writer(call, spec.entity, Verb::Delete)?;
                self.delete(spec, id, parent)
            }
            _ => Err(no_such_verb(call)),
        }
    }

    /// Whether a record hangs below that parent.
    pub(super) fn is_below(&self, entity: Entity, id: i64, parent: Option<(Child, i64)>) -> bool {
        use super::model::Reads;
        let row = self.store.get(entity, id);
        row.is_some_and(|row| parent.is_none_or(|(child, parent)| row.int(child.key) == Some(parent)))
    }
}

fn only_get(call: &Call) -> Result<(), Reply> {
    if call.method == "GET" { Ok(()) } else { Err(no_such_verb(call)) }
}
