//! Doors that lower a guard: each is closed by default, and opens only what its name says.

use grantflow::{
    Authorization, AuthorizeFault, Error, Message, Misuse, PendingCallback, PlainHttp, PublicClient, Quirk,
    RedirectUri, Server, StoredFault, Tokens, UrlFault,
};
use http::Request;

use crate::support::*;

fn is_quirk_error<T>(result: Result<T, Error>) -> bool {
    match result.err().expect("it was taken") {
        Error::Misuse(Misuse::Quirk(_)) => true,
        other => panic!("{other}"),
    }
}

fn fault<T>(result: Result<T, Error>) -> UrlFault {
    match result.err().expect("it was taken") {
        Error::Misuse(Misuse::Url { fault, .. }) => fault,
        other => panic!("{other}"),
    }
}

fn server() -> Server {
    Server::new("https://as.example/authorize", "https://as.example/token").unwrap()
}

mod refuses_pkce {
    use super::*;

    fn world() -> World {
        World::with(|server| server.quirk(Quirk::RefusesPkce).unwrap())
    }

    #[test]
    fn neither_request_names_pkce_and_state_stays() {
        let mut world = world();
        let (pending, url) = world.pending();
        let names: Vec<String> = pairs(&url).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["response_type", "client_id", "redirect_uri", "scope", "state"]);
        let state = parameter(&url, "state");
        assert_eq!(state.len(), 43);
        let wrong = pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={}", state.to_lowercase()));
        let grantflow::Callback::Unrelated { pending, .. } = wrong else { panic!("{wrong:?}") };
        let exchange = granted(pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}")));
        let sent = body(&world.request(&exchange));
        let names: Vec<String> = pairs(&sent).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["grant_type", "code", "redirect_uri", "client_id", "client_secret"]);
    }

    #[test]
    fn there_is_no_client_without_a_secret() {
        let server = server().quirk(Quirk::RefusesPkce).unwrap();
        assert!(is_quirk_error(server.client(ID).public()));
        assert!(is_quirk_error(server.client(ID).empty_secret_basic()));
        assert!(server.client(ID).secret_post(SECRET).is_ok() && server.client(ID).secret_basic(SECRET).is_ok());
    }

    #[test]
    fn a_redirect_uri_on_the_persons_machine_is_refused() {
        let server = server().quirk(Quirk::RefusesPkce).unwrap();
        let client = server.client(ID).secret_post(SECRET).unwrap();
        for local in [
            "http://127.0.0.1:7777/cb",
            "http://[::1]/cb",
            "http://localhost/cb",
            "https://localhost/cb",
            "https://127.1.2.3/cb",
            "http://app.LOCALHOST/cb",
            "com.example.app:/cb",
        ] {
            assert!(is_quirk_error(Authorization::new(&client, local)), "{local}");
        }
        let vscode = RedirectUri::with_undotted_scheme("vscode://publisher.extension/cb").unwrap();
        assert!(is_quirk_error(Authorization::new(&client, &vscode)));
        assert!(Authorization::new(&client, REDIRECT_URI).is_ok());
    }

    #[test]
    fn the_names_stay_reserved() {
        let world = world();
        for name in ["code_challenge", "code_challenge_method"] {
            assert!(
                matches!(world.authorization().param(name, "x").unwrap_err(), Error::Misuse(Misuse::ReservedParameter)),
                "{name}"
            );
        }
        let client = &world.client;
        let exchange = {
            let mut rng = Dice(3);
            let mut env = grantflow::Env::new(NOW, &mut rng);
            let start = Authorization::new(client, REDIRECT_URI).unwrap().start(&mut env).unwrap();
            let state = parameter(start.url.as_str(), "state");
            granted(start.pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}")))
        };
        assert!(exchange.param("code_verifier", "x").is_err());
    }

    #[test]
    fn what_is_stored_comes_back_without_pkce_and_only_where_the_server_refuses_it() {
        let mut world = world();
        let (pending, url) = world.pending();
        let stored = serde_json::to_string(&pending.into_stored()).unwrap();
        let restored = PendingCallback::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
        let state = parameter(&url, "state");
        let exchange = granted(restored.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}")));
        assert!(!body(&world.request(&exchange)).contains("code_verifier"));

        // The same client without the quirk: the pending grant has no verifier, so it is refused.
        let strict = World::new();
        let refused = PendingCallback::from_stored(serde_json::from_str(&stored).unwrap(), &strict.client);
        assert!(matches!(refused.unwrap_err(), Error::Misuse(Misuse::Stored(StoredFault::OtherClient))));
        // A release that does not know the quirk says "another version", and not "damaged".
        assert_eq!(serde_json::from_str::<serde_json::Value>(&stored).unwrap()["v"], 2);
    }

    #[test]
    fn a_login_that_was_started_with_pkce_ends_with_it() {
        let mut strict = World::new();
        let (pending, state) = strict.waiting();
        let stored = serde_json::to_value(pending.into_stored()).unwrap();
        assert_eq!(stored["v"], 1);
        let verifier = stored["verifier"].as_str().unwrap().to_owned();
        // The quirk was added while the person was away.
        let world = world();
        let pending = PendingCallback::from_stored(serde_json::from_value(stored).unwrap(), &world.client).unwrap();
        let exchange = granted(pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}")));
        assert_eq!(parameter(&body(&strict.request(&exchange)), "code_verifier"), verifier);
    }

    #[test]
    fn no_other_quirk_switches_pkce_state_or_iss_off() {
        for (on, name) in [
            (Message::AuthorizationRequest, "code_challenge"),
            (Message::AuthorizationRequest, "code_challenge_method"),
            (Message::TokenRequest, "code_verifier"),
            (Message::Callback, "iss"),
            (Message::Callback, "error"),
            (Message::TokenAnswer, "error"),
        ] {
            assert!(is_quirk_error(server().quirk(Quirk::renamed(on, name, "nonsense"))), "{name}");
        }
        // Another parameter cannot take the name of one of them either.
        for (on, from, to) in [
            (Message::AuthorizationRequest, "state", "code_challenge"),
            (Message::TokenRequest, "code", "code_verifier"),
            (Message::Callback, "code", "iss"),
            (Message::Callback, "error_description", "error"),
            (Message::TokenAnswer, "scope", "error"),
        ] {
            assert!(is_quirk_error(server().quirk(Quirk::renamed(on, from, to))), "{from} as {to}");
        }
    }
}

