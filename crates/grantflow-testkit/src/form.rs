//! Parameters of requests: from a query, a form body or, if a knob allows it, a JSON body.

use serde_json::Value;

use crate::exchange::TOKEN_EXCHANGE;

/// The parameters of one request, in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` (RFC 6749 appendix B).
    pub(crate) fn parse(bytes: &[u8]) -> Form {
        Form { pairs: form_urlencoded::parse(bytes).into_owned().collect() }
    }

    /// Reads a JSON object. An array stands for a repeated parameter.
    pub(crate) fn parse_json(bytes: &[u8]) -> Option<Form> {
        let Value::Object(members) = serde_json::from_slice(bytes).ok()? else {
            return None;
        };
        let mut pairs = Vec::new();
        for (name, value) in members {
            match value {
                Value::Array(values) => {
                    for value in values {
                        pairs.push((name.clone(), scalar(value)?));
                    }
                }
                value => pairs.push((name, scalar(value)?)),
            }
        }
        Some(Form { pairs })
    }

    /// The parameter's value. One without a value counts as not sent (RFC 6749 section 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// All values of a parameter that may repeat.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether the parameter was sent more than once.
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.pairs.iter().filter(|(key, _)| key == name).count() > 1
    }

    /// Whether a parameter was sent more than once (RFC 6749 section 3.1). Only `resource` may repeat (RFC 8707 section
    /// 2), and `audience` in a token exchange (RFC 8693 section 2.1).
    pub(crate) fn has_duplicates(&self) -> bool {
        let is_exchange = self.get("grant_type") == Some(TOKEN_EXCHANGE);
        let may_repeat = |name: &str| name == "resource" || is_exchange && name == "audience";
        self.pairs.iter().any(|(name, _)| !may_repeat(name) && self.repeats(name))
    }
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The first value of a parameter in a query.
pub(crate) fn query_value(query: &str, name: &str) -> Option<String> {
    Form::parse(query.as_bytes()).get(name).map(str::to_owned)
}

/// Writes parameters as a query or form body.
pub(crate) fn encode(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Decodes one form-encoded component (RFC 6749 appendix B).
///
/// `None` for a percent sign that begins no escape, and for bytes that are not UTF-8. So a client that sends its secret
/// without encoding it does not get through by luck.
pub(crate) fn decode_component(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Makes text safe inside HTML text and double-quoted attributes.
pub(crate) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A JSON string literal.
pub(crate) fn json_string(text: &str) -> String {
    Value::from(text).to_string()
}

/// A JSON array of string literals.
pub(crate) fn json_strings<T: AsRef<str>>(texts: &[T]) -> String {
    Value::from_iter(texts.iter().map(AsRef::as_ref)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appendix_b_vector() {
        assert_eq!(decode_component("+%25%26%2B%C2%A3%E2%82%AC").as_deref(), Some(" %&+\u{a3}\u{20ac}"));
        for bad in ["100%", "%4", "%zz", "%+1", "%ff"] {
            assert_eq!(decode_component(bad), None, "{bad}");
        }
    }

    #[test]
    fn duplicates_and_empty_values() {
        let form = Form::parse(b"a=1&resource=x&resource=y&b=&c=%2B+");
        assert!(!form.has_duplicates());
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b"), None);
        assert_eq!(form.get("c"), Some("+ "));
        assert_eq!(form.all("resource"), ["x", "y"]);
        assert!(Form::parse(b"a=1&a=1").has_duplicates());
    }

    #[test]
    fn json_bodies() {
        let form = Form::parse_json(br#"{"a":"x","n":5,"resource":["p","q"]}"#).unwrap();
        assert_eq!(form.get("a"), Some("x"));
        assert_eq!(form.get("n"), Some("5"));
        assert_eq!(form.all("resource"), ["p", "q"]);
        for bad in ["[]", "{", "{\"a\":null}", "{\"a\":{}}", "{\"a\":[[]]}", ""] {
            assert!(Form::parse_json(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
