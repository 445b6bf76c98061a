//! The person of this demo, and their browser.

use std::thread::{self, JoinHandle};

use grantflow::Body;
use grantflow_ureq::Agent;
use http::{Request, Response};

/// Goes to the provider, back to the program, and to its last page.
pub(crate) fn set_out(agent: &Agent, url: &str) -> JoinHandle<Result<(), String>> {
    let (agent, url) = (agent.clone(), url.to_owned());
    thread::spawn(move || {
        let callback = location(&get(&agent, &url)?)?;
        let done = location(&get(&agent, &callback)?)?;
        let origin = callback.split("/callback").next().unwrap_or_default();
        let page = get(&agent, &format!("{origin}{done}"))?;
        if page.status().is_success() { Ok(()) } else { Err(format!("the last page is a {}", page.status())) }
    })
}

fn get(agent: &Agent, url: &str) -> Result<Response<Body>, String> {
    let request = Request::get(url).body(Body::default()).map_err(|error| error.to_string())?;
    grantflow_ureq::send(agent, request).map_err(|unanswered| unanswered.error.to_string())
}

/// Where an answer sends the browser.
fn location(answer: &Response<Body>) -> Result<String, String> {
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
    location.map(str::to_owned).ok_or_else(|| format!("the browser is sent nowhere by a {}", answer.status()))
}
