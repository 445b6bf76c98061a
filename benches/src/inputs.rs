//! The inputs of both sides, committed beside the benchmark.

pub(crate) const AUTHORIZE_URL: &str = "https://api.trackmania.com/oauth/authorize";
pub(crate) const TOKEN_URL: &str = "https://api.trackmania.com/api/access_token";
pub(crate) const REDIRECT_URI: &str = "https://app.example.com/oauth/callback";
pub(crate) const CLIENT_ID: &str = "7f3a1c90d2b54e68";
pub(crate) const CLIENT_SECRET: &str = "b1946ac92492d2347c6235b4d2611184";
pub(crate) const SCOPES: [&str; 2] = ["read_favorite", "write_favorite"];
/// 32 octets each, and their base64url.
pub(crate) const STATE_OCTETS: [u8; 32] = [0x5a; 32];
pub(crate) const STATE: &str = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo";
pub(crate) const VERIFIER_OCTETS: [u8; 32] = [0xa7; 32];
pub(crate) const VERIFIER: &str = "p6enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6c";
pub(crate) const CODE: &str = include_str!("../inputs/code.txt");
pub(crate) const TOKEN_ANSWER: &[u8] = include_bytes!("../inputs/token.json");
pub(crate) const ERROR_ANSWER: &[u8] = include_bytes!("../inputs/error.json");
pub(crate) const REFRESH_TOKEN: &str = "def50200a7c1b94e63d28f05b7e19ac4d3f6820b5c9e71a4f8d2036be5c7910fa4";

/// The target of the request that the browser sends to the redirect URI.
pub(crate) fn callback_target() -> String {
    format!("/oauth/callback?code={CODE}&state={STATE}")
}
