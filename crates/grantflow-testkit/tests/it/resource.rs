use grantflow_testkit::Misbehaviour as M;

use super::*;

fn get(server: &mut Server, query: &str, authorization: &[&str]) -> Response<Vec<u8>> {
    let mut request = Request::get(format!("{}{query}", server.resource_url()));
    for value in authorization {
        request = request.header("authorization", *value);
    }
    server.handle(&request.body("").unwrap())
}

#[test]
fn tells_whose_token_it_is() {
    let mut server = server();
    server.knobs().user = "grace \"h\"".to_owned();
    let token = text(&login(&mut server), "access_token");
    let (status, body) = read(&get(&mut server, "", &[&format!("bearer {token}")]));
    assert_eq!(status, 200);
    assert_eq!(body["name"], "grace \"h\"");
    assert_eq!(body["scope"], "read write");

    let token = text(&post(&mut server, &service_pairs()).1, "access_token");
    let (_, body) = read(&get(&mut server, "", &[&format!("Bearer {token}")]));
    assert_eq!(body["name"], "service");
}

#[test]
fn refuses_all_else() {
    let mut server = server();
    let token = text(&login(&mut server), "access_token");
    let bearer = format!("Bearer {token}");
    let in_query = format!("?access_token={token}");
    for (query, authorization, challenge) in [
        ("", vec![], "Bearer"),
        (in_query.as_str(), vec![], "Bearer"),
        ("", vec!["Basic YTpi"], "Bearer"),
        ("", vec![bearer.as_str(), bearer.as_str()], "Bearer"),
        ("", vec!["Bearer made-up"], "Bearer error=\"invalid_token\""),
    ] {
        let response = get(&mut server, query, &authorization);
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], challenge);
    }
    server.advance(3599);
    assert_eq!(get_user(&mut server, &token), 200);
    server.advance(1);
    let expired = get(&mut server, "", &[&bearer]);
    assert_eq!(expired.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    server.set_now(Server::START);
    assert_eq!(get_user(&mut server, &token), 200);
}

/// The status and the challenge for this token.
fn challenge(server: &mut Server, token: &str) -> (u16, String) {
    let authorization = format!("Bearer {token}");
    let authorization = [authorization.as_str()];
    let response = get(server, "", if token.is_empty() { &[] } else { &authorization });
    let challenge = response.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap());
    (response.status().as_u16(), challenge.to_owned())
}

/// The access token of a login with these parameters more.
fn token(server: &mut Server, changes: &[(&str, &str)]) -> String {
    let url = authorize_url(server, changes);
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    text(&redeem(server, &code).1, "access_token")
}

#[test]
fn demands_a_scope() {
    let mut server = server();
    server.knobs().required_scope = Some("read write".to_owned());
    assert_eq!(challenge(&mut server, ""), (401, "Bearer scope=\"read write\"".to_owned()));
    let invalid = "Bearer error=\"invalid_token\", scope=\"read write\"".to_owned();
    assert_eq!(challenge(&mut server, "made-up"), (401, invalid));
    let less = token(&mut server, &[("scope", "read")]);
    let insufficient = "Bearer error=\"insufficient_scope\", scope=\"read write\"".to_owned();
    assert_eq!(challenge(&mut server, &less), (403, insufficient));
    let hit = server.log().last().unwrap();
    assert_eq!((hit.refused.as_deref(), hit.acted), (Some("insufficient_scope"), false));
    let enough = token(&mut server, &[("scope", "write read")]);
    assert_eq!(get_user(&mut server, &enough), 200);
}