mod schemes_without_a_dot {
    use super::*;

    #[test]
    fn they_need_the_door_and_the_callback_is_received_by_it() {
        for uri in ["vscode://publisher.extension/cb", "cursor://x/cb", "msal0f6c2b1e://auth", "VSCode://x/cb"] {
            assert_eq!(fault(RedirectUri::new(uri)), UrlFault::Scheme, "{uri}");
            let redirect = RedirectUri::with_undotted_scheme(uri).unwrap();
            let mut world = World::new();
            let client = world.client.clone();
            let start = world.start(&Authorization::new(&client, &redirect).unwrap());
            assert_eq!(parameter(start.url.as_str(), "redirect_uri"), uri);
            assert!(!parameter(start.url.as_str(), "code_challenge").is_empty(), "PKCE is what protects the code");
            // It survives a store, and the door is not needed again.
            let stored = serde_json::to_string(&start.pending.into_stored()).unwrap();
            let pending = PendingCallback::from_stored(serde_json::from_str(&stored).unwrap(), &client).unwrap();
            let state = parameter(start.url.as_str(), "state");
            let back = uri.replace("VSCode", "vscode");
            let _ = granted(pending.receive_url(&format!("{back}?code=a&state={state}")));
        }
    }

    #[test]
    fn schemes_that_a_browser_or_a_system_acts_on_never_pass() {
        for scheme in [
            "javascript",
            "data",
            "file",
            "blob",
            "about",
            "ws",
            "wss",
            "ftp",
            "vbscript",
            "view-source",
            "intent",
            "chrome",
            "resource",
            "filesystem",
            "jar",
            "mailto",
            "tel",
            "ssh",
            "ms-msdt",
            "search-ms",
            "urn",
        ] {
            for text in [
                format!("{scheme}:x"),
                format!("{scheme}:/x"),
                format!("{scheme}://x/cb"),
                format!("{}://x/cb", scheme.to_uppercase()),
                format!("{}{}://x/cb", scheme[..1].to_uppercase(), &scheme[1..]),
            ] {
                assert_eq!(fault(RedirectUri::with_undotted_scheme(&text)), UrlFault::Scheme, "{text}");
                assert_eq!(fault(RedirectUri::new(&text)), UrlFault::Scheme, "{text}");
            }
        }
        for text in ["http://app.example/cb", "HTTP://app.example/cb"] {
            assert_eq!(fault(RedirectUri::with_undotted_scheme(text)), UrlFault::Insecure, "{text}");
        }
        for text in ["", "cb", "/cb", "//x/cb", "java\nscript://x", " javascript://x", "java%73cript://x"] {
            assert!(RedirectUri::with_undotted_scheme(text).is_err(), "{text:?}");
        }
    }
}

