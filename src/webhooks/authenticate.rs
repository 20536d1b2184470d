//! Whether a webhook comes from who its endpoint is for.

use std::sync::Arc;

use actix_web::{HttpRequest, http::StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Refusal, WebhookDoor};
use crate::{
    ground::EndpointKeys,
    metrics::Received,
    organizations::endpoints,
    psa,
    queue::received::{Headers, Proof},
    scanners::{
        self,
        signature::{self, CandidateKey, Evidence, Means, Scheme, VerifyingKey, sns::Certificate},
    },
};

/// What the address of a request shows, beside the endpoint's key. May hold secrets.
pub(super) struct Shown {
    pub(super) query: String,
    pub(super) path_secret: Option<SecretString>,
}

impl Shown {
    pub(super) fn of(request: &HttpRequest) -> Self {
        Self {
            query: request.query_string().to_owned(),
            path_secret: request.match_info().get("secret").map(SecretString::from),
        }
    }
}

/// The way in which an endpoint's sender is authenticated; none where it is a PSA's, or one that this version does
/// not know.
pub(super) fn scheme(keys: &EndpointKeys) -> Option<Scheme> {
    scanners::sender(&keys.endpoint.sender).and_then(|_| Scheme::from_key(&keys.endpoint.scheme))
}

impl WebhookDoor {
    /// The certificate that a message of Amazon SNS names; none for all others. Where it cannot be had nothing can
    /// be said of the message, and SNS is asked to come again.
    pub(super) async fn certificate(
        &self,
        keys: &EndpointKeys,
        body: &[u8],
    ) -> Result<Option<Arc<Certificate>>, Refusal> {
        if scheme(keys) != Some(Scheme::SNS) {
            return Ok(None);
        }
        self.sns.certificate(body).await.map_err(|_| {
            Refusal::new(
                Received::Unavailable,
                StatusCode::SERVICE_UNAVAILABLE,
                "the certificate that the message names could not be fetched just now; send it again",
            )
        })
    }

    pub(super) fn authenticate(
        &self,
        keys: &EndpointKeys,
        shown: &Shown,
        headers: &Headers,
        body: &[u8],
        certificate: Option<&Certificate>,
    ) -> Result<Proof, String> {
        let now = self.ground.clock.now();
        let live = keys.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| now < at));
        if let Some(platform) = psa::platform(&keys.endpoint.sender) {
            if shown.path_secret.is_some() {
                return Err(signature::SignatureError::SecretInAddress.to_string());
            }
            let secrets: Vec<_> = live
                .map(|secret| psa::WebhookSecret {
                    id: secret.id,
                    key_name: secret.key_name.clone(),
                    secret: secret.secret.clone(),
                })
                .collect();
            let call = psa::WebhookCall {
                scheme: &keys.endpoint.scheme,
                settings: &keys.settings,
                headers,
                query: &shown.query,
                body,
            };
            return platform.verify_webhook(&call, &secrets).map_err(|refused| refused.to_string());
        }
        let Some(scheme) = scheme(keys) else {
            return Err("this endpoint's way of authentication is not known to this version".to_owned());
        };
        let candidates: Vec<_> = live
            .filter_map(|secret| {
                let key = VerifyingKey::parse(scheme, secret.secret.expose_secret()).ok()?;
                Some(CandidateKey { id: secret.id, key })
            })
            .collect();
        let evidence = Evidence {
            headers,
            query: &shown.query,
            path_secret: shown.path_secret.as_ref().map(secrecy::ExposeSecret::expose_secret),
            body,
            settings: keys.endpoint.settings.as_ref().unwrap_or(&Value::Null),
            certificate,
        };
        let endpoint_id = keys.endpoint.id;
        let means = Means {
            now,
            tolerance_secs: self.tolerance_secs,
            digest: &|shown| endpoints::digest(&self.ground, endpoint_id, shown),
        };
        signature::verify(scheme, &candidates, &evidence, &means).map_err(|error| error.to_string())
    }
}
