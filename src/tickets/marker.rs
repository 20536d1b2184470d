//! Our mark on a PSA's ticket.
//!
//! A mark follows from what the ticket is for, so that a gateway that has lost its latest hours (its database was put
//! back from a back-up) asks the PSA for the very mark that it gave then. The first ticket of a group on a connection
//! has the group's mark; each further one has a mark that follows from the one before it.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use entity::{
    Timestamp, ticket,
    ticket_operation::{self, OperationKind, OperationState},
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, JoinType, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::clock::Chance;

/// How many letters and digits stand behind `PSAGW-`.
const LENGTH: usize = 20;
/// How many tickets a PSA's filter has to find before it is believed.
const WITNESSES: u64 = 3;
/// How long ago what is done now may have been due, in seconds: a week.
const LONGEST_BACKLOG_SECS: i64 = 7 * 86_400;
/// How many tickets of one group are looked for, one after the other, where a back-up was put back.
pub const MOST_FOLLOWERS: usize = 20;

/// The mark of a group's first ticket on a connection. `identity` is what the group is in every life of the database:
/// no id that chance has given since.
pub fn first(organization_id: Uuid, psa_connection_id: Uuid, identity: &[&str]) -> String {
    let ids = [organization_id.simple().to_string(), psa_connection_id.simple().to_string()];
    let parts = ids.iter().map(String::as_str).chain(identity.iter().copied());
    digest("first ticket", parts)
}

/// The mark of the ticket that comes after this one in its group.
pub fn after(marker: &str) -> String {
    digest("next ticket", [marker])
}

/// Whether a mark is that of a later ticket of the same group.
pub fn is_later(marker: &str, than: &str) -> bool {
    std::iter::successors(Some(after(than)), |last| Some(after(last)))
        .take(MOST_FOLLOWERS)
        .any(|later| later == marker)
}

/// A mark for a ticket that nobody asks for again by what it is for, such as a test.
pub fn by_chance(chance: &Chance) -> String {
    format!("PSAGW-{}", chance.alphanumeric(LENGTH))
}

/// This mark, or the first after it that no ticket of ours has.
pub async fn free(db: &impl ConnectionTrait, marker: String, chance: &Chance) -> Result<String, DbErr> {
    let mut marker = marker;
    for _ in 0..10_000 {
        if !is_taken(db, &marker).await? {
            return Ok(marker);
        }
        marker = after(&marker);
    }
    Ok(by_chance(chance))
}

/// Those of these marks that tickets of ours have.
#[expect(clippy::disallowed_methods, reason = "a mark is unique in the installation")]
pub async fn taken(
    db: &impl ConnectionTrait,
    markers: impl Iterator<Item = &str>,
) -> Result<Vec<String>, DbErr> {
    ticket::Entity::find()
        .select_only()
        .column(ticket::Column::Marker)
        .filter(ticket::Column::Marker.is_in(markers))
        .into_tuple()
        .all(db)
        .await
}

/// Whether a ticket of ours has it.
pub async fn is_taken(db: &impl ConnectionTrait, marker: &str) -> Result<bool, DbErr> {
    Ok(!taken(db, std::iter::once(marker)).await?.is_empty())
}

/// A ticket whose creation the PSA has told of.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Witness {
    /// Its mark.
    pub marker: String,
    /// The PSA's id.
    pub external_id: String,
}

/// Tickets that were made on the same connection by the same profile after a time, the last ones planned first: what a
/// PSA's filter has to find if it is to be believed when it finds nothing.
#[expect(clippy::disallowed_methods, reason = "names the organization of the ticket in doubt")]
pub async fn witnesses(
    db: &impl ConnectionTrait,
    of: &ticket::Model,
    after: Timestamp,
) -> Result<Vec<Witness>, DbErr> {
    ticket_operation::Entity::find()
        .select_only()
        .column_as(ticket::Column::Marker, "marker")
        .column_as(ticket::Column::ExternalId, "external_id")
        .join(
            JoinType::InnerJoin,
            ticket_operation::Entity::belongs_to(ticket::Entity)
                .from(ticket_operation::Column::TicketId)
                .to(ticket::Column::Id)
                .into(),
        )
        .filter(ticket_operation::Column::OrganizationId.eq(of.organization_id))
        .filter(ticket_operation::Column::PsaConnectionId.eq(of.psa_connection_id))
        .filter(ticket_operation::Column::State.eq(OperationState::Done))
        .filter(ticket_operation::Column::RunAt.gt(after.plus_secs(-LONGEST_BACKLOG_SECS)))
        .filter(ticket_operation::Column::Kind.eq(OperationKind::Create))
        .filter(ticket_operation::Column::FinishedAt.gt(after))
        .filter(ticket::Column::TicketProfileId.eq(of.ticket_profile_id))
        .filter(ticket::Column::ExternalId.is_not_null())
        .filter(ticket::Column::Id.ne(of.id))
        .order_by_desc(ticket_operation::Column::RunAt)
        .order_by_desc(ticket_operation::Column::Id)
        .limit(WITNESSES)
        .into_model()
        .all(db)
        .await
}

