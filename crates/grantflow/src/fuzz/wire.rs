//! Encodings: what is written is read back, by this library and by others.

use base64ct::{Base64, Encoding as _};

use super::naive_decode;
use crate::wire::form::{Space, decode, encode, encode_into, encoded_len, raw_pairs};

/// Any text, encoded and decoded; any bytes, decoded.
pub fn form(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);

    let encoded = encode(&text);
    assert_eq!(decode(&encoded).as_deref(), Some(&*text));
    assert_eq!(naive_decode(&encoded).as_deref(), Some(&*text));
    assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._%+".contains(&b)));
    let mut percent = String::new();
    encode_into(&mut percent, &text, Space::Percent);
    assert_eq!(percent.len(), encoded_len(&text));
    assert_eq!(naive_decode(&percent).as_deref(), Some(&*text));
    assert!(!percent.contains('+'));

    assert_eq!(decode(&text).as_deref(), naive_decode(&text).as_deref(), "two readers of one form");

    // This library reads what others write, and others read what it writes. The two escape different characters, `~`
    // and `*`, and agree on the meaning.
    let theirs = serde_urlencoded::to_string([(&*text, &*text)]).expect("serde_urlencoded writes everything");
    let (name, value) = theirs.split_once('=').expect("a name and a value");
    assert_eq!((decode(name).as_deref(), decode(value).as_deref()), (Some(&*text), Some(&*text)));
    for ours in [&encoded, &percent] {
        let read: Vec<(String, String)> =
            serde_urlencoded::from_str(&format!("n={ours}")).expect("it reads everything");
        assert_eq!(read, [("n".to_owned(), text.clone().into_owned())]);
    }

    // If this library reads a form at all, serde_urlencoded reads the same.
    let ours: Option<Vec<(String, String)>> =
        raw_pairs(&text).map(|(name, value)| Some((decode(name)?.into_owned(), decode(value)?.into_owned()))).collect();
    if let Some(ours) = ours {
        let theirs: Vec<(String, String)> =
            serde_urlencoded::from_str(&text).expect("serde_urlencoded reads everything");
        assert_eq!(ours, theirs);
    }
}

/// An id and a secret, separated by NUL: the header holds both, byte for byte.
pub fn basic(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (id, secret) = text.split_once('\0').unwrap_or((&text, "s"));
    let pair_in = |raw| {
        let header = crate::wire::basic::header(id, secret, raw)?;
        assert!(header.is_sensitive());
        let line = String::from_utf8(header.as_bytes().to_vec()).unwrap();
        let encoded = line.strip_prefix("Basic ").expect("the scheme");
        let pair = String::from_utf8(Base64::decode_vec(encoded).expect("base64")).expect("UTF-8");
        let (id, secret) = pair.split_once(':').expect("a colon");
        Some((id.to_owned(), secret.to_owned()))
    };
    let (sent_id, sent_secret) = pair_in(false).expect("encoded credentials always fit");
    assert_eq!(naive_decode(&sent_id).as_deref(), Some(id));
    assert_eq!(naive_decode(&sent_secret).as_deref(), Some(secret));
    match pair_in(true) {
        Some(sent) => assert_eq!(sent, (id.to_owned(), secret.to_owned())),
        None => {
            assert!(id.contains(':') || id.chars().chain(secret.chars()).any(char::is_control), "refused for nothing")
        }
    }
    assert!(pair_in(true).is_none() || !id.contains(':'), "raw credentials that cannot be told apart");
}
