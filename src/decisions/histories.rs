//! Random histories of a problem, decided against a small model: what senders say in any order and more than once,
//! policies that are edited meanwhile, people who close tickets, transactions that die.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::BTreeMap;

use entity::{
    Timestamp, company_alias, company_mapping, event,
    event::Outcome,
    finding::{self, FindingState},
    policy,
    ticket::{self, TicketState},
    ticket_finding,
    ticket_operation::{self, OperationKind, OperationState},
    webhook_endpoint,
};
use proptest::{prelude::*, test_runner::TestRunner};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};

use super::{cadence::Cadence, catalogue, closing, decide, event::Event, handling::Handling, waiting};
use crate::{
    error::Error,
    fixtures::{Place, ground},
    ground::Ground,
    queue::outbox::{self, After, Ended},
    tickets::{
        delivered::{self, Delivered},
        listing, observe,
        remote::RemoteTicket,
    },
};

const KEYS: usize = 4;
const CLOSED: &str = "9";

#[derive(Clone, Debug)]
enum Step {
    /// A sender says some things, which are decided together; twice where it repeats itself.
    Say { statements: Vec<Statement>, is_twice: bool, dies: bool },
    /// The sender is updated, and names every problem by another key.
    Rename,
    /// Somebody edits the policy.
    Handle(usize),
    /// The PSA does some of what is due.
    Carry(usize),
    /// A technician closes a ticket.
    Close(usize),
    /// So many minutes pass.
    Pass(i64),
}

/// That a problem is there, or over, of a minute of the history.
#[derive(Clone, Copy, Debug)]
struct Statement {
    key: usize,
    is_there: bool,
    minute: i64,
    /// By a node, or a sensor, that is not updated yet.
    is_old: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let statement = (0..KEYS, any::<bool>(), 0_i64..200, any::<bool>())
        .prop_map(|(key, is_there, minute, is_old)| Statement { key, is_there, minute, is_old });
    let say = (prop::collection::vec(statement, 1..6), any::<bool>(), 0..8)
        .prop_map(|(statements, is_twice, dies)| Step::Say { statements, is_twice, dies: dies == 0 });
    let step = prop_oneof![
        8 => say,
        1 => (0..handlings().len()).prop_map(Step::Handle),
        3 => (1_usize..6).prop_map(Step::Carry),
        1 => (0_usize..4).prop_map(Step::Close),
        1 => Just(Step::Rename),
        2 => (1_i64..90).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..50)
}

fn handlings() -> Vec<Value> {
    vec![
        Value::Null,
        json!({ "grouping": "asset" }),
        json!({ "grouping": "company", "minimum_open_secs": 1_800 }),
        json!({ "settle_secs": 1_200 }),
        json!({ "cadence": { "every": "hourly", "minute": 7 }, "close_rule": "always" }),
        json!({ "storm_cap": 1 }),
    ]
}

/// A technician's PSA and a sender, in few words.
struct Scene {
    place: Place,
    endpoint: webhook_endpoint::Model,
    started: Timestamp,
    is_renamed: bool,
    said: usize,
    /// By key: the time of the newest statement, and whether the problem was there then.
    model: BTreeMap<usize, (i64, bool)>,
}

impl Scene {
    async fn new(ground: &Ground, number: usize) -> Self {
        let place = Place::new(ground, &format!("acme-{number}")).await;
        let now = ground.clock.now();
        let organization_id = place.organization_id;
        let id = || ground.chance.id(now);
        let (alias, mapping) = (id(), id());
        let (company_id, source, value) = (place.company_id, "scanner".to_owned(), "north".to_owned());
        let alias =
            company_alias::Model { id: alias, organization_id, company_id, source, value, created_at: now };
        place.insert(alias).await;
        place
            .insert(company_mapping::Model {
                id: mapping,
                organization_id,
                company_id,
                psa_connection_id: place.psa_connection_id,
                psa_company_id: place.psa_company_id,
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
            })
            .await;
        place
            .insert(policy::Model {
                id: id(),
                organization_id,
                position: 0,
                name: "All".to_owned(),
                description: String::new(),
                is_enabled: true,
                event_set_id: None,
                company_ids: None,
                conditions: None,
                minimum_severity: entity::Severity::Unknown,
                ticket_profile_id: None,
                reopen_window_secs: 3_600,
                note_interval_secs: 600,
                handling: None,
                opens_tickets: true,
                notifies: policy::Notifies::All,
                version: 1,
                created_at: now,
                updated_at: now,
            })
            .await;
        let endpoint = place.endpoint().await;
        // What is said later may be of up to 200 minutes ago.
        let started = now;
        ground.clock.advance_secs(200 * 60);
        Self { place, endpoint, started, is_renamed: false, said: 0, model: BTreeMap::new() }
    }

