//! The application's promises, tested by headless browsers and by an attacker.

use std::fmt::Display;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use grantflow_testkit::CallbackFault;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::provider::Provider;
use crate::{Outcome, show};
use headless::Browser;

mod headless;

pub(crate) async fn run(app: &str, provider: &Provider, head: Duration) -> Outcome<()> {
    let check = Check { app, provider };
    check.pages().await?;
    check.csrf().await?;
    check.login().await?;
    check.replay().await?;
    check.swapped().await?;
    check.forged().await?;
    check.refusals().await?;
    check.freshness().await?;
    check.head().await?;
    check.tabs().await?;
    check.dawdlers(head).await?;
    check.logout().await?;
    show::all_well("All went as it should.");
    Ok(())
}

struct Check<'a> {
    app: &'a str,
    provider: &'a Provider,
}

impl Check<'_> {
    async fn pages(&self) -> Outcome<()> {
        show::part("A visitor");
        let mut ada = Browser::new(self.app)?;
        for path in ["/", "/denied", "/failed", "/callback?code=c&state=s", "/nowhere"] {
            let page = ada.get(path).await?;
            let policy = page.header("content-security-policy");
            expect(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), path)?;
            expect(policy.contains("frame-ancestors 'none'"), path)?;
            expect(
                page.header("referrer-policy") == "no-referrer" && page.header("cache-control") == "no-store",
                path,
            )?;
            expect(page.header("x-content-type-options") == "nosniff", path)?;
            expect(!page.body.contains("<script") && !page.body.contains("src="), path)?;
        }
        show::good("every page: a policy without scripts, no referrer, nothing cached, nothing foreign");

        let cookie = ada.get("/").await?.header("set-cookie");
        let mut attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
        attributes.sort_unstable();
        expect(cookie.starts_with("__Host-session="), "the cookie's name")?;
        same(attributes, vec!["HttpOnly", "Path=/", "SameSite=Lax", "Secure"])?;
        show::good("the cookie: __Host-, Secure, HttpOnly, SameSite=Lax, Path=/, no Domain");
        Ok(())
    }

    async fn csrf(&self) -> Outcome<()> {
        show::part("A login that another site starts");
        let (mut ada, mut mallory) = (Browser::new(self.app)?, Browser::new(self.app)?);
        ada.get("/").await?;
        let theirs = mallory.csrf().await?;
        same(ada.get("/login").await?.status, StatusCode::METHOD_NOT_ALLOWED)?;
        for form in ["", "csrf=", &format!("csrf={theirs}"), &format!("csrf={theirs}&csrf={}", ada.csrf().await?)] {
            for action in ["/login", "/renew", "/logout"] {
                same(ada.post(action, form).await?.status, StatusCode::FORBIDDEN)?;
            }
        }
        show::good("a GET starts nothing; a POST without this browser's own CSRF token is refused, at every form");
        Ok(())
    }

    async fn login(&self) -> Outcome<()> {
        show::part("A login");
        let mut ada = Browser::new(self.app)?;
        let callback = ada.until_callback("allow").await?;
        let before = ada.cookie.clone();
        let answer = ada.get(&callback).await?;
        same((answer.status, &*answer.location), (StatusCode::SEE_OTHER, "/"))?;
        show::good("the callback leads to the front page: code and state leave the address bar");

        let home = ada.get("/").await?;
        expect(
            home.body.contains("Hello, ada") && home.body.contains("<code>write_favorite</code>"),
            "the front page",
        )?;
        expect(home.body.contains("renewed before that"), "the expiry")?;
        show::good("the page has what the API said");

        expect(before != ada.cookie, "a new session id")?;
        let mut planted = Browser { cookie: before, ..Browser::new(self.app)? };
        expect(!planted.get("/").await?.body.contains("Hello"), "the session id from before the login")?;
        show::good("a new session id: the one from before the login is of no use");
        Ok(())
    }

    async fn replay(&self) -> Outcome<()> {
        show::part("A callback that comes twice");
        let mut ada = Browser::new(self.app)?;
        let callback = ada.until_callback("allow").await?;
        let before = ada.cookie.clone();
        ada.get(&callback).await?;
        let exchanges = self.hits("authorization_code");
        let mut again = Browser { cookie: before, ..Browser::new(self.app)? };
        for browser in [&mut ada, &mut again] {
            same(browser.get(&callback).await?.status, StatusCode::NOT_FOUND)?;
        }
        same(self.hits("authorization_code"), exchanges)?;
        expect(ada.is_in().await?, "the login")?;
        show::good("refused, with the old session id as with the new; the code is not sent again; the login stays");
        Ok(())
    }

    async fn swapped(&self) -> Outcome<()> {
        show::part("Two browsers, their callbacks swapped");
        let (mut ada, mut mallory) = (Browser::new(self.app)?, Browser::new(self.app)?);
        let (hers, theirs) = (ada.until_callback("allow").await?, mallory.until_callback("allow").await?);
        let exchanges = self.hits("authorization_code");
        same(ada.get(&theirs).await?.status, StatusCode::NOT_FOUND)?;
        same(mallory.get(&hers).await?.status, StatusCode::NOT_FOUND)?;
        same(self.hits("authorization_code"), exchanges)?;
        expect(!ada.is_in().await? && !mallory.is_in().await?, "not in")?;
        show::good("both refused, and neither code was sent to the provider");
        for (browser, callback) in [(&mut ada, &hers), (&mut mallory, &theirs)] {
            same(browser.get(callback).await?.status, StatusCode::SEE_OTHER)?;
            expect(browser.is_in().await?, "in")?;
        }
        show::good("neither login was used up: both finish with their own callback");
        Ok(())
    }

    async fn forged(&self) -> Outcome<()> {
        show::part("Forged callbacks");
        let mut ada = Browser::new(self.app)?;
        let callback = ada.until_callback("allow").await?;
        let state = callback.split(['?', '&']).find(|pair| pair.starts_with("state=")).unwrap_or_default();
        for query in [
            "",
            "?error=access_denied",
            "?error=access_denied&state=forged",
            "?code=forged&state=forged",
            "?error=%3Cscript%3Ealert(1)%3C%2Fscript%3E&error_description=%3Cscript%3E&state=%0d%0aSet-Cookie:x",
            &format!("?code=forged&{state}&{state}"),
        ] {
            let answer = ada.get(&format!("/callback{query}")).await?;
            same(answer.status, StatusCode::NOT_FOUND)?;
            expect(!answer.body.contains("script") && !answer.body.contains("forged"), "nothing is reflected")?;
        }
        same(ada.get(&callback).await?.status, StatusCode::SEE_OTHER)?;
        expect(ada.is_in().await?, "in")?;
        show::good("six of them: refused, not reflected, and the login that they were meant to end continues");
        Ok(())
    }

    async fn refusals(&self) -> Outcome<()> {
        show::part("A person who says no, and a provider with another issuer");
        let mut ada = Browser::new(self.app)?;
        let exchanges = self.hits("authorization_code");
        let callback = ada.until_callback("deny").await?;
        same(ada.get(&callback).await?.location, "/denied".to_owned())?;
        same(ada.get("/denied").await?.status, StatusCode::OK)?;
        expect(!ada.is_in().await?, "not in")?;
        show::good("denied: a page that says so, and no login");

        let mixed_up = CallbackFault::set("iss", "https://attacker.example");
        self.provider.with(|server| {
            server.knobs().spoil_callback(mixed_up);
        });
        let callback = ada.until_callback("allow").await?;
        same(ada.get(&callback).await?.location, "/failed".to_owned())?;
        same(ada.get(&callback).await?.status, StatusCode::NOT_FOUND)?;
        expect(!ada.is_in().await?, "not in")?;
        same(self.hits("authorization_code"), exchanges)?;
        show::good("another issuer: rejected for good, and its code is not sent");
        Ok(())
    }

    async fn freshness(&self) -> Outcome<()> {
        show::part("A token that stays fresh");
        let mut ada = Browser::new(self.app)?;
        let callback = ada.until_callback("allow").await?;
        ada.get(&callback).await?;
        let (first, refreshes) = (ada.token().await?, self.hits("refresh_token"));

        same(ada.post("/renew", "").await?.status, StatusCode::FORBIDDEN)?;
        same(ada.token().await?, first.clone())?;
        let csrf = ada.csrf().await?;
        same(ada.post("/renew", &format!("csrf={csrf}")).await?.status, StatusCode::SEE_OTHER)?;
        let second = ada.token().await?;
        expect(second != first, "another token")?;
        same(self.hits("refresh_token"), refreshes + 1)?;
        show::good("on demand: one refresh, another token");

        self.provider.with(|server| server.revoke_access_tokens());
        // Two tokens in a row were refused as soon as they came, so the session sends nothing for a second.
        let mut is_in = ada.is_in().await?;
        for _ in 0..50 {
            if is_in {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            is_in = ada.is_in().await?;
        }
        expect(is_in, "in")?;
        let third = ada.token().await?;
        expect(third != second, "another token")?;
        same(self.hits("refresh_token"), refreshes + 2)?;
        let sent = self.provider.with(|server| {
            let hits = server.hits("refresh_token").filter_map(|hit| hit.parameter("refresh_token").map(str::to_owned));
            hits.skip(refreshes).collect::<Vec<_>>()
        });
        expect(matches!(&*sent, [a, b] if a != b), "the refresh token rotates")?;
        show::good("when the API refuses it: the page is still shown, and each refresh token was used once");

        self.provider.with(|server| server.revoke_all());
        let mut over = false;
        for _ in 0..100 {
            over = ada.get("/").await?.body.contains("Your login is over");
            if over {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        expect(over, "over")?;
        show::good("when the grant is revoked: the page asks for a login");
        Ok(())
    }

    async fn head(&self) -> Outcome<()> {
        show::part("A scanner that requests the callback first");
        let mut ada = Browser::new(self.app)?;
        let callback = ada.until_callback("allow").await?;
        let exchanges = self.hits("authorization_code");
        for method in [Method::HEAD, Method::OPTIONS, Method::POST] {
            let answer = ada.visit(ada.http.request(method, &callback)).await?;
            same((answer.status, &*answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET"))?;
        }
        same(self.hits("authorization_code"), exchanges)?;
        same(ada.get(&callback).await?.status, StatusCode::SEE_OTHER)?;
        expect(ada.is_in().await?, "in")?;
        show::good("HEAD, OPTIONS and POST use up nothing: the browser's own GET finishes the login");
        Ok(())
    }

    async fn tabs(&self) -> Outcome<()> {
        show::part("Two tabs of one browser");
        let mut ada = Browser::new(self.app)?;
        let (first, second) = (ada.until_callback("allow").await?, ada.until_callback("allow").await?);
        let before = ada.cookie.clone();
        same(ada.get(&first).await?.status, StatusCode::SEE_OTHER)?;
        expect(before != ada.cookie && ada.is_in().await?, "in, with a new session id")?;

        let exchanges = self.hits("authorization_code");
        let mut planted = Browser { cookie: before, ..Browser::new(self.app)? };
        same(planted.get(&second).await?.status, StatusCode::NOT_FOUND)?;
        same(self.hits("authorization_code"), exchanges)?;
        show::good("the session id from before the first login cannot finish the second");

        let answer = ada.get(&second).await?;
        same((answer.status, &*answer.location), (StatusCode::SEE_OTHER, "/"))?;
        expect(ada.is_in().await?, "in")?;
        for used in [&first, &second] {
            same(ada.get(used).await?.status, StatusCode::NOT_FOUND)?;
        }
        show::good("the second tab's login continues with the new id, and finishes once");
        Ok(())
    }

    async fn dawdlers(&self, head: Duration) -> Outcome<()> {
        show::part("Slow visitors");
        let place = self.app.trim_start_matches("http://");
        for said in ["", "GET / HTTP/1.1\r\nHost: x\r\nX: "] {
            let started = Instant::now();
            let mut stream = TcpStream::connect(place).await?;
            stream.write_all(said.as_bytes()).await?;
            let ended = tokio::time::timeout(head * 5, stream.read_to_end(&mut Vec::new())).await;
            expect(ended.is_ok(), format!("sent away within {head:?}"))?;
            expect(started.elapsed() >= head / 2, "given time")?;
        }
        show::good("a visitor that does not send a complete head in time is disconnected");
        Ok(())
    }

    async fn logout(&self) -> Outcome<()> {
        show::part("Logging out");
        let mut ada = Browser::new(self.app)?;
        let callback = ada.until_callback("allow").await?;
        ada.get(&callback).await?;
        same(ada.post("/logout", "").await?.status, StatusCode::FORBIDDEN)?;
        expect(ada.is_in().await?, "in")?;
        let (kept, csrf) = (ada.cookie.clone(), ada.csrf().await?);
        let answer = ada.post("/logout", &format!("csrf={csrf}")).await?;
        same((answer.status, &*answer.location), (StatusCode::SEE_OTHER, "/"))?;
        expect(answer.header("set-cookie").contains("Max-Age=0"), "the cookie goes")?;
        let mut thief = Browser { cookie: kept, ..Browser::new(self.app)? };
        expect(!ada.is_in().await? && !thief.is_in().await?, "out")?;
        show::good("only by this browser's own form; the cookie is removed, and a copy of it is of no use");
        Ok(())
    }

    fn hits(&self, grant_type: &str) -> usize {
        self.provider.with(|server| server.hits(grant_type).count())
    }
}

#[track_caller]
fn expect(holds: bool, what: impl Display) -> Outcome<()> {
    let place = std::panic::Location::caller();
    if holds { Ok(()) } else { Err(format!("{what}: not as it should be ({place})").into()) }
}

#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(found: T, wanted: T) -> Outcome<()> {
    expect(found == wanted, format!("{found:?} instead of {wanted:?}"))
}