/// Letters and digits of a hash, about 119 bits of it; each part goes in with its length.
fn digest<'a>(what: &'a str, parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(what).chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = hash.finalize().to_vec();
    let mut marker = String::from("PSAGW-");
    loop {
        let text = STANDARD_NO_PAD.encode(&bytes);
        let missing = "PSAGW-".len() + LENGTH - marker.len();
        marker.extend(text.chars().filter(char::is_ascii_alphanumeric).take(missing));
        if marker.len() == "PSAGW-".len() + LENGTH {
            return marker;
        }
        // Out of 43 signs hardly ever fewer than 20 are letters and digits.
        bytes = Sha256::digest(&bytes).to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixtures,
        tickets::{
            pen::Pen,
            pile::Pile,
            plan::{self, Opening, Place},
        },
    };
    use entity::{company, company_mapping, ticket_profile};
    use proptest::prelude::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn a_mark_is_the_same_whenever_it_is_made_and_another_one_for_anything_else() {
        let mark = first(id(1), id(2), &["finding", "scanner", "CVE-1"]);
        assert_eq!(mark, first(id(1), id(2), &["finding", "scanner", "CVE-1"]));
        for other in [
            first(id(3), id(2), &["finding", "scanner", "CVE-1"]),
            first(id(1), id(3), &["finding", "scanner", "CVE-1"]),
            first(id(1), id(2), &["finding", "scannerC", "VE-1"]),
            first(id(1), id(2), &["finding", "scanner"]),
            after(&mark),
        ] {
            assert_ne!(mark, other);
        }
    }

    #[test]
    fn later_marks_are_known_as_such() {
        let mark = first(id(1), id(2), &["digest"]);
        let third = after(&after(&mark));
        assert!(is_later(&third, &mark) && is_later(&third, &after(&mark)));
        assert!(!is_later(&mark, &mark) && !is_later(&mark, &third));
        assert!(!is_later(&by_chance(&Chance::system()), &mark));
    }

    #[tokio::test(flavor = "multi_thread")]
    #[expect(clippy::disallowed_methods, reason = "reads what it has just made")]
    async fn a_mark_that_is_taken_gives_way_to_the_next_one() {
        let ground = fixtures::ground().await;
        let at = fixtures::Place::new(&ground, "acme").await;
        let db = ground.db.reader();
        let now = ground.clock.now();
        let place = Place {
            company: company::Entity::find_by_id(at.company_id).one(db).await.unwrap().unwrap(),
            profile: ticket_profile::Entity::find_by_id(at.ticket_profile_id).one(db).await.unwrap().unwrap(),
            mapping: company_mapping::Model {
                id: ground.chance.id(now),
                organization_id: at.organization_id,
                company_id: at.company_id,
                psa_connection_id: at.psa_connection_id,
                psa_company_id: at.psa_company_id,
                event_set_id: None,
                is_enabled: true,
                is_configurations_enabled: false,
                origin: company_mapping::MappingOrigin::default(),
                confidence: None,
                mapped_at: None,
                psa_name: None,
                is_ticketing_enabled: true,
                ticket_profile_id: None,
                version: 1,
                created_at: now,
                updated_at: now,
            },
        };
        let mark = first(at.organization_id, at.psa_connection_id, &["group", "storm"]);
        let opening = |group: &str| Opening {
            group_key: group.to_owned(),
            marker: first(at.organization_id, at.psa_connection_id, &["group", "storm"]),
            policy_id: None,
            title: "Many findings at once".to_owned(),
            body: String::new(),
            severity: entity::Severity::High,
            is_test: false,
            is_list: false,
            overrides: std::collections::BTreeMap::new(),
            previous_ticket_id: None,
            first_seen_at: None,
            event_id: None,
        };
        let opens = async |group: &str| {
            let (ground_of, place, opening) = (ground.clone(), place.clone(), opening(group));
            let opened = ground
                .db
                .write(move |tx| {
                    Box::pin(async move { plan::open(Pen::at_once(tx, &ground_of), &place, opening).await })
                })
                .await;
            let (ticket, is_first): (ticket::Model, bool) = Result::<_, DbErr>::unwrap(opened);
            (ticket.marker, is_first)
        };
        assert_eq!(opens("storm").await, (mark.clone(), true));
        assert_eq!(opens("storm").await, (mark.clone(), false), "its group has an open one");
        assert_eq!(opens("another").await, (after(&mark), true));
        assert_eq!(opens("third").await, (after(&after(&mark)), true));
        let fourth = after(&after(&after(&mark)));
        assert_eq!(free(db, mark.clone(), &ground.chance).await.unwrap(), fourth);

        // Of a finding that is made in the same transaction, written with others at its end.
        let made = ground.chance.id(ground.clock.now());
        let (ground_of, place, opening) =
            (ground.clone(), place.clone(), opening(&format!("finding:{made}")));
        let written = ground.db.write::<_, DbErr, _>(move |tx| {
            Box::pin(async move {
                let pile = Pile::default();
                pile.made(&[made]);
                let pen = Pen::onto(tx, &ground_of, &pile);
                let before = ground_of.db.statements();
                let (planned, is_first) = plan::open(pen, &place, opening).await?;
                assert!(is_first && ground_of.db.statements() == before, "nothing is written yet");
                pen.settle().await?;
                ticket::Entity::find_by_id(planned.id).one(tx).await
            })
        });
        assert_eq!(written.await.unwrap().unwrap().marker, fourth);
    }

    proptest! {
        #[test]
        fn every_mark_has_the_form_that_platforms_look_for(key in "\\PC{0,40}") {
            for mark in [first(id(1), id(2), &[&key]), after(&key)] {
                let rest = mark.strip_prefix("PSAGW-").unwrap();
                prop_assert_eq!(rest.len(), LENGTH);
                prop_assert!(rest.chars().all(|letter| letter.is_ascii_alphanumeric()));
            }
        }
    }
}
