//! A token endpoint's answer, from its members to checked values (RFC 6749 §5.1, §5.2).

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{form, json};
use crate::error::{ErrorResponse, Member, Violation};

/// A member's value, before anyone asked what type it must have.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Null,
    Text(Cow<'a, str>),
    /// A number that is neither negative nor infinite, floored; too large a one is the largest there is.
    Whole(u64),
    /// A list of texts, joined by spaces.
    List(String),
    /// Anything else.
    Other,
}

/// The members that have a meaning, each at most once, and the rest as it came.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    slots: [Option<Scalar<'a>>; Member::ALL.len()],
    pub(crate) extra: Extra,
    /// The first thing that is wrong with the object as a whole.
    pub(crate) violation: Option<Violation>,
}

impl<'a> Members<'a> {
    pub(crate) fn put(&mut self, member: Member, value: Scalar<'a>) {
        if let Some(slot) = self.slots.get_mut(member as usize)
            && slot.replace(value).is_some()
        {
            self.refuse(Violation::Duplicate(member));
        }
    }

    pub(crate) fn refuse(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    pub(crate) fn take(&mut self, member: Member) -> Option<Scalar<'a>> {
        self.slots.get_mut(member as usize)?.take()
    }

    #[cfg(test)]
    pub(crate) fn has(&self, member: Member) -> bool {
        self.slots.get(member as usize).is_some_and(Option::is_some)
    }

    /// Whether it is there and not `null`.
    fn has_value(&self, member: Member) -> bool {
        matches!(self.slots.get(member as usize), Some(Some(value)) if !matches!(value, Scalar::Null))
    }

    /// Whether it states an OAuth error, be it an unreadable one.
    fn states_error(&self, rules: &Rules<'_>) -> bool {
        match self.slots.get(Member::Error as usize) {
            Some(Some(Scalar::Null)) => !rules.null_is_absent,
            slot => matches!(slot, Some(Some(_))),
        }
    }

    pub(crate) fn keep_error_only(&mut self) {
        for member in Member::ALL {
            if !matches!(member, Member::Error | Member::ErrorDescription | Member::ErrorUri) {
                self.take(member);
            }
        }
        self.extra = Extra::default();
    }

    /// A text that must be there and not be empty.
    fn required(&mut self, member: Member, rules: &Rules<'_>) -> Result<Cow<'a, str>, Violation> {
        self.optional(member, rules)?.ok_or(Violation::Missing(member))
    }

    /// A text that may be absent, but not be empty.
    fn optional(&mut self, member: Member, rules: &Rules<'_>) -> Result<Option<Cow<'a, str>>, Violation> {
        match self.take(member) {
            None => Ok(None),
            Some(Scalar::Null) if rules.null_is_absent => Ok(None),
            Some(Scalar::Text(text)) if text.is_empty() => Err(Violation::Empty(member)),
            Some(Scalar::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Violation::WrongType(member)),
        }
    }

    /// A text for people: of any other type, it is as good as absent.
    fn commentary(&mut self, member: Member) -> Option<Cow<'a, str>> {
        match self.take(member) {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// How an answer is read: the server's quirks, as far as they bear on it.
pub(crate) struct Rules<'r> {
    pub(crate) names: json::Names<'r>,
    pub(crate) path: &'r [String],
    pub(crate) form: bool,
    pub(crate) missing_token_type: bool,
    pub(crate) null_is_absent: bool,
    pub(crate) scope_list: bool,
}

/// What an answer says, whatever its status.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    Token(TokenAnswer<'a>),
    Error(ErrorResponse),
}

/// A token answer whose members have been checked; only the scope's text has not been taken apart.
#[derive(Debug)]
pub(crate) struct TokenAnswer<'a> {
    pub(crate) access_token: Cow<'a, str>,
    pub(crate) kind: TokenKind,
    pub(crate) expires_in: Option<u64>,
    pub(crate) refresh_token: Option<Cow<'a, str>>,
    pub(crate) scope: Option<Cow<'a, str>>,
    pub(crate) id_token: Option<Cow<'a, str>>,
    pub(crate) extra: Extra,
}

/// The token types that this library understands (RFC 6749 §7.1): RFC 6750, RFC 9449.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Bearer,
    Dpop,
}

impl TokenKind {
    fn named(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("bearer") {
            Some(Self::Bearer)
        } else if text.eq_ignore_ascii_case("dpop") {
            Some(Self::Dpop)
        } else {
            None
        }
    }
}

