//! What a client with a preset sends: to the provider's own endpoints, by the right method, with everything that is needed.

use grantflow::{Authorization, Error, Misuse, Quirk, Tokens};
use grantflow_providers::Authentication;

use crate::support::{REDIRECT_URI, client, has_login, login, parameter, request, servers, token_request};

#[test]
fn a_login_has_all_that_the_provider_needs() {
    let mut logins = 0;
    for (preset, server) in servers() {
        let Some(query) = preset.authorization.map(|_| preset.authorization_query) else {
            assert!(!has_login(&server), "{}", preset.id);
            continue;
        };
        let (url, exchange) = login(preset, &client(preset, &server), "one two");
        let url = url.to_string();
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = pair.split_once('=').unwrap();
            let value = preset
                .inputs
                .iter()
                .fold(value.to_owned(), |text, input| text.replace(&format!("{{{}}}", input.name), input.example));
            let value = value.as_str();
            assert_eq!(parameter(&url, name), Some(value), "{}: {url}", preset.id);
        }
        let refuses_pkce = (preset.quirks)().contains(&Quirk::RefusesPkce);
        assert_eq!(parameter(&url, "code_challenge").is_none(), refuses_pkce, "{}", preset.id);
        assert!(parameter(&url, "state").is_some(), "{}", preset.id);
        let separator = if (preset.quirks)().contains(&Quirk::ScopeSeparator(',')) { "%2C" } else { "+" };
        assert!(url.contains(&format!("scope=one{separator}two")), "{}: {url}", preset.id);

        let sent = request(&exchange);
        assert_eq!(sent.method(), "POST", "{}", preset.id);
        assert!(sent.uri().to_string().starts_with("https://"), "{}", preset.id);
        logins += 1;
    }
    assert!(logins >= 40, "{logins}");
}

#[test]
fn a_program_can_give_the_parameters_itself() {
    let google = grantflow_providers::GOOGLE;
    let server = google.server(&[]).unwrap();
    let client = server.client("my-id").secret_post("my-secret").unwrap();
    // The preset has it already: a second one would be sent twice.
    let twice = Authorization::new(&client, REDIRECT_URI).unwrap().param("access_type", "online");
    assert!(matches!(twice, Err(Error::Misuse(Misuse::DuplicateParameter))));

    let server = google.server_without_authorization_query(&[]).unwrap();
    let client = server.client("my-id").secret_post("my-secret").unwrap();
    let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().param("access_type", "online").unwrap();
    let mut dice = crate::support::Dice(1);
    let redirect = authorization.start(&mut grantflow::Env::new(crate::support::NOW, &mut dice)).unwrap();
    assert_eq!(parameter(redirect.url.as_str(), "access_type"), Some("online"));
}

#[test]
fn a_method_of_authentication_that_the_provider_does_not_take_is_refused() {
    for (preset, server) in servers() {
        let takes = |method| preset.authentication.contains(&method);
        let basic = server.client("my-id").secret_basic("my-secret");
        let post = server.client("my-id").secret_post("my-secret");
        assert_eq!(basic.is_ok(), takes(Authentication::SecretBasic), "{}", preset.id);
        assert_eq!(post.is_ok(), takes(Authentication::SecretPost), "{}", preset.id);
        for refused in [basic.err(), post.err()].into_iter().flatten() {
            assert!(matches!(refused, Error::Misuse(Misuse::AuthMethod(_))), "{}: {refused}", preset.id);
        }
    }
}

#[test]
fn the_secret_goes_where_the_provider_looks() {
    for (preset, server) in servers() {
        let sent = token_request(&client(preset, &server));
        let body = String::from_utf8(sent.body().as_ref().to_vec()).unwrap();
        let basic = preset.authentication[0] == Authentication::SecretBasic;
        assert_eq!(sent.headers().contains_key("authorization"), basic, "{}", preset.id);
        assert_eq!(body.contains("my-secret"), !basic, "{}: {body}", preset.id);
        let json = (preset.quirks)().contains(&Quirk::JsonRequestBody);
        assert_eq!(sent.headers()["content-type"] == "application/json", json, "{}", preset.id);
    }
}

/// A token with the preset's quirks, bound to the preset's origins.
fn tokens(preset: &grantflow_providers::Preset, server: &grantflow::Server) -> Tokens {
    let client = client(preset, server);
    Tokens::of_refresh_token(&client, "refresh").unwrap().access_token("token", None).unwrap().build()
}

#[test]
fn a_token_goes_to_the_api_and_to_nobody_else() {
    let mut bound = 0;
    for (preset, server) in servers() {
        let tokens = tokens(preset, &server);
        let bearer = tokens.bearer().unwrap();
        let attached = |url: &str| bearer.authorize(&mut http::Request::get(url).body(()).unwrap()).is_ok();
        for origin in preset.api {
            let origin = preset
                .inputs
                .iter()
                .fold((*origin).to_owned(), |text, input| text.replace(&format!("{{{}}}", input.name), input.example));
            assert!(attached(&format!("{origin}/some/path")), "{}: {origin}", preset.id);
            assert!(!attached(&format!("{}/", origin.replace("https://", "http://"))), "{}: {origin}", preset.id);
            assert!(!attached(&format!("{origin}.evil.example/")), "{}: {origin}", preset.id);
            bound += 1;
        }
        assert_eq!(attached("https://api.example/"), preset.api.is_empty(), "{}", preset.id);
    }
    assert!(bound >= 40, "{bound}");
}

/// The flows that a preset offers beside the login: their endpoints are there, and everything else has none.
#[test]
fn the_other_endpoints_are_those_of_the_data() {
    for (preset, server) in servers() {
        let client = client(preset, &server);
        assert_eq!(
            grantflow::DeviceRequest::new(&client).is_ok(),
            preset.device_authorization.is_some(),
            "{}",
            preset.id
        );
        assert_eq!(tokens(preset, &server).revoke().is_ok(), preset.revocation.is_some(), "{}", preset.id);
    }
}

#[test]
fn a_wechat_refresh_goes_to_its_own_endpoint() {
    let server = grantflow_providers::wechat().unwrap();
    let refresh = tokens(&grantflow_providers::WECHAT, &server).refresh().unwrap();
    assert_eq!(request(&refresh).uri().to_string(), "https://api.weixin.qq.com/sns/oauth2/refresh_token");
}

#[test]
fn weibo_documents_commas() {
    let server = grantflow_providers::weibo().unwrap();
    let (url, _) = login(&grantflow_providers::WEIBO, &client(&grantflow_providers::WEIBO, &server), "one two");
    assert!(url.to_string().contains("scope=one%2Ctwo"), "{url}");
}

#[test]
fn a_token_of_an_installation_stays_there() {
    let server = grantflow_providers::gitlab_self_managed("https://code.example/gitlab").unwrap();
    let tokens = tokens(&grantflow_providers::GITLAB_SELF_MANAGED, &server);
    let to = |url: &str| tokens.bearer().unwrap().authorize(&mut http::Request::get(url).body(()).unwrap()).is_ok();
    assert!(to("https://code.example/gitlab/api/v4/user"));
    assert!(!to("https://api.example/"));
}
