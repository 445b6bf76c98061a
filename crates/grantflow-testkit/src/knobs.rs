//! What can be turned. The defaults make a well-behaved server.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::faults::Faults;
use crate::{CallbackFault, Endpoint, Misbehaviour};

/// What the person decides at the authorization endpoint or about a device, or how the visit fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Logs in and agrees: the callback carries a code.
    Approve,
    /// Says no: the callback carries `error=access_denied`.
    Deny,
    /// The callback carries this error code (RFC 6749 section 4.1.2.1), such as `temporarily_unavailable`.
    Fail(String),
}

/// The server's settings: public fields that a test can change at any time. [`Knobs::default`] is a well-behaved
/// server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Knobs {
    /// What the person does. Default: approves.
    pub decision: Decision,
    /// The person's name, which `GET /api/user` answers. Default: `ada`.
    pub user: String,

    /// When the person logged in, in seconds since the Unix epoch. The person logs in again only if the authorization
    /// request says `prompt=login`, or if its `max_age` is over (OpenID Connect Core section 3.1.2.1). `None`: the
    /// person logs in at every visit. Default: `None`.
    pub logged_in_at: Option<u64>,
    /// The authentication contexts that the server can meet, also in its metadata. If `acr_values` names only others,
    /// the callback says `unmet_authentication_requirements` (RFC 9470 section 5). Default: empty; then the server
    /// meets every one and the metadata names none.
    pub acr_values_supported: Vec<String>,

    /// The types of authorization details that the server knows, also in its metadata (RFC 9396 section 10). Others are
    /// refused with `invalid_authorization_details`. Default: empty; then it knows every type and the metadata names none.
    pub authorization_details_types_supported: Vec<String>,
    /// Grant these authorization details, as JSON text, instead of the requested ones (RFC 9396 section 7.1). It can be
    /// anything, also something malformed. Default: what was requested.
    pub granted_authorization_details: Option<String>,
    /// Whether the server has the response mode `form_post`, also in its metadata. Default: yes.
    pub form_post: bool,

    /// Whether an authorization request needs a PKCE challenge (RFC 7636). Default: yes.
    pub require_pkce: bool,
    /// Whether the challenge method `plain` is accepted. Default: no, only `S256`.
    pub allow_plain_pkce: bool,
    /// Whether an authorization request must be pushed (RFC 9126 section 5). If so, another one gets a callback with
    /// `invalid_request`, and the metadata says so. Default: no.
    pub require_pushed_authorization_requests: bool,
    /// How long a request URI lives, in seconds, and what `expires_in` of the pushed answer says (RFC 9126 section
    /// 2.2). A request URI can be used once. Default: 60.
    pub request_uri_lifetime: u64,
    /// What request URIs begin with. The server may choose it (RFC 9126 section 2.2). Default:
    /// `urn:ietf:params:oauth:request_uri:`.
    pub request_uri_prefix: String,
    /// What goes wrong in every callback, applied in order. Default: nothing.
    pub callback: Vec<CallbackFault>,
    /// What goes wrong in the coming callbacks, one entry each, after [`Knobs::callback`]. Default: nothing.
    pub next_callbacks: VecDeque<CallbackFault>,
    /// How long a code lives, in seconds. Default: 60.
    pub code_lifetime: u64,

    /// How long a device code lives, in seconds, and what `expires_in` of the device answer says (RFC 8628 section
    /// 3.2); the same for a backchannel authentication request, unless the client asks for less (OpenID CIBA section 7.1).
    /// Default: 1800.
    pub device_expires_in: u64,
    /// The `interval` of the device answer: how many seconds must pass between two polls. With `None` the answer has no
    /// such member, and 5 seconds must pass (RFC 8628 section 3.2). The same for a backchannel authentication request.
    /// Default: 5.
    pub device_interval: Option<u64>,
    /// Whether a poll that comes too soon gets `slow_down` (RFC 8628 section 3.5). The interval counts from the poll
    /// before, and for the first poll from the device answer. Each `slow_down` makes the interval 5 seconds longer for
    /// this device code. Default: yes.
    pub enforce_interval: bool,
    /// Whether the device answer has `verification_uri_complete` (RFC 8628 section 3.3.1). Default: yes.
    pub verification_uri_complete: bool,
    /// At which poll the person decides as [`Knobs::decision`] says; the first poll is number 1. The test can decide
    /// before by [`Server::approve`](crate::Server::approve) or [`Server::deny`](crate::Server::deny). Default: never.
    pub decide_at_poll: Option<u64>,
    /// The status of `authorization_pending`. GitHub answers 200. Default: 400.
    pub pending_status: u16,
    /// The status of `slow_down`. Some servers answer 429. Default: 400.
    pub slow_down_status: u16,

    /// The person's code, which a backchannel authentication request must then have as `user_code` (OpenID CIBA section
    /// 7.1). Default: none; the parameter is then ignored.
    pub person_code: Option<String>,
    /// The hints of people whom the server does not know: a backchannel authentication request with one of them gets
    /// `unknown_user_id` (OpenID CIBA section 13). Default: none.
    pub unknown_people: BTreeSet<String>,

    /// How long an access token lives, in seconds, and what `expires_in` says. Default: 3600.
    pub expires_in: u64,
    /// Whether codes come with a refresh token. Default: yes.
    pub issue_refresh_token: bool,
    /// How long a refresh token lives, in seconds. Default: for ever.
    pub refresh_lifetime: Option<u64>,
    /// Whether each use of a refresh token spends it and gives a new one (RFC 9700 section 4.14.2). Default: yes.
    pub rotate: bool,
    /// Without rotation: whether the answer repeats the refresh token or leaves it out. Default: leaves it out.
    pub repeat_refresh_token: bool,
    /// For how many seconds a spent refresh token is still accepted, for clients whose answer was lost. Default: 0.
    pub refresh_grace: u64,
    /// Whether a spent refresh token that is sent again revokes all tokens of its grant (RFC 9700 section 4.14.2).
    /// Default: yes.
    pub revoke_on_replay: bool,
    /// Whether codes and tokens contain `+`, `/` and `=`. Default: no.
    pub odd_characters: bool,

    /// Grant this scope instead of the requested one. If it is empty, the answer has the empty scope. Default: no.
    pub narrow_scope: Option<String>,
    /// Grant this scope beside the requested one. Default: no.
    pub widen_scope: Option<String>,
    /// Leave `scope` out of the token answer. Default: no.
    pub omit_scope: bool,
    /// What stands between scopes in the token answer; some servers write a comma. Default: a space.
    pub scope_separator: String,

    /// What `aud` of an introspection holds (RFC 7662 section 2.2): a string for one value, a list for several, no
    /// member for none. `None`: the values of `resource` in the request that began the grant, or the protected resource
    /// if that request had none. Default: `None`.
    pub audience: Option<Vec<String>>,
    /// Whether access tokens can be revoked. If not, the server refuses with `unsupported_token_type` (RFC 7009 section
    /// 2.2.1). Default: yes.
    pub revocable_access_tokens: bool,
    /// Whether the revocation of an access token revokes its whole grant. RFC 7009 section 2.1 leaves this to the
    /// server. The revocation of a refresh token always does. Default: no.
    pub access_token_revokes_grant: bool,

    /// Whose assertions and ID tokens are accepted beside this server's own: issuers (RFC 7523 section 3). If there are any,
    /// the metadata announces identity assertions. Default: none.
    pub trusted_issuers: Vec<String>,
    /// How long the JWTs and SAML assertions live that this server makes, in seconds. Default: 300.
    pub assertion_lifetime: u64,
    /// Whether an assertion is accepted only once (RFC 7523 section 3). Default: yes.
    pub assertions_once: bool,
    /// Whether assertion grants, token exchanges and the extension grant give refresh tokens. Default: no.
    pub refresh_token_without_person: bool,
    /// Whether a token exchange and other grants without a person need no client at all (RFC 7521 section 4.1, RFC 8693
    /// section 2.1). Default: no.
    pub accept_unidentified: bool,
    /// The values of `audience` and `resource` for which a token exchange issues tokens; for another one it refuses with
    /// `invalid_target` (RFC 8693 section 2.2.2). Default: any.
    pub exchange_targets: Option<Vec<String>>,
    /// Types of subject tokens that are accepted beside those of RFC 8693 section 3; every token of such a type is good.
    /// Default: none.
    pub subject_token_types: Vec<String>,
    /// Whether a JWT that a token exchange issues is a Bearer token for an API; else its `token_type` is `N_A`. Default: no.
    pub issued_jwt_is_bearer: bool,
    /// The ids of this server's clients at other servers, by the audience of an identity assertion. Default: the same id
    /// everywhere.
    pub client_ids_elsewhere: BTreeMap<String, String>,
    /// The type of an extension grant (RFC 6749 section 4.5) that this server knows. It asks for no parameter. Default:
    /// none.
    pub extension_grant: Option<String>,

    /// The scope that the resource demands. Its challenges name the scope, and a token with less gets a 403 with
    /// `insufficient_scope` (RFC 6750 section 3). Default: none.
    pub required_scope: Option<String>,
    /// The authentication contexts that the resource accepts. A token of another login gets a 401 with
    /// `insufficient_user_authentication` and these `acr_values` (RFC 9470 section 3). Default: empty; then every login
    /// is accepted.
    pub required_acr_values: Vec<String>,
    /// How many seconds ago the person's login may be. A token of an older login gets a 401 with
    /// `insufficient_user_authentication` and this `max_age` (RFC 9470 section 3). Default: any number.
    pub required_max_age: Option<u64>,
    /// Whether the resource's challenges name its metadata by `resource_metadata` (RFC 9728 section 5.1). Default: no.
    pub challenge_names_metadata: bool,
    /// What `authorization_servers` of the resource's metadata holds (RFC 9728 section 2). `None`: this server's
    /// issuer. Default: `None`.
    pub authorization_servers: Option<Vec<String>>,
    /// What `scopes_supported` of the resource's metadata holds (RFC 9728 section 2). Default: empty; then there is no
    /// such member.
    pub resource_scopes_supported: Vec<String>,

    /// The token that the registration endpoint demands (RFC 7591 section 3). Default: none.
    pub initial_access_token: Option<String>,
    /// Register this client authentication instead of the one that was asked for, such as `none` or `private_key_jwt`
    /// (RFC 7591 section 3.2.1 lets a server change what it is asked for). Default: no.
    pub registered_auth_method: Option<String>,
    /// When `client_secret_expires_at` says that a registered client's secret ends, in seconds from now; the server takes
    /// it for longer. `None`: never, which is 0 there. Default: `None`.
    pub client_secret_lifetime: Option<u64>,
    /// Whether each answer about a registered client has a new secret and a new registration access token, so that the old
    /// ones are over (RFC 7592 section 3). Default: no.
    pub rotate_registration: bool,
    /// Whether the URL of a document is a client id (OAuth Client ID Metadata Document); see
    /// [`Server::publish`](crate::Server::publish). Default: yes.
    pub client_id_documents: bool,

    /// Whether Basic credentials are taken as they are. Default: no, they are form-decoded (RFC 6749 section 2.3.1).
    pub raw_basic: bool,
    /// Whether Basic credentials are accepted. Default: yes.
    pub accept_basic: bool,
    /// Whether credentials in the body are accepted. Default: yes.
    pub accept_post: bool,
    /// Whether form bodies are accepted, at every endpoint that takes them. Default: yes.
    pub accept_form: bool,
    /// Whether JSON bodies are accepted at the endpoints that take forms. Default: no.
    pub accept_json: bool,
    /// Whether the token endpoint answers form-encoded unless the request's `Accept` names `application/json`.
    /// Default: no, always JSON.
    pub form_unless_asked: bool,

    /// The endpoints that are not there: they answer 404, and the metadata does not name them. See [`Knobs::omit`] and
    /// [`Knobs::serve`]. Default: the OpenID documents, and the resource's metadata at the root.
    pub omitted: BTreeSet<Endpoint>,
    /// What `scopes_supported` of the server's metadata holds (RFC 8414 section 2). Default: empty; then there is no
    /// such member.
    pub scopes_supported: Vec<String>,

    /// How every token answer goes wrong, applied in order. Default: not at all.
    pub always: Vec<Misbehaviour>,
    /// How the coming token answers go wrong, one entry each, after [`Knobs::always`]. Default: not at all.
    pub next: VecDeque<Misbehaviour>,
    /// How the answers of the endpoints other than the token endpoint go wrong.
    pub(crate) faults: BTreeMap<Endpoint, Faults>,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            decision: Decision::Approve,
            user: "ada".to_owned(),
            logged_in_at: None,
            acr_values_supported: Vec::new(),
            authorization_details_types_supported: Vec::new(),
            granted_authorization_details: None,
            form_post: true,
            require_pkce: true,
            allow_plain_pkce: false,
            require_pushed_authorization_requests: false,
            request_uri_lifetime: 60,
            request_uri_prefix: "urn:ietf:params:oauth:request_uri:".to_owned(),
            callback: Vec::new(),
            next_callbacks: VecDeque::new(),
            code_lifetime: 60,
            device_expires_in: 1800,
            device_interval: Some(5),
            enforce_interval: true,
            verification_uri_complete: true,
            decide_at_poll: None,
            pending_status: 400,
            slow_down_status: 400,
            person_code: None,
            unknown_people: BTreeSet::new(),
            expires_in: 3600,
            issue_refresh_token: true,
            refresh_lifetime: None,
            rotate: true,
            repeat_refresh_token: false,
            refresh_grace: 0,
            revoke_on_replay: true,
            odd_characters: false,
            narrow_scope: None,
            widen_scope: None,
            omit_scope: false,
            scope_separator: " ".to_owned(),
            audience: None,
            revocable_access_tokens: true,
            access_token_revokes_grant: false,
            trusted_issuers: Vec::new(),
            assertion_lifetime: 300,
            assertions_once: true,
            refresh_token_without_person: false,
            accept_unidentified: false,
            exchange_targets: None,
            subject_token_types: Vec::new(),
            issued_jwt_is_bearer: false,
            client_ids_elsewhere: BTreeMap::new(),
            extension_grant: None,
            required_scope: None,
            required_acr_values: Vec::new(),
            required_max_age: None,
            challenge_names_metadata: false,
            authorization_servers: None,
            resource_scopes_supported: Vec::new(),
            initial_access_token: None,
            registered_auth_method: None,
            client_secret_lifetime: None,
            rotate_registration: false,
            client_id_documents: true,
            raw_basic: false,
            accept_basic: true,
            accept_post: true,
            accept_form: true,
            accept_json: false,
            form_unless_asked: false,
            omitted: [
                Endpoint::OpenidConfiguration,
                Endpoint::OpenidConfigurationInserted,
                Endpoint::ResourceMetadataAtRoot,
            ]
            .into(),
            scopes_supported: Vec::new(),
            always: Vec::new(),
            next: VecDeque::new(),
            faults: BTreeMap::new(),
        }
    }
}

impl Knobs {
    /// Takes the endpoint away. See [`Knobs::omitted`].
    pub fn omit(&mut self, endpoint: Endpoint) -> &mut Knobs {
        self.omitted.insert(endpoint);
        self
    }

    /// Puts the endpoint in its place. See [`Knobs::omitted`].
    pub fn serve(&mut self, endpoint: Endpoint) -> &mut Knobs {
        self.omitted.remove(&endpoint);
        self
    }

    pub(crate) fn serves(&self, endpoint: Endpoint) -> bool {
        !self.omitted.contains(&endpoint)
    }

    /// The scope of a token, if the client asked for `asked`.
    pub(crate) fn granted(&self, asked: &str) -> String {
        let mut granted = self.narrow_scope.as_deref().unwrap_or(asked).to_owned();
        for more in self.widen_scope.iter().flat_map(|scope| scope.split(' ')) {
            if !granted.split(' ').any(|scope| scope == more) {
                if !granted.is_empty() {
                    granted.push(' ');
                }
                granted.push_str(more);
            }
        }
        granted
    }
}
