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
