//! Authorization details (RFC 9396): a list of objects, each with a `type`.

use serde_json::Value;

use crate::call::Refusal;
use crate::form::Form;
use crate::grants::Family;
use crate::server::Server;

pub(crate) const NAME: &str = "authorization_details";

impl Server {
    /// The authorization details of a request, if it has some and they can be granted (RFC 9396 section 5).
    pub(crate) fn details(&self, form: &Form) -> Result<Option<String>, Refusal> {
        let refuse = |why| Err(("invalid_authorization_details", why));
        let Some(text) = form.get(NAME) else { return Ok(None) };
        let Ok(Value::Array(details)) = serde_json::from_str(text) else { return refuse("they are no JSON list") };
        let known = &self.knobs.authorization_details_types_supported;
        for detail in &details {
            match detail.get("type").and_then(Value::as_str) {
                None | Some("") => return refuse("one of them has no type"),
                Some(kind) if !known.is_empty() && !known.iter().any(|other| other == kind) => {
                    return refuse("one of them has a type that is not known");
                }
                Some(_) => {}
            }
        }
        Ok((!details.is_empty()).then(|| text.to_owned()))
    }

    /// What is granted with a token of this family: what the request asks for, or else what the grant began with (RFC 9396
    /// sections 6 and 7).
    pub(crate) fn granted_details(&self, family: Family) -> Option<String> {
        let asked = self.grants.asked_details.as_ref().or_else(|| self.grants.details.get(&family))?;
        Some(self.knobs.granted_authorization_details.as_ref().unwrap_or(asked).clone())
    }
}