    fn ground(&self) -> &Ground {
        &self.place.ground
    }

    fn event(&self, statement: Statement) -> Event {
        let Statement { key, is_there, minute, is_old } = statement;
        let kind = catalogue::find(if is_there { "finding.opened" } else { "finding.resolved" }).unwrap();
        let mut event = Event::new(kind, "scanner", format!("k{key}"), format!("Problem {key}"));
        if self.is_renamed && !is_old {
            event.former_keys = vec![std::mem::replace(&mut event.finding_key, format!("new/{key}"))];
        }
        event.client_ref = Some("north".to_owned());
        event.occurred_at = Some(self.started.plus_secs(minute * 60));
        event.asset =
            Some(super::event::Asset { name: Some(format!("host-{}", key % 2)), ..Default::default() });
        event
    }

    async fn say(&mut self, statements: &[Statement], dies: bool) {
        let mut batch = Vec::new();
        for statement in statements {
            let delivery = self.place.delivery(&self.endpoint, b"{}").await;
            batch.push((delivery, self.event(*statement)));
        }
        self.said += batch.len();
        for attempt in 0..2 {
            let (ground, batch) = (self.ground().clone(), batch.clone());
            let is_last = attempt == 1 || !dies;
            let ended = self
                .ground()
                .db
                .write::<_, Error, _>(move |tx| {
                    Box::pin(async move {
                        let read = |(delivery, event): (_, Event)| decide::Read {
                            delivery,
                            readings: vec![(0, event.into())],
                            span: tracing::Span::none(),
                        };
                        let batch: Vec<_> = batch.into_iter().map(read).collect();
                        decide::decide(tx, &ground, &batch).await?;
                        // The worker dies before the end: nothing of it may be left.
                        if is_last { Ok(()) } else { Err(Error::NotFound) }
                    })
                })
                .await;
            assert_eq!(ended.is_ok(), is_last, "{ended:?}");
            if is_last {
                break;
            }
        }
        for Statement { key, is_there, minute, .. } in statements {
            let newest = self.model.entry(*key).or_insert((i64::MIN, false));
            if *minute >= newest.0 {
                *newest = (*minute, *is_there);
            }
        }
    }

