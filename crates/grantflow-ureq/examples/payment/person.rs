//! The person of this demo, and their browser: they open the provider's page, and the page posts a form to the listener.

use std::thread::{self, JoinHandle};

use grantflow::Body;
use grantflow_ureq::Agent;
use http::{Request, Response};

/// Opens the provider's page, and does what it says.
pub(crate) fn set_out(agent: &Agent, url: &str) -> JoinHandle<Result<(), String>> {
    let (agent, url) = (agent.clone(), url.to_owned());
    thread::spawn(move || {
        let page = send(&agent, Request::get(url).body(Body::default()))?;
        let html = String::from_utf8_lossy(page.body().as_ref()).into_owned();
        let action = attribute(&html, "action").ok_or("the provider's page has no form")?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        for input in html.split("<input").skip(1) {
            let pair = attribute(input, "name").zip(attribute(input, "value"));
            let (name, value) = pair.ok_or("the form has a field without a name or a value")?;
            form.append_pair(&name, &value);
        }
        let post = Request::post(&action).header("content-type", "application/x-www-form-urlencoded");
        let answer = send(&agent, post.body(Body::from(form.finish().into_bytes())))?;
        let done = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let done = done.ok_or_else(|| format!("the listener answered {}", answer.status()))?;
        let origin = action.trim_end_matches("/callback");
        let last = send(&agent, Request::get(format!("{origin}{done}")).body(Body::default()))?;
        if last.status().is_success() { Ok(()) } else { Err(format!("the last page is a {}", last.status())) }
    })
}

fn send(agent: &Agent, request: http::Result<Request<Body>>) -> Result<Response<Body>, String> {
    let request = request.map_err(|error| error.to_string())?;
    grantflow_ureq::send(agent, request).map_err(|unanswered| unanswered.error.to_string())
}

/// The value of the first attribute of this name, as a browser reads it.
fn attribute(html: &str, name: &str) -> Option<String> {
    let value = html.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
    let value = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    Some(value.replace("&amp;", "&"))
}
