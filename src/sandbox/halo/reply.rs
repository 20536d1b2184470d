//! Answers, and the shapes Halo's errors take.
//!
//! Halo reports errors in six shapes (HaloAPI `New-HaloError.ps1`, n8n
//! `GenericFunctions.ts`): a field map, `ClassName` with `Message`, `Message`
//! alone, OAuth's `error`, plain text or HTML, and nothing at all.

use serde_json::{Value, json};

/// One answer, before it is put on the wire.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: Option<&'static str>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

const JSON: &str = "application/json; charset=utf-8";

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: Some(JSON), headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    pub(super) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// No body at all, as Halo does for 401, 403 and 415.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, content_type: None, headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn text(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self { status, content_type: Some(content_type), headers: Vec::new(), body: body.into().into_bytes() }
    }

    pub(super) fn html(status: u16) -> Self {
        let page = "<!DOCTYPE html><html><head><title>Halo</title></head>\
                    <body><h1>We'll be right back</h1></body></html>";
        Self::text(status, "text/html; charset=utf-8", page)
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A thrown .NET exception: how Halo says that a rule was broken.
    pub(super) fn exception(message: &str) -> Self {
        let body = json!({
            "ClassName": "System.Exception",
            "Message": message,
            "Data": null,
            "InnerException": null,
            "HelpURL": null,
            "HResult": -2_146_233_088,
            "Source": "NHApi",
        });
        Self::json(400, &body)
    }

    /// Model binding failed: path in the body (or name of a parameter) and what was wrong there.
    pub(super) fn field_map(path: &str, message: &str) -> Self {
        Self::json(400, &json!({ path: [message] }))
    }

    /// OAuth's shape (RFC 6749, section 5.2).
    pub(super) fn oauth(status: u16, error: &str, description: &str) -> Self {
        Self::json(status, &json!({ "error": error, "error_description": description }))
    }

    /// No such record, asked for by its id.
    pub(super) fn not_found() -> Self {
        Self::json(404, &json!({ "Message": "Record not found" }))
    }

    /// The scope or the role of the agent lacks a right: nothing but the status
    /// (dotMARC `HaloPsaClient.cs`).
    pub(super) fn forbidden() -> Self {
        Self::empty(403)
    }
}
