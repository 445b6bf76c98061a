use super::*;

#[test]
fn scope_knobs() {
    let mut server = server();
    server.knobs().narrow_scope = Some("read".to_owned());
    let body = login(&mut server);
    assert_eq!(body["scope"], "read");
    // The refresh token got no more than what was granted.
    server.knobs().narrow_scope = None;
    assert_eq!(refresh(&mut server, &text(&body, "refresh_token")).1["scope"], "read");

    server.knobs().narrow_scope = Some(String::new());
    assert_eq!(login(&mut server)["scope"], "");
    server.knobs().widen_scope = Some("admin root".to_owned());
    assert_eq!(login(&mut server)["scope"], "admin root");
    server.knobs().narrow_scope = None;
    assert_eq!(login(&mut server)["scope"], "read write admin root");
    server.knobs().scope_separator = ",".to_owned();
    assert_eq!(login(&mut server)["scope"], "read,write,admin,root");
    server.knobs().omit_scope = true;
    assert!(login(&mut server).get("scope").is_none());
}

#[test]
fn a_client_without_scopes_gets_no_scope_member() {
    let mut server = server();
    server.register(Client::confidential("service", "s3cret"));
    let (status, body) = post(&mut server, &service_pairs());
    assert_eq!((status, body.get("scope")), (200, None));
}

#[test]
fn lifetime() {
    let mut server = server();
    server.knobs().expires_in = 10;
    let body = login(&mut server);
    assert_eq!(body["expires_in"], 10);
    server.advance(10);
    assert_eq!(get_user(&mut server, &text(&body, "access_token")), 401);
    server.knobs().expires_in = u64::MAX;
    assert_eq!(login(&mut server)["expires_in"], u64::MAX);
}

#[test]
fn odd_characters_survive_the_whole_flow() {
    let mut server = server();
    server.knobs().odd_characters = true;
    let body = login(&mut server);
    for odd in ["+", "/", "="] {
        assert!(text(&body, "access_token").contains(odd));
    }
    assert_eq!(get_user(&mut server, &text(&body, "access_token")), 200);
    assert_eq!(refresh(&mut server, &text(&body, "refresh_token")).0, 200);
}

#[test]
fn form_unless_asked_for_json() {
    let mut server = server();
    server.knobs().form_unless_asked = true;
    let mut request = token_request(&server, &service_pairs());
    let response = server.handle(&request);
    assert_eq!(response.headers()["content-type"], "application/x-www-form-urlencoded");
    let body = std::str::from_utf8(response.body()).unwrap();
    assert!(body.starts_with("access_token=at-"));
    assert!(body.ends_with("&token_type=Bearer&expires_in=3600&scope=read+write"));
    request.headers_mut().insert("accept", "application/json".parse().unwrap());
    assert_eq!(server.handle(&request).headers()["content-type"], "application/json");
}

#[test]
fn seeds_and_copies() {
    let tokens = |server: &mut Server| text(&login(server), "access_token");
    assert_eq!(tokens(&mut server()), tokens(&mut server()));
    assert_ne!(tokens(&mut server()), tokens(server().set_seed(7)));
    let mut original = server();
    let mut copy = original.clone();
    assert_eq!(tokens(&mut original), tokens(&mut copy));
}

#[test]
fn the_log_can_be_cleared() {
    let mut server = server();
    login(&mut server);
    assert_eq!(server.log().len(), 2);
    server.clear_log();
    assert!(server.log().is_empty());
}
