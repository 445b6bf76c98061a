use grantflow_testkit::Misbehaviour as M;

use super::*;

/// The answer to a good client-credentials request when this goes wrong.
fn answer(how: M) -> Response<Vec<u8>> {
    let mut server = server();
    server.knobs().misbehave(how);
    let request = token_request(&server, &service_pairs());
    server.handle(&request)
}

fn body(how: M) -> String {
    String::from_utf8(answer(how).into_body()).unwrap()
}

#[test]
fn edits_of_members() {
    assert!(body(M::expires_in("\"3600\"")).contains(r#""expires_in":"3600","#));
    assert!(body(M::expires_in("1e400")).contains(r#""expires_in":1e400,"#));
    assert!(body(M::token_type("null")).contains(r#""token_type":null,"#));
    assert!(!body(M::RemoveMember("token_type".to_owned())).contains("token_type"));
    let both = body(M::error_beside_token("x"));
    assert!(both.contains("access_token") && both.ends_with(r#","error":"x"}"#));
    let twice = body(M::DuplicateMember { name: "access_token".to_owned(), json: "\"b\"".to_owned() });
    assert_eq!(twice.matches("\"access_token\":").count(), 2);
    let renamed = body(M::RenameMember { from: "access_token".to_owned(), to: "accessToken".to_owned() });
    assert!(renamed.starts_with(r#"{"accessToken":"at-"#));
}

#[test]
fn nesting() {
    let nested = |decoy| M::Nest { path: vec!["data".to_owned(), "token".to_owned()], decoy };
    let (_, plain) = read(&answer(nested(false)));
    assert_eq!(plain.as_object().unwrap().len(), 1);
    let token = &plain["data"]["token"]["access_token"];
    let (_, decoy) = read(&answer(nested(true)));
    assert_eq!(&decoy["data"]["token"]["access_token"], token);
    assert_eq!(text(&decoy, "access_token"), format!("decoy-{}", token.as_str().unwrap()));
}

#[test]
fn edits_of_the_message() {
    assert_eq!(answer(M::Status(201)).status(), 201);
    assert_eq!(answer(M::Status(42)).status(), 500);
    assert!(!answer(M::ContentType(None)).headers().contains_key("content-type"));
    let typed = answer(M::ContentType(Some("text/plain".to_owned())));
    assert_eq!(typed.headers()["content-type"], "text/plain");
    assert_eq!(read(&typed).1["token_type"], "Bearer");
    let form = answer(M::FormEncoded);
    assert_eq!(form.headers()["content-type"], "application/x-www-form-urlencoded");
    assert!(body(M::Array).starts_with("[{") && body(M::Array).ends_with("}]"));
    assert!(answer(M::Bom).body().starts_with(b"\xef\xbb\xbf{"));
    assert!(std::str::from_utf8(answer(M::NotUtf8).body()).is_err());
}

#[test]
fn large_and_deep_bodies() {
    let huge = answer(M::Huge { size: 100 << 20 });
    assert_eq!(huge.body().len(), 100 << 20);
    let modest = answer(M::Huge { size: 1000 });
    assert_eq!(modest.body().len(), 1000);
    assert_eq!(read(&modest).1["token_type"], "Bearer");
    assert_eq!(read(&answer(M::Huge { size: 0 })).1["token_type"], "Bearer");
    let deep = body(M::Deep { depth: 1_000_000 });
    assert_eq!(deep.matches('[').count(), 1_000_000);
    assert!(deep.ends_with("]}"));
    assert_eq!(read(&answer(M::Deep { depth: 3 })).1["deep"][0][0], serde_json::json!([]));
}

#[test]
fn cut_short() {
    let cut = answer(M::CutShort { keep: 5, announced: false });
    assert_eq!(cut.body(), b"{\"acc");
    assert!(!cut.headers().contains_key("content-length"));
    let cut = answer(M::CutShort { keep: 5, announced: true });
    let whole: usize = cut.headers()["content-length"].to_str().unwrap().parse().unwrap();
    assert!(whole > 50 && cut.body().len() == 5);
}

#[test]
fn replacements() {
    let error = answer(M::error_with_200("invalid_grant"));
    assert_eq!(read(&error), (200, serde_json::json!({"error": "invalid_grant"})));
    let html = answer(M::Html { status: 502, acts: true });
    assert_eq!((html.status().as_u16(), &html.headers()["content-type"]), (502, &"text/html".parse().unwrap()));
    let empty = answer(M::Empty { status: 204, acts: true });
    assert!(empty.status() == 204 && empty.body().is_empty() && empty.headers().is_empty());
    let redirect = answer(M::Redirect { status: 307, location: "/x".to_owned(), acts: false });
    assert_eq!((redirect.status().as_u16(), &redirect.headers()["location"]), (307, &"/x".parse().unwrap()));
    let busy = answer(M::RetryAfter { status: 429, value: "-1".to_owned(), acts: false });
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (429, &"-1".parse().unwrap()));
    let raw = answer(M::Raw {
        status: 418,
        headers: vec![("x-a".to_owned(), "b".to_owned()), ("bad name".to_owned(), "c".to_owned())],
        body: vec![0, 255],
        acts: true,
    });
    assert_eq!((raw.status().as_u16(), raw.body().as_slice(), raw.headers().len()), (418, &[0, 255][..], 1));
    assert_eq!(read(&answer(M::json(200, "[1]"))), (200, serde_json::json!([1])));
}

#[test]
fn reflection_holds_all_secrets() {
    let mut server = server();
    server.knobs().misbehave(M::Reflect { status: 400, acts: false });
    let mut request = token_request(&server, &service_pairs());
    request.headers_mut().insert("authorization", "Basic YTpi".parse().unwrap());
    let (status, body) = read(&server.handle(&request));
    assert_eq!(status, 400);
    let description = text(&body, "error_description");
    assert!(description.contains("Basic YTpi") && description.contains("client_secret=s3cret"));
}

#[test]
fn acted_or_not_and_lost() {
    let mut server = server();
    for acts in [true, false] {
        for how in [M::Lost { acts }, M::Html { status: 502, acts }] {
            let token = text(&login(&mut server), "refresh_token");
            server.clear_log();
            server.knobs().misbehave(how.clone());
            let pairs = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token.as_str())];
            let request = token_request(&server, &pairs);
            let response = server.try_handle(&request);
            assert_eq!(response.is_none(), how == M::Lost { acts });
            assert_eq!(server.log()[0].status, response.map(|_| 502));
            assert_eq!(server.log()[0].issued, acts);
            let (status, _) = refresh(&mut server, &token);
            assert_eq!(status, if acts { 400 } else { 200 }, "{how:?}");
        }
    }
    server.knobs().misbehave(M::Lost { acts: true });
    assert_eq!(post(&mut server, &service_pairs()).0, 504);
}

#[test]
fn refusals_are_not_edited_but_replaced() {
    let mut server = server();
    server.knobs().always = vec![M::Status(201), M::Bom, M::expires_in("0")];
    let (status, body) = post(&mut server, &[("grant_type", "client_credentials")]);
    assert_eq!((status, text(&body, "error").as_str()), (401, "invalid_client"));
    assert!(body.get("expires_in").is_none());
    server.knobs().always = vec![M::Html { status: 500, acts: true }];
    assert_eq!(post(&mut server, &[("grant_type", "client_credentials")]).0, 500);
    assert!(!server.log()[1].issued);
}

#[test]
fn order_and_lifetime_of_faults() {
    let mut server = server();
    server.knobs().always = vec![M::error(400, "slow_down"), M::Status(429)];
    server.knobs().misbehave(M::ContentType(None));
    let request = token_request(&server, &service_pairs());
    let first = server.handle(&request);
    assert_eq!(read(&first), (429, serde_json::json!({"error": "slow_down"})));
    assert!(!first.headers().contains_key("content-type"));
    let second = server.handle(&request);
    assert!(second.status() == 429 && second.headers().contains_key("content-type"));
    server.knobs().always.clear();
    assert_eq!(server.handle(&request).status(), 200);
}

#[test]
fn every_number_and_every_bytes_are_a_misbehaviour() {
    let all = M::all();
    for (index, how) in all.iter().enumerate() {
        assert_eq!(&M::from_index(index), how);
        answer(how.clone());
    }
    assert_eq!(M::from_index(all.len()), all[0]);
    for first in 0..=255u8 {
        for second in [0, 1, 77, 255] {
            answer(M::from_bytes(&[first, second, 3, 4, b'"', 0xff, b'\n', 7]));
            M::from_bytes(&[first, second]);
        }
        M::from_bytes(&[first]);
    }
    // The first byte reaches every one of them.
    let reached = |how: &M| (0..=255).any(|high| (0..=255).any(|low| &M::from_bytes(&[high, low]) == how));
    assert!(all.iter().filter(|how| !matches!(how, M::Huge { .. })).all(reached));
}

#[test]
fn bytes_choose_the_kind_and_fill_it() {
    let text = || "text".to_owned();
    // The third and the fourth byte are the status, and whether the server acts.
    let with = |first: u8, second: u8| M::from_bytes(&[first, second, 1, 0x10, b't', b'e', b'x', b't']);
    let (status, acts) = (200 + 0x110, false);
    assert_eq!(with(0x10, 1), M::from_index(0x101));
    assert_eq!(with(0x25, 7), M::from_index(0x207));
    assert_eq!(with(6, 2), M::SetMember { name: "expires_in".to_owned(), json: text() });
    assert_eq!(with(7, 10), M::SetMember { name: "expires_in".to_owned(), json: text() });
    assert_eq!(with(8, 0), M::DuplicateMember { name: "access_token".to_owned(), json: text() });
    assert_eq!(with(9, 3), M::RenameMember { from: "refresh_token".to_owned(), to: text() });
    assert_eq!(with(10, 0), M::ContentType(Some(text())));
    assert_eq!(with(11, 9), M::CutShort { keep: 9, announced: acts });
    assert_eq!(with(12, 0), M::Error { status, code: text(), description: None, acts });
    assert_eq!(with(13, 0), M::RetryAfter { status, value: text(), acts });
    assert_eq!(with(14, 0), M::Redirect { status, location: text(), acts });
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    assert_eq!(with(15, 0), M::Raw { status, headers, body: b"text".to_vec(), acts });
    // Statuses go from 200 to 599, and an even third byte lets the server act.
    assert_eq!(M::from_bytes(&[13, 0, 0, 0]), M::RetryAfter { status: 200, value: String::new(), acts: true });
    assert_eq!(M::from_bytes(&[13, 0, 1, 0x90]), M::RetryAfter { status: 200, value: String::new(), acts: false });
    assert_eq!(M::from_bytes(&[13, 0, 0xff, 0xff]), M::RetryAfter { status: 535, value: String::new(), acts: false });
}
