//! Shops, payments and bookkeeping.

use grantflow::{Message, Quirk, Server};

use crate::error::Error;
use crate::input::{Input, Kind};
use crate::preset::{Authentication, Evidence, Pkce, Preset};

/// The presets of this file.
pub(crate) const ALL: &[Preset] =
    &[PAYPAL, STRIPE_CONNECT, SQUARE, SHOPIFY, EBAY, AMAZON_SELLING_PARTNER, CLOVER, QUICKBOOKS, XERO, MONZO, ZETTLE];

/// PayPal. [`PAYPAL`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn paypal() -> Result<Server, Error> {
    PAYPAL.server(&[])
}

/// The data of [`paypal()`].
pub const PAYPAL: Preset = Preset {
    id: "paypal",
    name: "PayPal",
    documentation: "https://developer.paypal.com/api/rest/authentication/",
    error: Evidence::Recorded,
    authorization: Some("https://www.paypal.com/signin/authorize"),
    token: "https://api-m.paypal.com/v1/oauth2/token",
    authentication: &[Authentication::SecretBasic],
    api: &["https://api-m.paypal.com"],
    notes: &["The sandbox is another server: www.sandbox.paypal.com and api-m.sandbox.paypal.com."],
    ..Preset::STANDARD
};

/// Stripe Connect, for platforms. The client secret is the secret API key of the platform. [`STRIPE_CONNECT`] has its data
/// and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn stripe_connect() -> Result<Server, Error> {
    STRIPE_CONNECT.server(&[])
}

/// The data of [`stripe_connect()`].
pub const STRIPE_CONNECT: Preset = Preset {
    id: "stripe_connect",
    name: "Stripe Connect",
    documentation: "https://docs.stripe.com/connect/oauth-reference",
    authorization: Some("https://connect.stripe.com/oauth/authorize"),
    token: "https://connect.stripe.com/oauth/token",
    api: &["https://api.stripe.com"],
    notes: &["Its way of revoking is not that of RFC 7009."],
    ..Preset::STANDARD
};

/// Square. [`SQUARE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn square() -> Result<Server, Error> {
    SQUARE.server(&[])
}

/// The data of [`square()`].
pub const SQUARE: Preset = Preset {
    id: "square",
    name: "Square",
    documentation: "https://developer.squareup.com/docs/oauth-api/overview",
    error: Evidence::Recorded,
    authorization: Some("https://connect.squareup.com/oauth2/authorize"),
    token: "https://connect.squareup.com/oauth2/token",
    authentication: &[Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::JsonRequestBody, Quirk::error_path("type", None)],
    api: &["https://connect.squareup.com"],
    notes: &[
        "The expiry is a date, expires_at, and stays an extra member: Tokens::extra.",
        "Its way of revoking is not that of RFC 7009.",
    ],
    ..Preset::STANDARD
};

/// Shopify, by the name of a shop: the part before `.myshopify.com`. [`SHOPIFY`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn shopify(shop: &str) -> Result<Server, Error> {
    SHOPIFY.server(&[shop])
}

/// The data of [`shopify()`].
pub const SHOPIFY: Preset = Preset {
    id: "shopify",
    name: "Shopify",
    documentation: "https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant",
    error: Evidence::Recorded,
    inputs: &[Input::new("shop", Kind::Label, "my-shop")],
    authorization: Some("https://{shop}.myshopify.com/admin/oauth/authorize"),
    token: "https://{shop}.myshopify.com/admin/oauth/access_token",
    quirks: || vec![Quirk::MissingTokenType, Quirk::ScopeSeparator(',')],
    api: &["https://{shop}.myshopify.com"],
    notes: &["The callback has an hmac: Shopify demands that the program checks it."],
    ..Preset::STANDARD
};

/// eBay, for grants without a person, and for refresh tokens from elsewhere. [`EBAY`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn ebay() -> Result<Server, Error> {
    EBAY.server(&[])
}

/// The data of [`ebay()`].
pub const EBAY: Preset = Preset {
    id: "ebay",
    name: "eBay",
    documentation: "https://developer.ebay.com/api-docs/static/oauth-client-credentials-grant.html",
    token: "https://api.ebay.com/identity/v1/oauth2/token",
    authentication: &[Authentication::SecretBasic],
    quirks: || {
        vec![Quirk::TokenType("User Access Token".to_owned()), Quirk::TokenType("Application Access Token".to_owned())]
    },
    api: &["https://api.ebay.com"],
    notes: &["A login of a person is not possible here: the redirect_uri of eBay is a name (RuName) and no URI."],
    ..Preset::STANDARD
};

/// Amazon Selling Partner, by the application id, which is not the client id. [`AMAZON_SELLING_PARTNER`] has its data and
/// its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn amazon_selling_partner(application_id: &str) -> Result<Server, Error> {
    AMAZON_SELLING_PARTNER.server(&[application_id])
}

