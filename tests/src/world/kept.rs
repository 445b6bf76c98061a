//! The content of a store.

use grantflow_session::Value;

/// A record, read by an independent reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub generation: u64,
    /// How many requests may have been sent, by the mark.
    pub sent: u32,
    /// Since when, by the mark.
    pub since: Option<u64>,
    /// When the next request may be sent, if the grant is in doubt; `None` while one is in progress.
    pub next: Option<u64>,
    pub lost: bool,
    /// The key under which it was stored.
    pub key: Option<String>,
    pub access: String,
    pub refresh: Option<String>,
}

impl Kept {
    pub fn of(value: &Value) -> Self {
        Self::try_of(value).expect("a record")
    }

    pub fn try_of(value: &Value) -> Option<Self> {
        let text = std::str::from_utf8(value.expose_secret()).ok()?;
        let json: serde_json::Value = serde_json::from_str(text.split_once('\n')?.1).ok()?;
        let tokens = &json["tokens"];
        Some(Self {
            generation: json["generation"].as_u64()?,
            sent: json["begun"]["sent"].as_u64().unwrap_or(0) as u32,
            since: json["begun"]["since"].as_u64().or_else(|| json["begun"]["at"].as_u64()),
            next: json["begun"]["next"].as_u64(),
            lost: json["lost"].is_string(),
            key: json["key"].as_str().map(str::to_owned),
            access: find(tokens, "access_token")?,
            refresh: find(tokens, "refresh_token"),
        })
    }
}

/// The first text under `name`, at any depth.
fn find(json: &serde_json::Value, name: &str) -> Option<String> {
    match json {
        serde_json::Value::Object(members) => {
            let own = members.get(name).and_then(|value| value.as_str()).map(str::to_owned);
            own.or_else(|| members.values().find_map(|value| find(value, name)))
        }
        serde_json::Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}