/// Reads a token endpoint's body.
pub(crate) fn read<'a>(body: &'a [u8], rules: &Rules<'_>) -> Result<Content<'a>, Violation> {
    let looks_like_json = body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let mut members = Members::default();
    if rules.form && !looks_like_json {
        form_members(body, rules.names, &mut members)?;
    } else {
        json::parse(body, rules.path, rules.names, |members| members.states_error(rules), &mut members)?;
    }
    if let Some(violation) = members.violation {
        return Err(violation);
    }
    if members.states_error(rules) {
        if members.has_value(Member::AccessToken) {
            return Err(Violation::TokenAndError);
        }
        let code = match members.take(Member::Error) {
            Some(Scalar::Text(code)) if !code.is_empty() => code,
            Some(Scalar::Text(_)) => return Err(Violation::Empty(Member::Error)),
            _ => return Err(Violation::WrongType(Member::Error)),
        };
        let description = members.commentary(Member::ErrorDescription);
        let uri = members.commentary(Member::ErrorUri);
        return Ok(Content::Error(ErrorResponse::new(&code, description.as_deref(), uri.as_deref())));
    }
    token(&mut members, rules).map(Content::Token)
}

fn token<'a>(members: &mut Members<'a>, rules: &Rules<'_>) -> Result<TokenAnswer<'a>, Violation> {
    let access_token = visible(members.required(Member::AccessToken, rules)?, Member::AccessToken)?;
    let kind = match members.optional(Member::TokenType, rules)? {
        Some(text) => TokenKind::named(&text).ok_or(Violation::UnknownTokenType)?,
        None if rules.missing_token_type => TokenKind::Bearer,
        None => return Err(Violation::Missing(Member::TokenType)),
    };
    let expires_in = match members.take(Member::ExpiresIn) {
        None => None,
        Some(Scalar::Null) if rules.null_is_absent => None,
        Some(Scalar::Whole(seconds)) => Some(seconds),
        Some(Scalar::Text(text)) => Some(digits(&text).ok_or(Violation::WrongType(Member::ExpiresIn))?),
        Some(_) => return Err(Violation::WrongType(Member::ExpiresIn)),
    };
    let refresh_token = match members.optional(Member::RefreshToken, rules)? {
        Some(text) => Some(visible(text, Member::RefreshToken)?),
        None => None,
    };
    let scope = match members.take(Member::Scope) {
        None => None,
        Some(Scalar::Null) if rules.null_is_absent => None,
        Some(Scalar::List(joined)) if rules.scope_list => Some(Cow::Owned(joined)),
        Some(Scalar::Text(text)) => Some(text),
        Some(_) => return Err(Violation::WrongType(Member::Scope)),
    };
    let id_token = match members.optional(Member::IdToken, rules)? {
        Some(text) => Some(visible(text, Member::IdToken)?),
        None => None,
    };
    let extra = core::mem::take(&mut members.extra);
    Ok(TokenAnswer { access_token, kind, expires_in, refresh_token, scope, id_token, extra })
}

/// RFC 6749 appendix A.12, A.17: printable ASCII.
fn visible(text: Cow<'_, str>, member: Member) -> Result<Cow<'_, str>, Violation> {
    // All bytes, whatever they are: without a way out of the loop, several are looked at at once.
    if text.bytes().fold(true, |good, b| good & matches!(b, 0x20..=0x7e)) {
        Ok(text)
    } else {
        Err(Violation::Character(member))
    }
}

/// Digits and nothing else; more than fit are the largest number there is.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain { Some(text.parse().unwrap_or(u64::MAX)) } else { None }
}

fn form_members<'a>(body: &'a [u8], names: json::Names<'_>, members: &mut Members<'a>) -> Result<(), Violation> {
    let text = core::str::from_utf8(body).map_err(|_| Violation::NotForm)?.trim_ascii();
    if text.is_empty() {
        return Err(Violation::EmptyBody);
    }
    let mut unknown = String::new();
    for (raw_name, raw_value) in form::raw_pairs(text) {
        let name = form::decode(raw_name).ok_or(Violation::NotForm)?;
        let value = form::decode(raw_value).ok_or(Violation::NotForm)?;
        match names(&name) {
            Some(member) => members.put(member, Scalar::Text(value)),
            None => {
                if !unknown.is_empty() {
                    unknown.push('&');
                }
                unknown.push_str(raw_name);
                unknown.push('=');
                unknown.push_str(raw_value);
            }
        }
    }
    members.extra = Extra::form(unknown);
    Ok(())
}

