//! Authorization details (RFC 9396): asked for in every request that may hold them, and read back as they were granted.

use grantflow::{
    Asked, AuthorizationDetails, ClientCredentials, DetailsFault, DetailsMember, DeviceRequest, Discovery, Env, Error,
    Exchange, GrantedDetails, Introspected, Introspection, Left, Misuse, Quirk, RefreshExchange, Server, Tokens,
};
use grantflow_testkit::{self as testkit, Client};
use serde_json::{Value, json};

use crate::support::*;

const NAME: &str = "authorization_details";
/// RFC 9396 §2, figure 2, in one line.
const PAYMENT: &str = r#"[{"type":"payment_initiation","actions":["initiate","status","cancel"],"locations":["https://example.com/payments"],"instructedAmount":{"currency":"EUR","amount":"123.50"},"creditorName":"Merchant A","creditorAccount":{"iban":"DE02100100109307118603"},"remittanceInformationUnstructured":"Ref Number Merchant"}]"#;
/// RFC 9396 §2, figure 3: two types.
const TWO: &str = r#"[{"type":"account_information","actions":["list_accounts"],"locations":["https://example.com/accounts"]},{"type":"payment_initiation","actions":["initiate"]}]"#;

fn details(text: &str) -> AuthorizationDetails {
    AuthorizationDetails::from_json(text).unwrap()
}

fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> DetailsFault {
    match result.unwrap_err() {
        Error::Misuse(Misuse::AuthorizationDetails(fault)) => fault,
        other => panic!("{other}"),
    }
}

fn asked(request: &http::Request<grantflow::Body>) -> String {
    parameter(&body(request), NAME)
}

fn granted_text(tokens: &Tokens) -> Option<String> {
    tokens.authorization_details().granted().map(|details| details.as_json().to_owned())
}

