//! Keeping the gateway's own webhooks registered in PSAs, and fetching the keys that PSAs sign with.

use entity::{lane, webhook_endpoint};

use super::{Client, Workers, lane::Turn};
use crate::{
    error::Error,
    organizations::registrations::{self, Kept},
    psa::{NextStep, PsaError, WebhookWanted},
};

impl Workers {
    /// Looks at the registrations whose time has come.
    pub(super) async fn registration_turn(&self, held: &lane::Model, client: &Client) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        for endpoint in registrations::due(ground, held.id).await? {
            if let Some(name) = endpoint.wanted_key.clone() {
                let fetched = self.renewing(held, client.psa.webhook_key(&name)).await;
                let Some(fetched) = fetched else { return Ok(Turn::Lost) };
                match fetched {
                    Ok(key) => registrations::keep_key(ground, &endpoint, &name, &key).await?,
                    Err(error) => {
                        tracing::warn!(webhook_endpoint.id = %endpoint.id, error = %error, "the PSA's signing key was not given");
                        registrations::forget_key(ground, &endpoint).await?;
                        if let Some(turn) = self.unless_it_is_the_webhook(held, &error).await? {
                            return Ok(turn);
                        }
                    }
                }
            }
            if endpoint.registration == webhook_endpoint::Registration::ByHand {
                continue;
            }
            let secret = registrations::newest_secret(ground, &endpoint).await?;
            let wanted = WebhookWanted {
                url: format!("{}/webhooks/{}", self.0.options.public_url.trim_end_matches('/'), endpoint.key),
                name: format!("PSA Gateway: {}", endpoint.name),
                scheme: endpoint.scheme.clone(),
                secret,
                external_id: endpoint.registered_id.clone(),
            };
            let kept = self.renewing(held, client.psa.keep_webhook(&wanted)).await;
            let Some(kept) = kept else { return Ok(Turn::Lost) };
            match kept {
                Ok(kept) => {
                    let kept = Kept {
                        registered_id: Some(kept.external_id),
                        mended: kept.mended,
                        problem: kept.problem,
                    };
                    registrations::record(ground, &endpoint, kept).await?;
                }
                Err(error) => {
                    let kept = Kept {
                        registered_id: endpoint.registered_id.clone(),
                        mended: None,
                        problem: Some(error.to_string()),
                    };
                    registrations::record(ground, &endpoint, kept).await?;
                    if let Some(turn) = self.unless_it_is_the_webhook(held, &error).await? {
                        return Ok(turn);
                    }
                }
            }
        }
        Ok(Turn::On)
    }

    /// What an error means for the lane; a login that may not register webhooks is good for tickets all the same.
    async fn unless_it_is_the_webhook(
        &self,
        held: &lane::Model,
        error: &PsaError,
    ) -> Result<Option<Turn>, Error> {
        if matches!(error, PsaError::Forbidden { .. }) || error.next_step() == NextStep::GiveUp {
            return Ok(None);
        }
        Ok(match self.after_error(held, error).await? {
            Turn::On => None,
            other => Some(other),
        })
    }
}
