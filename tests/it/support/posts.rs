//! What an MSP's scanner posts, and what it is answered.

use psa_gateway::{clock::Chance, scanners::signature};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use super::{Finding, Msp};

/// What a sender was answered.
#[derive(Debug)]
pub struct Posted {
    /// The status.
    pub status: StatusCode,
    /// When to come again.
    pub retry_after: Option<String>,
    /// The body.
    pub body: Value,
}

impl Posted {
    /// It was stored.
    pub fn is_accepted(&self) {
        assert_eq!(self.status, StatusCode::ACCEPTED, "{}", self.body);
    }

    /// Id of the delivery.
    pub fn delivery(&self) -> &str {
        self.body["delivery"].as_str().expect("a delivery")
    }
}

impl Msp<'_> {
    /// A signed webhook, ready to be sent.
    pub fn signed(&self, event: &Finding) -> RequestBuilder {
        self.request(self.webhook_url(), &self.secret(), None, event.json().to_string().as_bytes(), "webhook")
    }

    fn request(&self, url: &str, secret: &str, id: Option<&str>, body: &[u8], names: &str) -> RequestBuilder {
        let id = id.map_or_else(|| format!("msg_{}", Chance::system().alphanumeric(24)), str::to_owned);
        let signed = signature::sign(secret, &id, self.app.clock.now(), body).expect("a signature");
        let mut request = self.app.http.post(url).body(body.to_vec());
        for (name, value) in signed.pairs() {
            request = request.header(name.replace("webhook", names), value);
        }
        request
    }

    async fn sent(request: RequestBuilder) -> Posted {
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let retry_after =
            answer.headers().get("retry-after").and_then(|at| at.to_str().ok()).map(str::to_owned);
        Posted { status, retry_after, body: answer.json().await.unwrap_or_default() }
    }

    /// The scanner posts an event.
    pub async fn posts(&self, event: &Finding) -> Posted {
        Self::sent(self.signed(event)).await
    }

    /// To another node.
    pub async fn posts_to(&self, url: &str, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(url, &self.secret(), None, body.as_bytes(), "webhook")).await
    }

    /// To another address, signed with its secret.
    pub async fn posts_to_signed_with(&self, url: &str, secret: &str, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(url, secret, None, body.as_bytes(), "webhook")).await
    }

    /// Under a given id.
    pub async fn posts_as(&self, id: &str, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(self.webhook_url(), &self.secret(), Some(id), body.as_bytes(), "webhook"))
            .await
    }

    /// Signed with another secret.
    pub async fn posts_signed_with(&self, secret: &str, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(self.webhook_url(), secret, None, body.as_bytes(), "webhook")).await
    }

    /// Under Svix's names of the headers.
    pub async fn posts_with_svix_names(&self, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(self.webhook_url(), &self.secret(), None, body.as_bytes(), "svix")).await
    }

    /// Any bytes, well signed.
    pub async fn posts_raw(&self, body: &[u8]) -> Posted {
        Self::sent(self.request(self.webhook_url(), &self.secret(), None, body, "webhook")).await
    }
}
