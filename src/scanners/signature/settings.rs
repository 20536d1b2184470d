//! Settings of an endpoint that are its scheme's own, beside those of its sender.

use serde_json::Value;

use super::{Scheme, custom, described::Method, sns};

impl Scheme {
    /// The name of the setting that is this scheme's own.
    const fn own_setting(self) -> Option<&'static str> {
        match self.0.method {
            Method::Custom => Some(custom::SETTING),
            Method::Sns => Some(sns::TOPIC),
            Method::Signed(_) | Method::Shown(_) => None,
        }
    }

    /// Checks the settings that are the scheme's own before they are saved; `Err` says what to do.
    pub fn check_settings(self, settings: &Value) -> Result<(), String> {
        match self.0.method {
            Method::Custom => custom::with(settings, |_| ()),
            Method::Sns => match settings.get(sns::TOPIC) {
                None | Some(Value::Null) => Ok(()),
                Some(topic) if topic.as_str().is_some_and(sns::is_topic) => Ok(()),
                Some(_) => Err(format!(
                    "`{}` is the topic's ARN, e.g. arn:aws:sns:eu-central-1:123456789012:findings",
                    sns::TOPIC
                )),
            },
            Method::Signed(_) | Method::Shown(_) => Ok(()),
        }
    }

    /// The settings without the scheme's own: what the sender reads. `Null` where nothing is left.
    pub fn senders_settings(self, settings: &Value) -> Value {
        let mut left = settings.clone();
        if let (Some(own), Some(object)) = (self.own_setting(), left.as_object_mut()) {
            object.remove(own);
        }
        match &left {
            Value::Object(object) if object.is_empty() => Value::Null,
            _ => left,
        }
    }
}