    /// The PSA carries out so many operations, each ticket's in their order.
    async fn carry(&self, count: usize) -> bool {
        use ticket_operation::Column as C;
        let mut is_busy = false;
        for _ in 0..count {
            let ready = ticket_operation::Entity::find()
                .filter(C::OrganizationId.eq(self.place.organization_id))
                .filter(C::State.eq(OperationState::Ready))
                .order_by_asc(C::Position)
                .order_by_asc(C::Id)
                .one(self.ground().db.reader())
                .await
                .unwrap();
            let Some(operation) = ready else { return is_busy };
            is_busy = true;
            let ground = self.ground().clone();
            let carried = self.ground().db.write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let (operation, attempt) =
                        outbox::begin(tx, &ground, operation.id, "node").await?.unwrap();
                    let (ticket, operation) = delivered::begins(tx, &ground, operation).await?;
                    let remote = RemoteTicket {
                        external_id: ticket.external_id.clone().unwrap_or_else(|| ticket.id.to_string()),
                        company_external_id: Some("12".to_owned()),
                        status: Some(
                            if operation.kind == OperationKind::Close { CLOSED } else { "1" }.to_owned(),
                        ),
                        ..RemoteTicket::default()
                    };
                    let what = match operation.kind {
                        OperationKind::Create => Delivered::Created(remote),
                        OperationKind::Note => Delivered::Noted,
                        _ => Delivered::StatusSet(remote),
                    };
                    let done = Ended { outcome: "done", ..Ended::default() };
                    outbox::end(tx, &ground, &operation, &attempt, done, After::Done).await?;
                    delivered::delivered(tx, &ground, &operation, what).await?;
                    Ok(())
                })
            });
            carried.await.unwrap();
        }
        is_busy
    }

    /// What is due because of the time.
    async fn keep_time(&self) -> bool {
        let (ground, organization_id) = (self.ground(), self.place.organization_id);
        let (db, now) = (ground.db.reader(), ground.clock.now());
        let mut is_busy = waiting::release(ground, organization_id).await.unwrap() > 0;
        for (of, id) in listing::due(db, now, 100).await.unwrap() {
            listing::tell(ground, of, id).await.unwrap();
            is_busy |= of == organization_id;
        }
        for (of, id) in closing::due(db, now, 100).await.unwrap() {
            closing::close(ground, of, id).await.unwrap();
            is_busy |= of == organization_id;
        }
        is_busy
    }

    async fn rest(&self) {
        for _ in 0..100 {
            let (is_timed, is_carried) = (self.keep_time().await, self.carry(100).await);
            if !is_timed && !is_carried {
                return;
            }
        }
        panic!("work does not end");
    }

    async fn tickets(&self) -> Vec<ticket::Model> {
        ticket::Entity::find()
            .filter(ticket::Column::OrganizationId.eq(self.place.organization_id))
            .order_by_asc(ticket::Column::Id)
            .all(self.ground().db.reader())
            .await
            .unwrap()
    }

    /// A technician closes one of the tickets that are open in the PSA.
    async fn close(&self, which: usize) {
        let open: Vec<_> =
            self.tickets().await.into_iter().filter(|ticket| ticket.state == TicketState::Open).collect();
        let Some(ticket) = open.get(which).cloned() else { return };
        let ground = self.ground().clone();
        let closed = self.ground().db.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let remote = RemoteTicket {
                    external_id: ticket.external_id.clone().unwrap(),
                    status: Some(CLOSED.to_owned()),
                    closed_by: Some("Ada".to_owned()),
                    ..RemoteTicket::default()
                };
                observe::observed(tx, &ground, ticket.id, ticket.refresh_at, Some(&remote)).await?;
                Ok(())
            })
        });
        closed.await.unwrap();
    }

    async fn handle(&self, number: usize) {
        let handling = handlings().get(number).cloned().filter(|handling| !handling.is_null());
        let organization_id = self.place.organization_id;
        let written = self.ground().db.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                policy::Entity::update_many()
                    .col_expr(policy::Column::Handling, sea_orm::sea_query::Expr::value(handling))
                    .col_expr(
                        policy::Column::Version,
                        sea_orm::ExprTrait::add(sea_orm::sea_query::Expr::col(policy::Column::Version), 1),
                    )
                    .filter(policy::Column::OrganizationId.eq(organization_id))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        });
        written.await.unwrap();
    }

    async fn does(&mut self, step: Step) {
        match step {
            Step::Say { statements, is_twice, dies } => {
                self.say(&statements, dies).await;
                if is_twice {
                    self.say(&statements, false).await;
                }
            }
            Step::Rename => self.is_renamed = true,
            Step::Handle(number) => self.handle(number).await,
            Step::Carry(count) => {
                self.carry(count).await;
            }
            Step::Close(which) => self.close(which).await,
            Step::Pass(minutes) => {
                self.ground().clock.advance_secs(minutes * 60);
                self.keep_time().await;
            }
        }
    }

    /// What must hold, when everything has come to rest.
    async fn holds(&self) {
        let db = self.ground().db.reader();
        let organization_id = self.place.organization_id;
        let tickets = self.tickets().await;
        let is_open = |ticket: &&ticket::Model| ticket.open_group_key.is_some();
        for ticket in &tickets {
            let state = if is_open(&ticket) { TicketState::Open } else { TicketState::Closed };
            assert_eq!(ticket.state, state, "at rest: {ticket:?}");
        }
        let links = ticket_finding::Entity::find()
            .filter(ticket_finding::Column::OrganizationId.eq(organization_id))
            .all(db)
            .await
            .unwrap();
        let findings = finding::Entity::find()
            .filter(finding::Column::OrganizationId.eq(organization_id))
            .all(db)
            .await
            .unwrap();
        let on = |finding: &finding::Model| -> Vec<&ticket::Model> {
            let ids: Vec<_> = links
                .iter()
                .filter(|link| link.finding_id == finding.id)
                .map(|link| link.ticket_id)
                .collect();
            tickets.iter().filter(|ticket| ids.contains(&ticket.id)).collect()
        };
        for (key, (minute, is_there)) in &self.model {
            let names = [format!("k{key}"), format!("new/{key}")];
            let mut same = findings.iter().filter(|finding| names.contains(&finding.key));
            let finding = same.next().expect("every problem is kept");
            assert!(same.next().is_none(), "k{key} is one problem, whatever it is named");
            let state = if *is_there { FindingState::Open } else { FindingState::Resolved };
            assert_eq!(finding.state, state, "k{key} by its newest statement, of minute {minute}");
            let open = on(finding).into_iter().filter(is_open).count();
            assert!(open <= 1, "k{key} is on {open} open tickets");
            let by_person = on(finding).iter().any(|ticket| ticket.closed_by.as_deref() == Some("Ada"));
            assert!(open == 1 || !is_there || by_person, "k{key} is there and has no ticket");
        }
        for ticket in tickets.iter().filter(is_open) {
            let count = findings
                .iter()
                .filter(|finding| finding.state == FindingState::Open)
                .filter(|finding| on(finding).iter().any(|other| other.id == ticket.id))
                .count();
            assert!(count > 0 || ticket.is_touched, "nothing on it is open: {ticket:?}");
        }
        let events = event::Entity::find()
            .filter(event::Column::OrganizationId.eq(organization_id))
            .all(db)
            .await
            .unwrap();
        assert_eq!(events.len(), self.said, "one outcome for each statement");
        let waits: Vec<_> = events
            .iter()
            .filter(|event| event.outcome == Outcome::Waiting && event.reason != "closes_later")
            .collect();
        assert!(waits.is_empty(), "nothing waits for ever: {waits:?}");
    }
}

