//! Verifying a login that was changed, without anybody asking for it.

use entity::{lane, psa_connection};

use super::{
    Client, Workers,
    lane::{PAUSE_SECS, Turn},
};
use crate::{
    error::Error,
    organizations::{connections, viewer::Viewer},
};

/// How often a login that does not work, though none of its fields is to blame, is tried: the PSA may be away.
const TRIES: i32 = 4;

impl Workers {
    /// Verifies the login where that is due. One that does not work makes the lane rest.
    pub(super) async fn verification_turn(
        &self,
        held: &lane::Model,
        connection: &psa_connection::Model,
        client: &Client,
    ) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        let now = ground.clock.now();
        if connection.verification_due_at.is_none_or(|at| now < at) {
            return Ok(Turn::On);
        }
        let Some(verification) = self.renewing(held, client.psa.verify()).await else {
            return Ok(Turn::Lost);
        };
        let (is_ok, message) = (verification.is_ok(), verification.summary());
        connections::record_verification(
            &Viewer::gateway(),
            ground,
            held.id,
            client.credentials_version,
            serde_json::to_value(&verification)?,
            is_ok,
            &message,
        )
        .await?;
        tracing::info!(psa_connection.id = %held.id, works = is_ok, "a changed login was verified");
        if is_ok {
            return Ok(Turn::On);
        }
        let until = ground.clock.now().plus_secs(PAUSE_SECS);
        if !verification.blames_a_field() && held.failures < TRIES {
            connections::verify_again(ground, connection, until).await?;
        }
        Ok(Turn::Pause { until, why: message, is_failure: true })
    }
}