/// The data of [`amazon_selling_partner()`].
pub const AMAZON_SELLING_PARTNER: Preset = Preset {
    id: "amazon_selling_partner",
    name: "Amazon Selling Partner",
    documentation: "https://developer-docs.amazon.com/sp-api/docs/website-authorization-workflow",
    inputs: &[Input::new("application_id", Kind::Segment, "amzn1.sp.solution.0123abcd")],
    authorization: Some("https://sellercentral.amazon.com/apps/authorize/consent"),
    authorization_query: Some("application_id={application_id}"),
    token: "https://api.amazon.com/auth/o2/token",
    quirks: || vec![Quirk::renamed(Message::Callback, "code", "spapi_oauth_code")],
    api: &[
        "https://sellingpartnerapi-na.amazon.com",
        "https://sellingpartnerapi-eu.amazon.com",
        "https://sellingpartnerapi-fe.amazon.com",
    ],
    notes: &[
        "The login is at the Seller Central of North America. Each region has its own.",
        "Its API takes the token in the header x-amz-access-token.",
    ],
    ..Preset::STANDARD
};

/// Clover in North America. [`CLOVER`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn clover() -> Result<Server, Error> {
    CLOVER.server(&[])
}

/// The data of [`clover()`].
pub const CLOVER: Preset = Preset {
    id: "clover",
    name: "Clover",
    documentation: "https://docs.clover.com/dev/docs/generate-oauth-expiring-access-and-refresh-token",
    error: Evidence::Unknown,
    authorization: Some("https://www.clover.com/oauth/v2/authorize"),
    token: "https://api.clover.com/oauth/v2/token",
    quirks: || {
        vec![
            Quirk::JsonRequestBody,
            Quirk::MissingTokenType,
            Quirk::RefreshEndpoint("https://api.clover.com/oauth/v2/refresh".to_owned()),
        ]
    },
    api: &["https://api.clover.com"],
    notes: &["The expiry is a date, access_token_expiration, and stays an extra member: Tokens::extra."],
    ..Preset::STANDARD
};

/// QuickBooks. [`QUICKBOOKS`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn quickbooks() -> Result<Server, Error> {
    QUICKBOOKS.server(&[])
}

/// The data of [`quickbooks()`].
pub const QUICKBOOKS: Preset = Preset {
    id: "quickbooks",
    name: "QuickBooks",
    documentation: "https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0",
    issuer: Some("https://oauth.platform.intuit.com/op/v1"),
    authorization: Some("https://appcenter.intuit.com/connect/oauth2"),
    token: "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    revocation: Some("https://developer.api.intuit.com/v2/oauth2/tokens/revoke"),
    authentication: &[Authentication::SecretBasic],
    api: &["https://quickbooks.api.intuit.com"],
    notes: &["The callback has the company, as realmId: read it from the request before the callback is received."],
    ..Preset::STANDARD
};

/// Xero. [`XERO`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn xero() -> Result<Server, Error> {
    XERO.server(&[])
}

/// The data of [`xero()`].
pub const XERO: Preset = Preset {
    id: "xero",
    name: "Xero",
    documentation: "https://developer.xero.com/documentation/guides/oauth2/auth-flow",
    answer: Evidence::Unknown,
    error: Evidence::Unknown,
    issuer: Some("https://identity.xero.com"),
    authorization: Some("https://login.xero.com/identity/connect/authorize"),
    token: "https://identity.xero.com/connect/token",
    revocation: Some("https://identity.xero.com/connect/revocation"),
    authentication: &[Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://api.xero.com"],
    notes: &["A refresh token needs the scope offline_access."],
    ..Preset::STANDARD
};

/// Monzo. [`MONZO`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn monzo() -> Result<Server, Error> {
    MONZO.server(&[])
}

/// The data of [`monzo()`].
pub const MONZO: Preset = Preset {
    id: "monzo",
    name: "Monzo",
    documentation: "https://docs.monzo.com/#acquire-an-access-token",
    error: Evidence::Unknown,
    authorization: Some("https://auth.monzo.com/"),
    token: "https://api.monzo.com/oauth2/token",
    api: &["https://api.monzo.com"],
    notes: &["Its way of revoking is not that of RFC 7009."],
    ..Preset::STANDARD
};

/// Zettle. [`ZETTLE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn zettle() -> Result<Server, Error> {
    ZETTLE.server(&[])
}

/// The data of [`zettle()`].
pub const ZETTLE: Preset = Preset {
    id: "zettle",
    name: "Zettle",
    documentation: "https://github.com/iZettle/api-documentation/blob/master/authorization.md",
    authorization: Some("https://oauth.zettle.com/authorize"),
    token: "https://oauth.zettle.com/token",
    quirks: || vec![Quirk::MissingTokenType],
    api: &["https://oauth.zettle.com"],
    notes: &["Each of its APIs has an origin: add it with Server::token_for."],
    ..Preset::STANDARD
};
