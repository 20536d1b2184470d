//! Runs that tell a PSA of devices: what is there is looked for before anything is made, one call after the other, and
//! what became of a call stands in the transaction that moves the run on. An answer that was lost is looked for.

use entity::{asset, asset_link, lane, sync_run};

use super::{
    Client, Workers,
    copying::{failed, not_offered},
    readings::{Stepped, ended},
};
use crate::{
    error::Error,
    psa::{Configurations, PsaError},
    sync::{
        assets::pushing::{self, Listed, Place, Portion, Told},
        configurations::{self, Settings},
        remote::{ConfigurationCatalogue, ConfigurationDraft, ConfigurationQuery, RemoteConfiguration},
        runs::{self, Counts, Failure, Step},
    },
};

/// How many configurations of one company are compared with at the most.
const MOST: usize = 20_000;
/// How many devices a PSA is told of before tickets get their turn.
const WRITES: usize = 20;
/// How long after an answer was lost a PSA's lists are asked again, in seconds: what was made may show late.
const LOOK_SECS: i64 = 120;

/// Why a device is not made in the PSA.
const PSAS_OWN: &str = "configurations of its type are the PSA's own to keep, and none there is this device: it is neither \
                        made nor changed; make it there, or take the type out of psaOwnedTypeIn";

/// A device, what is known to be there of it, and what the PSA is to be told.
type Wanted = (asset::Model, Option<asset_link::Model>, ConfigurationDraft);