#[test]
fn names_its_metadata() {
    let mut server = Server::new("https://as.example/tenant");
    server.register(Client::public("app").redirect_uri(CALLBACK).scope("read write"));
    server.knobs().challenge_names_metadata = true;
    let url = "https://as.example/.well-known/oauth-protected-resource/tenant/api/user";
    assert_eq!(challenge(&mut server, ""), (401, format!("Bearer resource_metadata=\"{url}\"")));
    let invalid = format!("Bearer error=\"invalid_token\", resource_metadata=\"{url}\"");
    assert_eq!(challenge(&mut server, "made-up"), (401, invalid));
    server.knobs().required_scope = Some("admin".to_owned());
    let token = token(&mut server, &[]);
    let insufficient = format!("Bearer error=\"insufficient_scope\", scope=\"admin\", resource_metadata=\"{url}\"");
    assert_eq!(challenge(&mut server, &token), (403, insufficient));
    server.knobs().required_scope = Some("a\"b\\c".to_owned());
    server.knobs().challenge_names_metadata = false;
    assert_eq!(challenge(&mut server, ""), (401, r#"Bearer scope="a\"b\\c""#.to_owned()));
}

#[test]
fn demands_a_way_to_log_in() {
    let mut server = server();
    server.knobs().required_acr_values = vec!["gold".to_owned(), "silver".to_owned()];
    let refused = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold silver\"";
    for (asked, good) in
        [("", false), ("bronze", false), ("bronze gold", false), ("silver", true), ("gold bronze", true)]
    {
        let token = token(&mut server, &[("acr_values", asked)]);
        let expected = if good { (200, String::new()) } else { (401, refused.to_owned()) };
        assert_eq!(challenge(&mut server, &token), expected, "{asked}");
    }
    // Of what was asked for, the first that the server can meet.
    server.knobs().acr_values_supported = vec!["silver".to_owned(), "bronze".to_owned()];
    let metadata = read(&super::get(&mut server, Endpoint::ServerMetadata)).1;
    assert_eq!(metadata["acr_values_supported"], serde_json::json!(["silver", "bronze"]));
    let silver = token(&mut server, &[("acr_values", "gold silver bronze")]);
    assert_eq!(get_user(&mut server, &silver), 200);
    let url = authorize_url(&server, &[("acr_values", "gold")]);
    let callback = server.visit(&url).unwrap();
    assert_eq!(callback.parameter("error").as_deref(), Some("unmet_authentication_requirements"));
    // A client on its own behalf never logged in.
    let own = text(&post(&mut server, &service_pairs()).1, "access_token");
    assert_eq!(challenge(&mut server, &own), (401, refused.to_owned()));
}

#[test]
fn demands_a_login_not_long_ago() {
    let mut server = server();
    server.knobs().required_max_age = Some(60);
    let refused = "Bearer error=\"insufficient_user_authentication\", max_age=\"60\"".to_owned();
    let first = token(&mut server, &[]);
    server.advance(60);
    assert_eq!(get_user(&mut server, &first), 200);
    server.advance(1);
    assert_eq!(challenge(&mut server, &first), (401, refused.clone()));

    // The person's earlier login counts until the client demands another.
    server.knobs().logged_in_at = Some(server.now() - 61);
    for (changes, good) in [
        (("max_age", ""), false),
        (("max_age", "61"), false),
        (("max_age", "60"), true),
        (("max_age", "0"), true),
        (("prompt", "consent"), false),
        (("prompt", "consent login"), true),
    ] {
        let token = token(&mut server, &[changes]);
        let expected = if good { (200, String::new()) } else { (401, refused.clone()) };
        assert_eq!(challenge(&mut server, &token), expected, "{changes:?}");
    }
    server.knobs().required_acr_values = vec!["gold".to_owned()];
    let both = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\", max_age=\"60\"".to_owned();
    assert_eq!(challenge(&mut server, &first), (401, both));
    let own = text(&post(&mut server, &service_pairs()).1, "access_token");
    assert_eq!(challenge(&mut server, &own).0, 401);
}

#[test]
fn refuses_as_told() {
    let mut server = server();
    let token = token(&mut server, &[]);
    let two = M::challenges(403, &["Basic realm=\"x\"", "Bearer error=\"insufficient_scope\", scope=\"admin\""]);
    server.knobs().misbehave_at(Endpoint::Resource, two);
    let authorization = format!("Bearer {token}");
    let response = get(&mut server, "", &[&authorization]);
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers().get_all("www-authenticate").iter().count(), 2);
    assert!(!server.log().last().unwrap().acted);
    assert_eq!(get_user(&mut server, &token), 200);
    for status in [401, 403] {
        for texts in [&[][..], &["Bearer"], &["Bearer resource_metadata=\"javascript:alert(1)\""]] {
            assert!(M::all_at(Endpoint::Resource).contains(&M::challenges(status, texts)));
        }
    }
}