#[test]
fn histories_in_any_order_end_as_the_model_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ground = runtime.block_on(ground());
    let count = std::sync::atomic::AtomicUsize::new(0);
    let config = ProptestConfig {
        cases: 40,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let told = TestRunner::new(config).run(&steps(), |history| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async {
                let mut scene = Scene::new(&ground, number).await;
                for step in history {
                    scene.does(step).await;
                }
                scene.rest().await;
                // Longer than any settle time, digest, minimum open time and calm; what has settled may wait for a
                // digest then.
                for _ in 0..2 {
                    ground.clock.advance_secs(4 * 3_600);
                    scene.rest().await;
                }
                scene.holds().await;
            });
        }));
        outcome.map_err(|panic| {
            let said = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it fell over".to_owned());
            TestCaseError::fail(said)
        })
    });
    told.unwrap();
}

#[test]
fn the_handlings_of_the_histories_can_be_read() {
    let default = Handling::default();
    let read = |stored: Value| serde_json::from_value::<Handling>(stored).unwrap();
    let all: Vec<_> = handlings().into_iter().filter(|stored| !stored.is_null()).map(read).collect();
    assert!(all.iter().all(|handling| *handling != default));
    assert_eq!(all[3].cadence, Cadence::Hourly { minute: 7 });
}
