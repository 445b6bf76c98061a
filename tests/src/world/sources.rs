//! Sources of sessions, which count how often they are asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use grantflow::{AnyExchange, Client, CodeExchange, DeviceRequest, Env, Exchange};
use grantflow_session::{Outside as _, Session, Source};
use grantflow_testkit::Endpoint;

use super::{AsStore, ID, SECRET, World};

/// Counts. Clones are one count.
#[derive(Clone, Default)]
pub struct Asked(Arc<AtomicUsize>);

impl Asked {
    pub fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub fn again(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl World {
    /// A session with this source.
    pub fn fed(&self, store: &impl AsStore, source: impl Source + 'static) -> Session {
        self.session(store).source(source)
    }

    /// Each exchange is a new authorization code, which can be used once, like an assertion.
    pub fn codes(&self, asked: &Asked) -> impl Source + use<> {
        let (world, asked) = (self.clone(), asked.clone());
        move |_: &mut Env<'_>| {
            asked.again();
            Ok(AnyExchange::new(world.code(&world.client())))
        }
    }

    /// One code. The source has no other.
    pub fn one_code(&self, asked: &Asked) -> impl Source + use<> {
        let (code, asked) = (std::sync::Mutex::new(Some(self.code(&self.client()))), asked.clone());
        move |_: &mut Env<'_>| {
            asked.again();
            let code: Option<CodeExchange> = code.lock().unwrap().take();
            Ok(AnyExchange::new(code.ok_or("the code is used up")?))
        }
    }

    /// Each exchange is a login on a device, from its begin on.
    pub fn devices(&self, asked: &Asked) -> impl Source + use<> {
        let (client, asked) = (self.device_client(), asked.clone());
        move |_: &mut Env<'_>| {
            asked.again();
            let request = DeviceRequest::new(&client)?.scope("read write")?;
            Ok(AnyExchange::new(request.then(|grant, _| Ok(grant))))
        }
    }

    pub fn device_client(&self) -> Client {
        let url = self.server(|server| server.endpoint_url(Endpoint::DeviceAuthorization));
        let server = Client::from(&self.client()).server().clone().device_authorization_endpoint(&url).unwrap();
        Client::from(&server.client(ID).secret_post(SECRET).unwrap())
    }

    /// The person agrees to every login on a device that waits.
    pub fn approve_devices(&self) -> usize {
        self.server(|server| {
            let codes = server.pending_user_codes();
            codes.iter().filter(|code| server.approve(code)).count()
        })
    }

    /// How many polls the server has seen.
    pub fn polls(&self) -> usize {
        self.server(|server| server.hits("urn:ietf:params:oauth:grant-type:device_code").count())
    }

    /// The codes that the server has seen at its token endpoint.
    pub fn codes_seen(&self) -> Vec<String> {
        self.server(|server| {
            let hits = server.hits("authorization_code");
            hits.filter_map(|hit| hit.parameter("code").map(str::to_owned)).collect()
        })
    }

    /// Until now, in seconds.
    pub fn seconds(&self) -> u64 {
        self.now().as_secs()
    }
}