mod plain_http {
    use super::*;

    const ENDPOINT: &str = "http://auth:8080/token";

    fn network() -> PlainHttp {
        PlainHttp::to("http://auth:8080").unwrap().and_to("http://api:3000").unwrap()
    }

    #[test]
    fn it_is_closed_without_the_door_and_opens_one_host_and_port() {
        assert_eq!(fault(Server::with_token_endpoint(ENDPOINT)), UrlFault::Insecure);
        assert!(network().server("http://auth:8080/authorize", ENDPOINT).is_ok());
        assert!(network().server("https://login.example/authorize", "HTTP://AUTH:08080/token").is_ok());
        for other in [
            "http://auth/token",
            "http://auth:80/token",
            "http://auth:8081/token",
            "http://auth.evil.example:8080/token",
            "http://xauth:8080/token",
            "http://auth.:8080/token",
            "http://other:8080/token",
        ] {
            assert_eq!(fault(network().server_with_token_endpoint(other)), UrlFault::Insecure, "{other}");
            assert_eq!(fault(network().server(other, "https://as.example/token")), UrlFault::Insecure, "{other}");
        }
        assert!(network().server_with_token_endpoint("http://u@auth:8080/token").is_err());
        for not_an_origin in ["https://auth", "auth:8080", "http://auth:8080/x", "http://*:8080", "http://auth:0", ""] {
            assert!(PlainHttp::to(not_an_origin).is_err(), "{not_an_origin}");
        }
    }

    #[test]
    fn issuer_and_redirect_uri_stay_closed() {
        let server = network().server("http://auth:8080/authorize", ENDPOINT).unwrap();
        assert_eq!(fault(server.clone().issuer("http://auth:8080")), UrlFault::Insecure);
        assert_eq!(fault(server.clone().issuer_always_sent("http://auth:8080")), UrlFault::Insecure);
        let client = server.client(ID).secret_post(SECRET).unwrap();
        assert_eq!(fault(Authorization::new(&client, "http://auth:8080/cb")), UrlFault::Insecure);
        assert!(server.issuer("https://login.example").is_ok());
    }

    #[test]
    fn a_token_goes_over_plain_http_to_these_hosts_only() {
        let server = network().server_with_token_endpoint(ENDPOINT).unwrap();
        let authorize = |server: &Server, uri: &str| {
            let client = server.client(ID).secret_post(SECRET).unwrap();
            let tokens = Tokens::of_refresh_token(&client, "r").unwrap().access_token("a", None).unwrap().build();
            let mut request = Request::get(uri).body(()).unwrap();
            let result = tokens.bearer().unwrap().authorize(&mut request);
            assert_eq!(result.is_ok(), request.headers().contains_key("authorization"), "{uri}");
            match result {
                Ok(()) => None,
                Err(Error::Misuse(Misuse::Authorize(fault))) => Some(fault),
                Err(other) => panic!("{other}"),
            }
        };
        for open in ["http://auth:8080/x", "http://api:3000/", "http://API:3000/x", "https://elsewhere.example/"] {
            assert_eq!(authorize(&server, open), None, "{open}");
        }
        for closed in
            ["http://api/", "http://api:8080/", "http://auth:3000/", "http://evil.example/", "http://api.:3000/"]
        {
            assert_eq!(authorize(&server, closed), Some(AuthorizeFault::Insecure), "{closed}");
        }
        for broken in ["http://u@api:3000/", "http://u:p@api:3000/", "http://api:+3000/", "http://api:3000/%zz"] {
            if broken.parse::<http::Uri>().is_ok() {
                assert_eq!(authorize(&server, broken), Some(AuthorizeFault::NoOrigin), "{broken}");
            }
        }
        // A token that is bound to one of them goes to none of the others.
        let bound = server.clone().token_for("http://api:3000").unwrap();
        assert_eq!(authorize(&bound, "http://api:3000/x"), None);
        assert_eq!(authorize(&bound, "http://auth:8080/x"), Some(AuthorizeFault::OtherOrigin));
        assert_eq!(authorize(&bound, "https://api:3000/x"), Some(AuthorizeFault::OtherOrigin));
        assert_eq!(fault(server.token_for("http://other:3000")), UrlFault::Insecure);
        // The door belongs to this server, not to the program.
        let other = Server::with_token_endpoint("https://as.example/token").unwrap();
        assert_eq!(authorize(&other, "http://api:3000/x"), Some(AuthorizeFault::Insecure));
        assert_eq!(fault(other.token_for("http://api:3000")), UrlFault::Insecure);
    }
}

