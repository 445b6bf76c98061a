//! What the API says about the person.

use grantflow_session::Session;
use grantflow_session::authorize::reqwest::{Authorized, Error as ApiError};
use serde::Deserialize;

/// What the API says about the token's owner.
#[derive(Deserialize, Default)]
pub(crate) struct Me {
    pub(crate) name: String,
    pub(crate) scope: String,
}

/// Asks the API. The session gives a fresh token, and another one if the API refuses the first.
pub(crate) async fn who_am_i(api: &reqwest::Client, url: &str, session: &Session) -> Result<Me, ApiError> {
    let request = api.get(url).build().map_err(ApiError::Transport)?;
    let answer = Authorized::new(api.clone(), session.clone()).execute(request).await?;
    let body = answer.error_for_status().map_err(ApiError::Transport)?.bytes().await.map_err(ApiError::Transport)?;
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}