/// The members that have no meaning to this library, as they came: for `extra::<T>()`.
#[derive(Clone, Default)]
pub(crate) struct Extra {
    form: bool,
    /// Empty if there are none. Wiped, for nobody knows what is in it.
    text: Zeroizing<String>,
}

impl Extra {
    pub(crate) fn json(text: String) -> Self {
        Self { form: false, text: Zeroizing::new(text) }
    }

    pub(crate) fn form(text: String) -> Self {
        Self { form: true, text: Zeroizing::new(text) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_form(&self) -> bool {
        self.form
    }

    /// The members as a value of the caller's; `None` if they do not fit.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        if self.form {
            serde_urlencoded::from_str(&self.text).ok()
        } else if self.text.is_empty() {
            serde_json::from_str("{}").ok()
        } else {
            serde_json::from_str(&self.text).ok()
        }
    }
}

impl core::fmt::Debug for Extra {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "[{} bytes]", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict() -> Rules<'static> {
        Rules {
            names: &Member::named,
            path: &[],
            form: false,
            missing_token_type: false,
            null_is_absent: false,
            scope_list: false,
        }
    }

    fn token_of<'a>(body: &'a str, rules: &Rules<'_>) -> Result<TokenAnswer<'a>, Violation> {
        match read(body.as_bytes(), rules)? {
            Content::Token(token) => Ok(token),
            Content::Error(error) => panic!("{error:?}"),
        }
    }

    /// A good answer with one more member.
    fn with(member: &str) -> String {
        format!("{{\"access_token\":\"t\",\"token_type\":\"bEARER\",{member}}}")
    }

    #[test]
    fn expires_in_in_all_its_shapes() {
        for (value, seconds) in [
            ("3600", 3600),
            ("0", 0),
            ("1.9", 1),
            ("\"3600\"", 3600),
            ("1e3", 1000),
            ("-0", 0),
            ("1e300", u64::MAX),
            ("18446744073709551615", u64::MAX),
            ("18446744073709551616", u64::MAX),
            ("\"99999999999999999999999\"", u64::MAX),
        ] {
            assert_eq!(
                token_of(&with(&format!("\"expires_in\":{value}")), &strict()).unwrap().expires_in,
                Some(seconds),
                "{value}"
            );
        }
        for value in ["-1", "-0.5", "null", "true", "\"\"", "\"60abc\"", "\"-1\"", "\"1.5\"", "\" 60\"", "[5]", "{}"] {
            assert_eq!(
                token_of(&with(&format!("\"expires_in\":{value}")), &strict()).unwrap_err(),
                Violation::WrongType(Member::ExpiresIn),
                "{value}"
            );
        }
    }

    #[test]
    fn tokens_are_visible_text() {
        for (body, violation) in [
            (r#"{"token_type":"bearer"}"#, Violation::Missing(Member::AccessToken)),
            (r#"{"access_token":"","token_type":"bearer"}"#, Violation::Empty(Member::AccessToken)),
            (r#"{"access_token":7,"token_type":"bearer"}"#, Violation::WrongType(Member::AccessToken)),
            (r#"{"access_token":"a\r\nb","token_type":"bearer"}"#, Violation::Character(Member::AccessToken)),
            (r#"{"access_token":"a\u0000","token_type":"bearer"}"#, Violation::Character(Member::AccessToken)),
            (r#"{"access_token":"é","token_type":"bearer"}"#, Violation::Character(Member::AccessToken)),
            (r#"{"access_token":"a"}"#, Violation::Missing(Member::TokenType)),
            (r#"{"access_token":"a","token_type":""}"#, Violation::Empty(Member::TokenType)),
            (r#"{"access_token":"a","token_type":"example"}"#, Violation::UnknownTokenType),
            (r#"{"access_token":"a","token_type":"N_A"}"#, Violation::UnknownTokenType),
            (r#"{"access_token":"a","token_type":"bearer","error":"x"}"#, Violation::TokenAndError),
            (r#"{"error":""}"#, Violation::Empty(Member::Error)),
            (r#"{"error":null}"#, Violation::WrongType(Member::Error)),
            (r#"{"error":{"message":"x"}}"#, Violation::WrongType(Member::Error)),
        ] {
            assert_eq!(read(body.as_bytes(), &strict()).unwrap_err(), violation, "{body}");
        }
        for member in ["refresh_token", "id_token"] {
            for bad in ["null", "\"\"", "1", "[]", "\"a\\nb\""] {
                assert!(token_of(&with(&format!("\"{member}\":{bad}")), &strict()).is_err(), "{member} {bad}");
            }
        }
        for bad in ["null", "[\"a\"]", "1"] {
            assert_eq!(
                token_of(&with(&format!("\"scope\":{bad}")), &strict()).unwrap_err(),
                Violation::WrongType(Member::Scope)
            );
        }
        assert_eq!(token_of(&with("\"scope\":\"\""), &strict()).unwrap().scope.as_deref(), Some(""));
    }

    #[test]
    fn an_error_keeps_its_code_whatever_its_description_is() {
        let body = br#"{"error":"invalid_grant","error_description":42,"error_uri":null}"#;
        match read(body, &strict()).unwrap() {
            Content::Error(error) => {
                assert_eq!((error.code().as_str(), error.untrusted_description()), ("invalid_grant", None))
            }
            Content::Token(token) => panic!("{token:?}"),
        }
    }

    #[test]
    fn named_leniencies() {
        let rules = Rules { missing_token_type: true, null_is_absent: true, scope_list: true, ..strict() };
        let body = r#"{"access_token":"t","token_type":null,"refresh_token":null,"expires_in":null,"scope":["a","b"]}"#;
        let token = token_of(body, &rules).unwrap();
        assert_eq!((token.kind, token.scope.as_deref(), token.expires_in), (TokenKind::Bearer, Some("a b"), None));
        assert!(token_of(r#"{"access_token":"t","scope":["a",1]}"#, &rules).is_err());
        assert!(read(br#"{"error":null}"#, &rules).is_err());
        // Beside a token it is as good as absent, wherever it stands; without the leniency it is a contradiction.
        let beside = r#"{"access_token":"t","token_type":"bearer","error":null,"error_description":null}"#;
        assert!(token_of(beside, &rules).is_ok());
        assert_eq!(token_of(beside, &strict()).unwrap_err(), Violation::TokenAndError);
        let path = ["a".to_owned(), "b".to_owned()];
        let nested = format!(r#"{{"error":null,"a":{{"error":null,"b":{beside}}}}}"#);
        assert!(token_of(&nested, &Rules { path: &path, null_is_absent: true, ..strict() }).is_ok());
        assert_eq!(
            token_of(&nested, &Rules { path: &path, ..strict() }).unwrap_err(),
            Violation::WrongType(Member::Error)
        );
    }

    #[test]
    fn a_form_is_read_on_request_only() {
        let rules = Rules { form: true, ..strict() };
        let body = "access_token=a%2Bb&token_type=bearer&expires_in=60&x=1&y=%20z";
        let token = token_of(body, &rules).unwrap();
        assert_eq!((&*token.access_token, token.expires_in, token.extra.text()), ("a+b", Some(60), "x=1&y=%20z"));
        assert!(matches!(read(body.as_bytes(), &strict()), Err(Violation::NotJson { .. })));
        assert!(token_of(&with("\"x\":1"), &rules).is_ok(), "a JSON body is JSON all the same");
        for (bad, violation) in [
            ("access_token=a&access_token=b&token_type=bearer", Violation::Duplicate(Member::AccessToken)),
            ("access_token=%ff&token_type=bearer", Violation::NotForm),
            ("access_token=%zz", Violation::NotForm),
            ("", Violation::EmptyBody),
        ] {
            assert_eq!(token_of(bad, &rules).unwrap_err(), violation, "{bad}");
        }
    }

    #[test]
    fn extra_members_become_the_callers_type() {
        #[derive(serde::Deserialize)]
        struct Site {
            instance_url: String,
            big: Option<serde_json::Number>,
        }
        let token = token_of(
            r#"{"access_token":"t","token_type":"bearer","instance_url":"https:\/\/x","big":12345678901234567890123}"#,
            &strict(),
        );
        let site: Site = token.unwrap().extra.read().unwrap();
        assert_eq!(site.instance_url, "https://x");
        assert!(site.big.is_some());
        assert!(Extra::default().read::<Site>().is_none());
        assert_eq!(Extra::form("instance_url=a%20b".into()).read::<Site>().unwrap().instance_url, "a b");
    }
}
