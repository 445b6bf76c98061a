//! What can be turned. The defaults make a well-behaved server.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{CallbackFault, Endpoint, Misbehaviour};

/// What the person at the authorization endpoint does, or what becomes of their visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Logs in and agrees: the callback carries a code.
    Approve,
    /// Says no: the callback carries `error=access_denied`.
    Deny,
    /// The callback carries this error code (RFC 6749 section 4.1.2.1), such as `temporarily_unavailable`.
    Fail(String),
}

/// The server's settings: public fields, to be changed at any time. [`Knobs::default`] is a well-behaved server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Knobs {
    /// What the person does. Default: approves.
    pub decision: Decision,
    /// The person's name, which `GET /api/user` answers. Default: `ada`.
    pub user: String,

    /// When the person logged in, in seconds since the Unix epoch: that login counts, unless the authorization request
    /// says `prompt=login` or has a `max_age` that is over (OpenID Connect Core section 3.1.2.1). `None` stands for a
    /// login at every visit. Default: `None`.
    pub logged_in_at: Option<u64>,
    /// The authentication contexts that the server can meet; with others only in `acr_values`, the callback says
    /// `unmet_authentication_requirements`. The metadata names them. Default: nothing, which stands for every one.
    pub acr_values_supported: Vec<String>,

    /// Whether an authorization request needs a PKCE challenge (RFC 7636). Default: yes.
    pub require_pkce: bool,
    /// Whether the challenge method `plain` is accepted. Default: no, only `S256`.
    pub allow_plain_pkce: bool,
    /// Whether an authorization request must be pushed (RFC 9126 section 5): others come back with `invalid_request`.
    /// Default: no.
    pub require_pushed_authorization_requests: bool,
    /// How long a request URI lives, in seconds, and what `expires_in` of the pushed answer says (RFC 9126 section 2.2).
    /// It is good for one authorization request. Default: 60.
    pub request_uri_lifetime: u64,
    /// What request URIs begin with; the standard leaves it to the server. Default:
    /// `urn:ietf:params:oauth:request_uri:`, as RFC 9126 section 2.2 suggests.
    pub request_uri_prefix: String,
    /// What goes wrong in every callback, applied in order. Default: nothing.
    pub callback: Vec<CallbackFault>,
    /// What goes wrong in the coming callbacks, one entry each, after [`Knobs::callback`]. Default: nothing.
    pub next_callbacks: VecDeque<CallbackFault>,
    /// How long a code lives, in seconds. Default: 60.
    pub code_lifetime: u64,

    /// How long a device code lives, in seconds, and what `expires_in` of the device answer says (RFC 8628 section 3.2).
    /// Default: 1800.
    pub device_expires_in: u64,
    /// The `interval` of the device answer: how many seconds must pass between two polls. `None` leaves the member out,
    /// and then 5 seconds must pass (RFC 8628 section 3.2). Default: 5.
    pub device_interval: Option<u64>,
    /// Whether a poll is answered `slow_down` that comes sooner than the interval after the poll before it, or after the
    /// device answer; each such poll lengthens the interval by 5 seconds for good (RFC 8628 section 3.5). Default: yes.
    pub enforce_interval: bool,
    /// Whether the device answer has `verification_uri_complete` (RFC 8628 section 3.3.1). Default: yes.
    pub verification_uri_complete: bool,
    /// At which poll the person does as [`Knobs::decision`] says, where the test does not decide by
    /// [`Server::approve`](crate::Server::approve) before; the first poll is number 1. Default: never.
    pub decide_at_poll: Option<u64>,
    /// The status of `authorization_pending`; GitHub's is 200. Default: 400.
    pub pending_status: u16,
    /// The status of `slow_down`; some servers' is 429. Default: 400.
    pub slow_down_status: u16,

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
    /// Whether a spent refresh token, sent again, revokes all tokens of its grant (RFC 9700 section 4.14.2).
    /// Default: yes.
    pub revoke_on_replay: bool,
    /// Whether codes and tokens contain `+`, `/` and `=`. Default: no.
    pub odd_characters: bool,

    /// Grant this scope instead of the one asked for; empty to grant, and to answer, the empty scope. Default: no.
    pub narrow_scope: Option<String>,
    /// Grant this scope as well as the one asked for. Default: no.
    pub widen_scope: Option<String>,
    /// Leave `scope` out of the token answer. Default: no.
    pub omit_scope: bool,
    /// What stands between scopes in the token answer; some servers write a comma. Default: a space.
    pub scope_separator: String,

    /// What `aud` of an introspection says (RFC 7662 section 2.2): text for one, a list for several, left out for none.
    /// `None` stands for the values of `resource` in the request that began the grant, or else the protected resource.
    /// Default: `None`.
    pub audience: Option<Vec<String>>,
    /// Whether access tokens can be revoked. If not, the attempt is refused with `unsupported_token_type` (RFC 7009
    /// section 2.2.1). Default: yes.
    pub revocable_access_tokens: bool,
    /// Whether an access token, revoked, takes its whole grant with it (RFC 7009 section 2.1 leaves this to the server).
    /// A refresh token always does. Default: no.
    pub access_token_revokes_grant: bool,

    /// The scope that the resource demands: its challenges name it, and a token with less gets a 403 with
    /// `insufficient_scope` (RFC 6750 section 3). Default: none.
    pub required_scope: Option<String>,
    /// The authentication contexts one of which the resource demands of the person's login. A token without gets a 401
    /// with `insufficient_user_authentication` and `acr_values` (RFC 9470 section 3). Default: none.
    pub required_acr_values: Vec<String>,
    /// How long ago, in seconds, the person's login may be for the resource. A token of an older login gets a 401 with
    /// `insufficient_user_authentication` and `max_age` (RFC 9470 section 3). Default: any time.
    pub required_max_age: Option<u64>,
    /// Whether the resource's challenges name its metadata by `resource_metadata` (RFC 9728 section 5.1). Default: no.
    pub challenge_names_metadata: bool,
    /// What `authorization_servers` of the resource's metadata holds (RFC 9728 section 2). `None` stands for this server.
    /// Default: `None`.
    pub authorization_servers: Option<Vec<String>>,
    /// What `scopes_supported` of the resource's metadata holds (RFC 9728 section 2). Default: nothing, then the member
    /// is left out.
    pub resource_scopes_supported: Vec<String>,

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

    /// The endpoints that are not there: they answer 404, and the metadata does not name them. Default: the OpenID
    /// documents, and the resource's metadata at the root.
    pub omitted: BTreeSet<Endpoint>,
    /// What `scopes_supported` of the server's metadata holds (RFC 8414 section 2). Default: nothing, then the member is
    /// left out.
    pub scopes_supported: Vec<String>,

    /// How every token answer goes wrong, applied in order. Default: not at all.
    pub always: Vec<Misbehaviour>,
    /// How the coming token answers go wrong, one entry each, after [`Knobs::always`]. Default: not at all.
    pub next: VecDeque<Misbehaviour>,
    /// How the answers of the endpoints other than the token endpoint go wrong.
    pub(crate) faults: BTreeMap<Endpoint, Faults>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    always: Vec<Misbehaviour>,
    next: VecDeque<Misbehaviour>,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            decision: Decision::Approve,
            user: "ada".to_owned(),
            logged_in_at: None,
            acr_values_supported: Vec::new(),
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
            required_scope: None,
            required_acr_values: Vec::new(),
            required_max_age: None,
            challenge_names_metadata: false,
            authorization_servers: None,
            resource_scopes_supported: Vec::new(),
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
    /// Makes the next token answer without an entry yet go wrong in this way.
    pub fn misbehave(&mut self, how: Misbehaviour) -> &mut Knobs {
        self.next.push_back(how);
        self
    }

    /// Makes the next answer of this endpoint without an entry yet go wrong in this way. At [`Endpoint::Token`] it is
    /// [`Knobs::misbehave`].
    ///
    /// At [`Endpoint::Authorization`], whose answers are pages and redirects, edits change nothing: use a replacement,
    /// or [`Knobs::spoil_callback`].
    pub fn misbehave_at(&mut self, endpoint: Endpoint, how: Misbehaviour) -> &mut Knobs {
        match endpoint {
            Endpoint::Token => self.next.push_back(how),
            endpoint => self.faults.entry(endpoint).or_default().next.push_back(how),
        }
        self
    }

    /// Makes every answer of this endpoint go wrong in this way too, before those of [`Knobs::misbehave_at`] have their
    /// turn. At [`Endpoint::Token`] it adds to [`Knobs::always`].
    pub fn always_at(&mut self, endpoint: Endpoint, how: Misbehaviour) -> &mut Knobs {
        match endpoint {
            Endpoint::Token => self.always.push(how),
            endpoint => self.faults.entry(endpoint).or_default().always.push(how),
        }
        self
    }

    /// Makes this endpoint behave again: nothing that was told to go wrong there goes wrong any more.
    pub fn behave_at(&mut self, endpoint: Endpoint) -> &mut Knobs {
        if endpoint == Endpoint::Token {
            self.always.clear();
            self.next.clear();
        }
        self.faults.remove(&endpoint);
        self
    }

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

    /// What goes wrong with the answer that this endpoint is about to give.
    pub(crate) fn take_faults(&mut self, endpoint: Endpoint) -> Vec<Misbehaviour> {
        let (always, next) = match endpoint {
            Endpoint::Token => (&self.always, &mut self.next),
            endpoint => match self.faults.get_mut(&endpoint) {
                Some(faults) => (&faults.always, &mut faults.next),
                None => return Vec::new(),
            },
        };
        always.iter().cloned().chain(next.pop_front()).collect()
    }

    /// Makes the next callback without an entry yet go wrong in this way.
    pub fn spoil_callback(&mut self, how: CallbackFault) -> &mut Knobs {
        self.next_callbacks.push_back(how);
        self
    }

    /// The scope of a token for which `asked` was asked.
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
