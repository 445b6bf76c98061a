//! Token exchange (RFC 8693): what is asked for, which tokens are accepted, and what is issued.

use serde_json::json;

use crate::answer::{Answer, Members};
use crate::assertion::{ID_JAG_TYP, from_saml, to_saml};
use crate::call::Refusal;
use crate::client::Client;
use crate::form::{Form, json_string};
use crate::server::Server;

/// The `grant_type` of RFC 8693 section 2.1.
pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The token type identifiers (RFC 8693 section 3) by their last word; `id-jag` is from its draft.
fn type_of(uri: &str) -> Option<&str> {
    let word = uri.strip_prefix("urn:ietf:params:oauth:token-type:")?;
    ["access_token", "refresh_token", "id_token", "jwt", "saml1", "saml2", "id-jag"].contains(&word).then_some(word)
}

fn uri(word: &str) -> String {
    format!("urn:ietf:params:oauth:token-type:{word}")
}

/// For whom a subject token stands, and whether it says who the person is.
struct Subject {
    name: String,
    identity: bool,
}

impl Server {
    /// RFC 8693 sections 2.1 and 2.2.
    pub(crate) fn exchange(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        let bad = |why| Err(("invalid_request", why));
        let (Some(subject), Some(subject_type)) = (form.get("subject_token"), form.get("subject_token_type")) else {
            return bad("subject_token or subject_token_type is missing");
        };
        let subject = self.subject(client, subject, subject_type)?;
        match (form.get("actor_token"), form.get("actor_token_type")) {
            (None, None) => {}
            (Some(actor), Some(actor_type)) => {
                self.subject(client, actor, actor_type)?;
            }
            _ => return bad("actor_token and actor_token_type belong together"),
        }
        let targets: Vec<String> = form.all("audience").into_iter().chain(form.all("resource")).collect();
        if let Some(known) = &self.knobs.exchange_targets
            && targets.iter().any(|target| !known.contains(target))
        {
            return Err(("invalid_target", "this target is not known"));
        }
        let Some(scope) = client.allowed_scope(form.get("scope")) else {
            return Err(("invalid_scope", "malformed, or more than is allowed"));
        };
        let wanted = form.get("requested_token_type").map_or(Some("access_token"), type_of);
        let Some(wanted) = wanted else {
            return bad("tokens of this type are not issued");
        };
        let audience = targets.first().unwrap_or(&client.id).clone();
        let members = match wanted {
            "access_token" => self.issue_to(client, &scope, form.all("resource")),
            // Both, as Keycloak and zitadel answer.
            "refresh_token" => {
                let family =
                    self.grants.new_family(crate::grants::Basis { resources: form.all("resource"), login: None });
                self.issue_with_refresh(client, &scope, family)
            }
            "jwt" if self.knobs.issued_jwt_is_bearer => self.issue_to(client, &scope, form.all("resource")),
            "id-jag" => self.identity_assertion(client, form, &subject, &scope)?,
            "jwt" | "id_token" => {
                let jwt = self.sign_jwt(&audience, &subject.name);
                self.not_applicable(&jwt, None)
            }
            _ => {
                let jwt = self.sign("saml2", &audience, &subject.name, json!({}));
                self.not_applicable(&to_saml(&jwt), None)
            }
        };
        let issued = ("issued_token_type".to_owned(), json_string(&uri(wanted)));
        Ok(Answer::json(200, members.into_iter().chain([issued]).collect()))
    }

    /// Section 4.3 of the draft.
    fn identity_assertion(
        &mut self,
        client: &Client,
        form: &Form,
        subject: &Subject,
        scope: &str,
    ) -> Result<Members, Refusal> {
        if !subject.identity {
            return Err(("invalid_request", "the subject token does not say who the person is"));
        }
        let audiences = form.all("audience");
        let [audience] = audiences.as_slice() else {
            return Err(("invalid_request", "an identity assertion is for one audience"));
        };
        let at_audience = self.knobs.client_ids_elsewhere.get(audience).unwrap_or(&client.id).clone();
        let scope = self.knobs.granted(scope);
        let mut more = json!({ "client_id": at_audience, "resource": form.all("resource") });
        if let Some(claims) = more.as_object_mut().filter(|_| !scope.is_empty()) {
            claims.insert("scope".to_owned(), json!(scope));
        }
        let jwt = self.sign(ID_JAG_TYP, &audience.clone(), &subject.name, more);
        Ok(self.not_applicable(&jwt, Some(&scope)))
    }

    /// The members for a token that is no access token (RFC 8693 section 2.2.1).
    fn not_applicable(&self, token: &str, scope: Option<&str>) -> Members {
        let mut members = vec![
            ("access_token".to_owned(), json_string(token)),
            ("token_type".to_owned(), json_string("N_A")),
            ("expires_in".to_owned(), self.knobs.assertion_lifetime.to_string()),
        ];
        if let Some(scope) = scope.filter(|scope| !scope.is_empty() && !self.knobs.omit_scope) {
            members.push(("scope".to_owned(), json_string(scope)));
        }
        members
    }

    /// For whom a token stands. A bad one is `invalid_request` (RFC 8693 section 2.2.2).
    fn subject(&self, client: &Client, token: &str, token_type: &str) -> Result<Subject, Refusal> {
        let bad = |why| Err(("invalid_request", why));
        let of_person = |for_person| match for_person {
            true => self.knobs.user.clone(),
            false => client.id.clone(),
        };
        let name = match type_of(token_type) {
            Some("access_token") => match self.live_access(token) {
                Some(access) => of_person(access.for_person),
                None => return bad("the access token is not active"),
            },
            Some("refresh_token") => match self.describe_refresh(token) {
                Some(_) => of_person(true),
                None => return bad("the refresh token is not active"),
            },
            Some("id_token" | "jwt" | "id-jag") => match self.verify(token, &[&client.id, &self.issuer]) {
                Ok(statement) => statement.text("sub").unwrap_or_default().to_owned(),
                Err(why) => return bad(why),
            },
            Some("saml1" | "saml2") => {
                let jwt = from_saml(token).unwrap_or_default();
                match self.verify(&jwt, &[&client.id, &self.issuer]) {
                    Ok(statement) => statement.text("sub").unwrap_or_default().to_owned(),
                    Err(why) => return bad(why),
                }
            }
            // What the test's own types mean, only the test knows.
            _ if self.knobs.subject_token_types.iter().any(|known| known == token_type) => token.to_owned(),
            _ => return bad("tokens of this type are not accepted"),
        };
        let identity = matches!(type_of(token_type), Some("id_token" | "saml2" | "refresh_token"));
        Ok(Subject { name, identity })
    }
}