mod empty_secret {
    use super::*;

    #[test]
    fn an_empty_secret_is_refused_but_by_its_door_and_that_gives_a_public_client() {
        let server = server();
        assert!(matches!(server.client(ID).secret_basic("").unwrap_err(), Error::Misuse(Misuse::EmptyClientSecret)));
        assert!(matches!(server.client(ID).secret_post("").unwrap_err(), Error::Misuse(Misuse::EmptyClientSecret)));
        assert!(matches!(server.client("").empty_secret_basic().unwrap_err(), Error::Misuse(Misuse::EmptyClientId)));
        let client: PublicClient = server.client(ID).empty_secret_basic().unwrap();

        let mut world = World::new();
        let start = world.start(&Authorization::new(&client, REDIRECT_URI).unwrap());
        assert!(!parameter(start.url.as_str(), "code_challenge").is_empty());
        let state = parameter(start.url.as_str(), "state");
        let exchange = granted(start.pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}")));
        let request = world.request(&exchange);
        // The pair `my-id:`, in base64.
        assert_eq!(request.headers()["authorization"], "Basic bXktaWQ6");
        assert!(request.headers()["authorization"].is_sensitive());
        let names: Vec<String> = pairs(&body(&request)).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["grant_type", "code", "redirect_uri", "code_verifier"]);
    }
}

mod client_id_beside_basic {
    use super::*;

    fn names(server: &Server, make: impl Fn(&Server) -> grantflow::Client) -> Vec<String> {
        let tokens = Tokens::of_refresh_token(make(server), "r").unwrap().build();
        let request = World::new().request(&tokens.refresh().unwrap());
        pairs(&body(&request)).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_id_is_in_the_body_once_and_only_by_the_quirk() {
        let basic = |server: &Server| (&server.client(ID).secret_basic(SECRET).unwrap()).into();
        let post = |server: &Server| (&server.client(ID).secret_post(SECRET).unwrap()).into();
        let empty = |server: &Server| (&server.client(ID).empty_secret_basic().unwrap()).into();
        let public = |server: &Server| (&server.client(ID).public().unwrap()).into();
        let (plain, quirk) = (server(), server().quirk(Quirk::ClientIdBesideBasic).unwrap());
        assert_eq!(names(&plain, basic), ["grant_type", "refresh_token"]);
        assert_eq!(names(&quirk, basic), ["grant_type", "refresh_token", "client_id"]);
        assert_eq!(names(&plain, empty), ["grant_type", "refresh_token"]);
        assert_eq!(names(&quirk, empty), ["grant_type", "refresh_token", "client_id"]);
        // Without Basic, it changes nothing.
        assert_eq!(names(&quirk, post), names(&plain, post));
        assert_eq!(names(&quirk, public), names(&plain, public));
    }
}

/// A closed door is told from a mistake by its error: it says which door would open, or why none does.
#[test]
fn errors_of_closed_doors_say_what_to_do() {
    let shown = |error: Error| error.to_string();
    let refuses = server().quirk(Quirk::RefusesPkce).unwrap();
    assert!(shown(refuses.client(ID).public().unwrap_err()).contains("needs a secret"));
    let insecure = shown(Server::with_token_endpoint("http://auth:8080/token").unwrap_err());
    assert!(insecure.contains("https"), "{insecure}");
    let scheme = shown(RedirectUri::new("vscode://x/cb").unwrap_err());
    assert!(scheme.contains("scheme"), "{scheme}");
}