impl Workers {
    pub(super) async fn push_assets(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Stepped, Error> {
        let ground = &self.0.ground;
        let Some(offered) = client.psa.configurations() else {
            return Ok(Stepped::Failed(not_offered("configurations")));
        };
        let setup = configurations::of_connection(ground.db.reader(), run.organization_id, held.id).await?;
        let settings = setup.as_ref().map(Settings::of).unwrap_or_default();
        let place = Place::read(run.cursor.as_deref().filter(|_| runs::goes_on(run)));
        let next = async {
            if !settings.is_written {
                return Ok(None);
            }
            pushing::next(ground.db.reader(), run.organization_id, held.id, &settings, place).await
        };
        let Some(portion) = next.await? else {
            let (id, now) = (run.id, ground.clock.now());
            let finished =
                self.while_held(held, move |tx| Box::pin(async move { runs::finish(tx, id, now).await }));
            return ended(finished.await);
        };
        let catalogue = configurations::catalogue(setup.as_ref(), &ConfigurationCatalogue::default());
        self.push_portion(held, offered, run, &settings, &catalogue, portion).await
    }

    async fn push_portion(
        &self,
        held: &lane::Model,
        offered: &dyn Configurations,
        run: &sync_run::Model,
        settings: &Settings,
        catalogue: &ConfigurationCatalogue,
        portion: Portion,
    ) -> Result<Stepped, Error> {
        let Portion { place, company, assets } = portion;
        let (mut last, mut same) = (None, 0);
        let mut wanted: Vec<Wanted> = Vec::new();
        for (asset, link) in assets {
            last = Some(asset.id);
            match pushing::draft(settings, &company, &asset) {
                Some(draft) if !pushing::is_told(settings, link.as_ref(), &draft) => {
                    wanted.push((asset, link, draft));
                }
                // Kinds that are the PSA's own to keep are nobody's to count.
                draft => same += u64::from(draft.is_some()),
            }
            if wanted.len() >= WRITES {
                break;
            }
        }
        let Some(last) = last else { return self.go_on(held, run, place.next(), Step::default()).await };
        let mut listed = Listed::default();
        let is_known = |link: &asset_link::Model| link.is_written && link.external_id.is_some();
        if !wanted.iter().all(|(_, link, _)| link.as_ref().is_some_and(is_known)) {
            let serials = settings.serial_keys(catalogue);
            let query = ConfigurationQuery {
                fields: serials.clone(),
                include_inactive: true,
                company: Some(company.external_id.clone()),
                ..ConfigurationQuery::default()
            };
            if let Err(stepped) = self.list(held, offered, &query, &serials, &mut listed).await? {
                return Ok(stepped);
            }
            listed.learn(self.0.ground.db.reader(), run.organization_id, held.id).await?;
        }
        for (asset, link, draft) in wanted {
            let told = match self.tell_asset(held, offered, settings, &mut listed, link.as_ref(), draft).await
            {
                Some(Ok(told)) => told,
                Some(Err(error)) => {
                    if matches!(error, PsaError::Unknown { .. }) {
                        let (id, until) = (held.id, self.0.ground.clock.now().plus_secs(LOOK_SECS));
                        let put_off = self.while_held(held, move |tx| {
                            Box::pin(async move { Ok(runs::put_off(tx, id, until).await?) })
                        });
                        put_off.await?;
                    }
                    return Ok(failed(error));
                }
                None => return Ok(Stepped::Lost),
            };
            let here = Place { mapping: place.mapping, after: asset.id };
            let gone = matches!(told, Told::Gone);
            match self.keep_told(held, run, if gone { before(here) } else { here }, asset, link, told).await?
            {
                Stepped::More if gone => return Ok(Stepped::More),
                Stepped::More => {}
                other => return Ok(other),
            }
        }
        let counts = Counts { unchanged: same, ..Counts::default() };
        let step = Step { read: same, counts, ..Step::default() };
        self.go_on(held, run, Place { mapping: place.mapping, after: last }, step).await
    }

    /// Reads all configurations of a company.
    async fn list(
        &self,
        held: &lane::Model,
        offered: &dyn Configurations,
        query: &ConfigurationQuery,
        serials: &[String],
        listed: &mut Listed,
    ) -> Result<Result<(), Stepped>, Error> {
        let mut page: Option<String> = None;
        loop {
            let read = match self.renewing(held, offered.read_page(query, page.as_deref())).await {
                Some(Ok(read)) => read,
                Some(Err(error)) => return Ok(Err(failed(error))),
                None => return Ok(Err(Stepped::Lost)),
            };
            let company = query.company.as_deref();
            let own = read.items.into_iter().filter(|row| row.company_external_id.as_deref() == company);
            listed.add(own.collect(), serials);
            if listed.len() > MOST || (read.next.is_some() && read.next == page) {
                let reason =
                    format!("a company has more than {MOST} configurations, or their pages do not end");
                return Ok(Err(Stepped::Failed(PsaError::Rejected { field: None, reason })));
            }
            match read.next {
                Some(next) => page = Some(next),
                None => return Ok(Ok(())),
            }
        }
    }

    /// Tells the PSA of one device. None where the lane was lost.
    async fn tell_asset(
        &self,
        held: &lane::Model,
        offered: &dyn Configurations,
        settings: &Settings,
        listed: &mut Listed,
        link: Option<&asset_link::Model>,
        draft: ConfigurationDraft,
    ) -> Option<Result<Told, PsaError>> {
        let speaks = settings.is_ours(&draft.configuration_type);
        let known = match link.and_then(|link| Some((link, link.external_id.clone()?))) {
            Some((link, external_id)) if link.is_written && speaks => Some(external_id),
            // It was the gateway's until its type was left to the PSA.
            Some((link, external_id)) if link.is_written => {
                let url = link.external_url.clone();
                let there = RemoteConfiguration { external_id, url, ..RemoteConfiguration::default() };
                return Some(Ok(Told::Found(there, draft)));
            }
            // It was the PSA's own when it was found: its type may be the gateway's to write by now.
            Some((_, external_id)) => match listed.of(&external_id) {
                Some(there) if speaks && draft.speaks_of(there) => Some(external_id),
                Some(there) => return Some(Ok(Told::Found(there.clone(), draft))),
                None => return Some(Ok(Told::Gone)),
            },
            None => match listed.matched(&draft) {
                Ok(Some(there)) if !speaks || !draft.speaks_of(there) => {
                    let there = there.clone();
                    listed.take(&there.external_id);
                    return Some(Ok(Told::Found(there, draft)));
                }
                Ok(None) if !speaks => return Some(Ok(Told::Kept(PSAS_OWN.to_owned()))),
                Ok(found) => found.map(|there| there.external_id.clone()),
                Err(why) => return Some(Ok(Told::Refused(why))),
            },
        };
        let answer = match &known {
            Some(id) => self.renewing(held, offered.update(id, &draft)).await?,
            None => self.renewing(held, offered.create(&draft)).await?.map(Some),
        };
        Some(match answer {
            Ok(Some(there)) => {
                listed.take(&there.external_id);
                // Somebody may have given it a type that is the PSA's own since.
                let is_written = known.is_none() || draft.speaks_of(&there);
                Ok(if is_written { Told::Written(there, draft) } else { Told::Found(there, draft) })
            }
            Ok(None) => Ok(Told::Gone),
            Err(PsaError::Rejected { reason, .. }) => Ok(Told::Refused(reason)),
            Err(error) => Err(error),
        })
    }

    async fn keep_told(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        place: Place,
        asset: asset::Model,
        link: Option<asset_link::Model>,
        told: Told,
    ) -> Result<Stepped, Error> {
        let is_new = link.as_ref().is_none_or(|link| link.external_id.is_none());
        let mut step = Step { cursor: Some(place.word()), read: 1, ..Step::default() };
        match &told {
            Told::Written(..) if is_new => step.counts.created = 1,
            Told::Written(..) => step.counts.updated = 1,
            Told::Found(..) | Told::Kept(_) => step.counts.unchanged = 1,
            Told::Gone => step.read = 0,
            Told::Refused(why) => {
                step.counts.failed = 1;
                step.failures.push(Failure {
                    external_id: link.as_ref().and_then(|link| link.external_id.clone()),
                    name: Some(asset.name.clone()),
                    message: why.clone(),
                });
            }
        }
        let (ground, id, connection_id) = (self.0.ground.clone(), run.id, held.id);
        let written = self.while_held(held, move |tx| {
            Box::pin(async move {
                pushing::keep(tx, &ground, connection_id, &asset, link.as_ref(), &told).await?;
                runs::step(tx, &ground, id, step).await
            })
        });
        more(written.await)
    }

    async fn go_on(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        place: Place,
        step: Step,
    ) -> Result<Stepped, Error> {
        let (ground, id) = (self.0.ground.clone(), run.id);
        let step = Step { cursor: Some(place.word()), ..step };
        let written =
            self.while_held(held, move |tx| Box::pin(async move { runs::step(tx, &ground, id, step).await }));
        more(written.await)
    }
}

/// Just before a device, so that it is taken again.
fn before(place: Place) -> Place {
    let after = uuid::Uuid::from_u128(place.after.as_u128().saturating_sub(1));
    Place { after, ..place }
}

fn more(written: Result<bool, Error>) -> Result<Stepped, Error> {
    ended(written).map(|stepped| if matches!(stepped, Stepped::Done) { Stepped::More } else { stepped })
}