/// The answer to a code exchange, with this member.
fn tokens_with(member: &str) -> Tokens {
    let mut world = World::new();
    let exchange = world.exchange();
    let answer = format!(r#"{{"access_token":"at","token_type":"Bearer","refresh_token":"rt"{member}}}"#);
    world.answer(exchange, json(200, &answer)).unwrap()
}

#[test]
fn the_text_of_the_program_is_sent_as_it_is_in_the_url_and_in_a_pushed_request() {
    let (mut provider, server) = all_endpoints();
    let client = server.client(ID).secret_post(SECRET).unwrap();
    let authorization = grantflow::Authorization::new(&client, REDIRECT_URI)
        .unwrap()
        .scope(SCOPE)
        .unwrap()
        .authorization_details(details(PAYMENT))
        .unwrap();
    let mut dice = Dice(1);
    let redirect = authorization.start(&mut Env::new(NOW, &mut dice)).unwrap();
    assert_eq!(parameter(redirect.url.as_str(), NAME), PAYMENT);
    let tokens = log_in(&mut provider, redirect);
    assert_eq!(granted_text(&tokens).as_deref(), Some(PAYMENT));

    let push = authorization.push(&mut Env::new(NOW, &mut dice)).unwrap();
    let request = push.request(&mut Env::new(NOW, &mut dice)).unwrap();
    assert_eq!(asked(&request), PAYMENT);
    let redirect = run_to_its_end(&mut provider, push).0.unwrap();
    assert!(!redirect.url.as_str().contains(NAME), "they were pushed");
    let tokens = log_in(&mut provider, redirect);
    assert_eq!(granted_text(&tokens).as_deref(), Some(PAYMENT));
}

#[test]
fn values_of_the_program_become_the_list_and_come_back_as_values() {
    #[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
    struct Payment {
        r#type: String,
        amount: u64,
    }
    let payments = [Payment { r#type: "pay".into(), amount: 7 }, Payment { r#type: "pay".into(), amount: 9 }];
    let details = AuthorizationDetails::new(&payments).unwrap();
    assert_eq!(details.as_json(), r#"[{"type":"pay","amount":7},{"type":"pay","amount":9}]"#);
    assert_eq!(details.types().collect::<Vec<_>>(), ["pay", "pay"]);
    assert_eq!(details.read::<Vec<Payment>>().unwrap(), payments);
    assert_eq!(details.of_type::<Payment>("pay").unwrap(), payments);
    assert_eq!(details.of_type::<Payment>("PAY").unwrap(), []);
    assert_eq!(self::details(TWO).of_type::<Value>("payment_initiation").unwrap().len(), 1);
    assert!(matches!(details.of_type::<u8>("pay"), Err(Error::Misuse(Misuse::Extra))));
    assert!(matches!(details.read::<Payment>(), Err(Error::Misuse(Misuse::Extra))));
}

#[test]
fn what_is_no_list_of_objects_with_a_type_is_refused_before_anything_is_sent() {
    let long = format!(r#"[{{"type":"a","x":"{}"}}]"#, "y".repeat(64 * 1024));
    for (text, why) in [
        ("", DetailsFault::NotAList),
        ("null", DetailsFault::NotAList),
        ("7", DetailsFault::NotAList),
        (r#"{"type":"a"}"#, DetailsFault::NotAList),
        (r#"[{"type":"a"}"#, DetailsFault::NotAList),
        (r#"[{"type":"a"}] x"#, DetailsFault::NotAList),
        ("[]", DetailsFault::Empty),
        ("[7]", DetailsFault::NotAnObject),
        (r#"[{"type":"a"},null]"#, DetailsFault::NotAnObject),
        (r#"[["type","a"]]"#, DetailsFault::NotAnObject),
        ("[{}]", DetailsFault::NoType),
        (r#"[{"type":""}]"#, DetailsFault::NoType),
        (r#"[{"type":7}]"#, DetailsFault::NoType),
        (r#"[{"type":null}]"#, DetailsFault::NoType),
        (r#"[{"type":"a"},{"Type":"b"}]"#, DetailsFault::NoType),
        (r#"[{"type":"a","type":"b"}]"#, DetailsFault::Member(DetailsMember::Type)),
        (r#"[{"type":"a","actions":["b"],"actions":["c"]}]"#, DetailsFault::Member(DetailsMember::Actions)),
        (r#"[{"type":"a","actions":"read"}]"#, DetailsFault::Member(DetailsMember::Actions)),
        (r#"[{"type":"a","locations":[7]}]"#, DetailsFault::Member(DetailsMember::Locations)),
        (r#"[{"type":"a","datatypes":null}]"#, DetailsFault::Member(DetailsMember::Datatypes)),
        (r#"[{"type":"a","privileges":{}}]"#, DetailsFault::Member(DetailsMember::Privileges)),
        (r#"[{"type":"a","identifier":7}]"#, DetailsFault::Member(DetailsMember::Identifier)),
        (&long, DetailsFault::TooLong),
    ] {
        assert_eq!(fault(AuthorizationDetails::from_json(text)), why, "{}", &text[..text.len().min(60)]);
    }
    assert_eq!(fault(AuthorizationDetails::new(&json!({"type": "a"}))), DetailsFault::NotAList);
    let no_text_as_key = std::collections::BTreeMap::from([(vec![1], 2)]);
    assert_eq!(fault(AuthorizationDetails::new(&[no_text_as_key])), DetailsFault::NotWritable);
    // Members of the API's own may be anything.
    let own = r#"[{"type":"a","identifier":"x","amount":{"deep":[[[1e3]]]},"note":null}]"#;
    assert_eq!(details(own).as_json(), own);
    assert_eq!(details(&format!(" \n{own}\t")).as_json(), own);
}

#[test]
fn every_request_that_may_hold_them_holds_them() {
    let (_, server) = all_endpoints();
    let client = server.client(ID).secret_basic(SECRET).unwrap();
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    let own = ClientCredentials::new(&client).authorization_details(details(TWO)).unwrap();
    assert_eq!(asked(&own.request(&mut env).unwrap()), TWO);
    let device = DeviceRequest::new(&client).unwrap().authorization_details(details(TWO)).unwrap();
    assert_eq!(asked(&device.request(&mut env).unwrap()), TWO);

    let mut seam = Asked::new(&client);
    seam.authorization_details(details(PAYMENT)).unwrap();
    seam.authorization_details(details(TWO)).unwrap();
    let request = grantflow::Client::from(&client).token_request(&mut env, &[("grant_type", "urn:x:y")], &seam);
    assert_eq!(asked(&request.unwrap()), TWO, "the later ones replace the first ones");
}

#[test]
fn a_token_request_may_name_some_of_them_and_the_exchange_is_not_lost_if_it_may_not() {
    let mut world = World::with(|server| server.authorization_details_types_supported(&["payment_initiation"]));
    let exchange = world.exchange();
    let failure = exchange.authorization_details(details(TWO)).unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::AuthorizationDetails(DetailsFault::NotSupported))));
    let Left::Intact(exchange) = failure.left else { panic!("the code is lost") };
    let exchange = exchange.authorization_details(details(PAYMENT)).unwrap();
    assert_eq!(asked(&world.request(&exchange)), PAYMENT);
    let tokens = world.run(exchange).unwrap();
    assert_eq!(granted_text(&tokens).as_deref(), Some(PAYMENT));

    let refresh = tokens.refresh().unwrap();
    let failure = refresh.authorization_details(details(TWO)).unwrap_err();
    let Left::Intact(refresh) = failure.left else { panic!("the refresh token is lost") };
    let narrower = r#"[{"type":"payment_initiation","actions":["status"]}]"#;
    let refresh = refresh.authorization_details(details(narrower)).unwrap();
    assert_eq!(asked(&world.request(&refresh)), narrower);
    let tokens = world.run(refresh).unwrap();
    assert_eq!(granted_text(&tokens).as_deref(), Some(narrower));
    // The next refresh names none, and the server decides by the grant.
    assert_eq!(asked(&world.request(&tokens.refresh().unwrap())), "");
}

#[test]
fn what_the_server_adds_or_leaves_out_is_read_back() {
    let mut world = World::new();
    let enriched =
        r#"[{"type":"payment_initiation","actions":["initiate"],"accounts":[{"iban":"DE2310010010123456789"}]}]"#;
    world.provider.knobs().granted_authorization_details = Some(enriched.to_owned());
    let authorization = world.authorization().authorization_details(details(PAYMENT)).unwrap();
    let exchange = world.exchange_of(&authorization);
    let tokens = world.run(exchange).unwrap();
    assert_eq!(granted_text(&tokens).as_deref(), Some(enriched));

    assert!(matches!(tokens_with("").authorization_details(), GrantedDetails::NotSaid));
    assert!(matches!(tokens_with(r#","authorization_details":null"#).authorization_details(), GrantedDetails::NotSaid));
    let none = tokens_with(r#","authorization_details":[]"#);
    assert_eq!(none.authorization_details().granted().map(|granted| granted.types().count()), Some(0));
    // A server may leave out values, and give its members any type.
    let odd = r#"[{"type":"a","actions":"all","identifier":7}]"#;
    assert_eq!(granted_text(&tokens_with(&format!(r#","{NAME}":{odd}"#))).as_deref(), Some(odd));
}

#[test]
fn details_that_cannot_be_read_cost_neither_the_token_nor_are_they_taken_for_none() {
    for member in [
        r#","authorization_details":7"#,
        r#","authorization_details":"[{\"type\":\"a\"}]""#,
        r#","authorization_details":{"type":"a"}"#,
        r#","authorization_details":[{"no":"type"}]"#,
        r#","authorization_details":[{"type":"a"},3]"#,
        r#","authorization_details":[{"type":"a"}],"authorization_details":[{"type":"b"}]"#,
        r#","authorization_details":[{"type":"a"}],"author\u0069zation_details":[{"type":"b"}]"#,
    ] {
        let tokens = tokens_with(member);
        assert!(matches!(tokens.authorization_details(), GrantedDetails::Unreadable), "{member}");
        assert_eq!(tokens.bearer().unwrap().expose_secret(), "at");
    }
}

#[test]
fn a_form_encoded_answer_has_them_as_text() {
    let mut world = World::with(|server| server.quirk(Quirk::FormEncodedAnswer).unwrap());
    for (member, expected) in [
        ("&authorization_details=%5B%7B%22type%22%3A%22a%22%7D%5D", Some(r#"[{"type":"a"}]"#)),
        ("&authorization%5Fdetails=%5B%7B%22type%22%3A%22a%22%7D%5D", Some(r#"[{"type":"a"}]"#)),
        ("&authorization_details=x", None),
        ("&authorization_details=%5B%5D&authorization_details=%5B%5D", None),
    ] {
        let exchange = world.exchange();
        let answer = http::Response::new(format!("access_token=at&token_type=bearer{member}"));
        let tokens = world.answer(exchange, answer).unwrap();
        assert_eq!(granted_text(&tokens).as_deref(), expected, "{member}");
        let is_unreadable = matches!(tokens.authorization_details(), GrantedDetails::Unreadable);
        assert_eq!(is_unreadable, expected.is_none(), "{member}");
    }
}

/// Tokens whose server granted [`TWO`].
fn granted_two(world: &mut World) -> RefreshExchange {
    let exchange = world.exchange();
    let answer = format!(r#"{{"access_token":"at","token_type":"Bearer","refresh_token":"rt","{NAME}":{TWO}}}"#);
    world.answer(exchange, json(200, &answer)).unwrap().refresh().unwrap()
}

#[test]
fn a_refresh_that_says_nothing_keeps_them_also_in_a_store() {
    const SILENT: &str = r#"{"access_token":"at2","token_type":"Bearer","expires_in":60}"#;
    let mut world = World::new();
    let refresh = granted_two(&mut world);
    let mut tokens = world.answer(refresh, json(200, SILENT)).unwrap();
    for _ in 0..3 {
        assert_eq!(granted_text(&tokens).as_deref(), Some(TWO));
        let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
        tokens = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
        assert_eq!(granted_text(&tokens).as_deref(), Some(TWO));
        let refresh = tokens.refresh().unwrap();
        tokens = world.answer(refresh, json(200, SILENT)).unwrap();
    }
    // New ones replace them, unreadable ones do not pass for the old ones, and a narrower request is not answered by them.
    let refresh = tokens.refresh().unwrap();
    let new = format!(r#"{{"access_token":"a","token_type":"Bearer","{NAME}":{PAYMENT}}}"#);
    let tokens = world.answer(refresh, json(200, &new)).unwrap();
    assert_eq!(granted_text(&tokens).as_deref(), Some(PAYMENT));
    let refresh = tokens.refresh().unwrap();
    let broken = format!(r#"{{"access_token":"a","token_type":"Bearer","{NAME}":"x"}}"#);
    let tokens = world.answer(refresh, json(200, &broken)).unwrap();
    assert!(matches!(tokens.authorization_details(), GrantedDetails::Unreadable));
    let refresh = tokens.refresh().unwrap();
    let tokens = world.answer(refresh, json(200, SILENT)).unwrap();
    let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
    let tokens = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
    assert!(matches!(tokens.authorization_details(), GrantedDetails::Unreadable));

    let refresh = granted_two(&mut world).authorization_details(details(PAYMENT)).unwrap();
    let tokens = world.answer(refresh, json(200, SILENT)).unwrap();
    assert!(matches!(tokens.authorization_details(), GrantedDetails::NotSaid));
}

#[test]
fn a_changed_byte_of_kept_details_is_found() {
    let mut world = World::new();
    let refresh = granted_two(&mut world);
    let silent = r#"{"access_token":"at2","token_type":"Bearer","expires_in":60}"#;
    let tokens = world.answer(refresh, json(200, silent)).unwrap();
    let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
    for (from, to) in [("list_accounts", "list_accountz"), ("account_information", "account_informatiom")] {
        let damaged = stored.replace(from, to);
        assert_ne!(damaged, stored);
        let restored = Tokens::from_stored(serde_json::from_str(&damaged).unwrap(), &world.client);
        assert!(matches!(restored, Err(Error::Misuse(Misuse::Stored(grantflow::StoredFault::Damaged)))));
    }
}

#[test]
fn types_that_the_server_does_not_list_are_refused_and_the_list_can_be_replaced() {
    let mut provider = testkit::Server::new(ISSUER);
    provider.register(Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI).scope(SCOPE));
    provider.knobs().authorization_details_types_supported = vec!["account_information".to_owned()];
    let metadata = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap()).0.unwrap();
    let server = metadata.server().unwrap();
    let authorization = |server: &Server| {
        let client = server.client(ID).secret_post(SECRET).unwrap();
        grantflow::Authorization::new(&client, REDIRECT_URI).unwrap().authorization_details(details(TWO))
    };
    assert_eq!(fault(authorization(&server)), DetailsFault::NotSupported);
    let wider = server.authorization_details_types_supported(&["account_information", "payment_initiation"]);
    let authorization = authorization(&wider).unwrap();
    // The server itself refuses what it does not know.
    let redirect = authorization.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    let callback = provider.visit(redirect.url.as_str()).unwrap();
    match redirect.pending.receive_url(&callback.url) {
        grantflow::Callback::Denied(refusal) => assert_eq!(refusal.code().as_str(), "invalid_authorization_details"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_sends_them_by_another_way() {
    let world = World::new();
    let reserved = |error: Error| assert!(matches!(error, Error::Misuse(Misuse::ReservedParameter)), "{error}");
    reserved(world.authorization().param(NAME, "[]").unwrap_err());
    reserved(ClientCredentials::new(&world.client).param("Authorization_Details", "[]").unwrap_err());
    let fields = [("grant_type", "urn:x:y"), (NAME, "[]")];
    let client = grantflow::Client::from(&world.client);
    let mut dice = Dice(1);
    reserved(client.token_request(&mut Env::new(NOW, &mut dice), &fields, &Asked::new(&client)).unwrap_err());
}

#[test]
fn an_introspection_says_what_a_token_covers() {
    let (mut provider, server) = all_endpoints();
    let client = server.client(ID).secret_basic(SECRET).unwrap();
    let tokens = ClientCredentials::new(&client).authorization_details(details(TWO)).unwrap();
    let tokens = run_to_its_end(&mut provider, tokens).0.unwrap();
    let question = Introspection::new(&client, tokens.bearer().unwrap().expose_secret()).unwrap();
    let said = run_to_its_end(&mut provider, question).0.unwrap();
    assert_eq!(said.active().unwrap().authorization_details().unwrap().as_json(), TWO);

    // An API decides by them: one that cannot be read is no description.
    let question = Introspection::new(&client, "t").unwrap();
    let mut dice = Dice(1);
    for (member, is_read) in
        [("null", true), ("[]", true), (TWO, true), ("7", false), ("[{}]", false), ("\"[]\"", false)]
    {
        let answer = json(200, &format!(r#"{{"active":true,"{NAME}":{member}}}"#));
        let step = question.clone().respond(&mut Env::new(NOW, &mut dice), answer);
        assert_eq!(step.is_ok(), is_read, "{member}");
    }
    let silent = json(200, r#"{"active":true}"#);
    match question.respond(&mut Env::new(NOW, &mut dice), silent).unwrap() {
        grantflow::Step::Done(Introspected::Active(token)) => assert!(token.authorization_details().is_none()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_of_them_is_printed() {
    let shown = format!("{:?}", details(PAYMENT));
    assert_eq!(shown, "AuthorizationDetails([1 details])");
    let world = World::new();
    let authorization = world.authorization().authorization_details(details(PAYMENT)).unwrap();
    assert!(!format!("{authorization:?}").contains("DE02100100109307118603"));
    let tokens = tokens_with(&format!(r#","{NAME}":{PAYMENT}"#));
    assert!(!format!("{tokens:?} {:?}", tokens.authorization_details()).contains("DE02100100109307118603"));
    let error = AuthorizationDetails::from_json(r#"[{"type":"a","actions":"DE02"}]"#).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("DE02"));
}
