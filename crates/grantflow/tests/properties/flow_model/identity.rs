//! The server and the clients of the model.

use grantflow_testkit::{Client, ClientAuth, Endpoint, Grant, Server};

use super::exchange::VOUCHER;

pub(super) const SECRET: &str = "client-secret-of-the-model";
pub(super) const REDIRECT_URI: &str = "https://app.example/cb";

/// A client, and how the server should see it.
pub(super) struct Identity {
    pub(super) client: grantflow::Client,
    /// The same, if it has a secret.
    pub(super) confidential: Option<grantflow::ConfidentialClient>,
    pub(super) id: &'static str,
    pub(super) auth: ClientAuth,
}

/// A server that knows the clients of [`identities`].
pub(super) fn provider() -> Server {
    let mut provider = Server::new("https://as.example");
    provider.register(Client::confidential("app", SECRET).redirect_uri(REDIRECT_URI).scope("read write"));
    // Any client may use grants that are tokens themselves.
    let grants = [
        Grant::AuthorizationCode,
        Grant::RefreshToken,
        Grant::DeviceCode,
        Grant::TokenExchange,
        Grant::Assertion,
        Grant::Extension,
    ];
    provider.register(Client::public("device").redirect_uri(REDIRECT_URI).scope("read write").grants(&grants));
    provider.knobs().extension_grant = Some(VOUCHER.to_owned());
    provider
}

/// Each way to authenticate once.
pub(super) fn identities(provider: &Server) -> [Identity; 3] {
    let server = grantflow::Server::new(&provider.authorize_url(), &provider.token_url()).unwrap();
    let server = server.issuer_always_sent(provider.issuer()).unwrap();
    let at = |endpoint| provider.endpoint_url(endpoint);
    let server = server
        .pushed_authorization_request_endpoint(&at(Endpoint::PushedAuthorization))
        .and_then(|server| server.introspection_endpoint(&at(Endpoint::Introspection)))
        .and_then(|server| server.revocation_endpoint(&at(Endpoint::Revocation)))
        .and_then(|server| server.device_authorization_endpoint(&at(Endpoint::DeviceAuthorization)))
        .and_then(|server| server.backchannel_authentication_endpoint(&at(Endpoint::BackchannelAuthentication)))
        .unwrap();
    let post = server.client("app").secret_post(SECRET).unwrap();
    let basic = server.client("app").secret_basic(SECRET).unwrap();
    let public = server.client("device").public().unwrap();
    let with_secret = |client: grantflow::ConfidentialClient, auth| Identity {
        client: (&client).into(),
        confidential: Some(client),
        id: "app",
        auth,
    };
    [
        with_secret(post, ClientAuth::Post),
        with_secret(basic, ClientAuth::Basic),
        Identity { client: (&public).into(), confidential: None, id: "device", auth: ClientAuth::Public },
    ]
}
