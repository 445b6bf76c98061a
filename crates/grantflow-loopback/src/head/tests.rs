use super::*;

fn read(head: &str) -> Result<Head, Refusal> {
    let whole = HeadReader::default().take(head.as_bytes())?;
    Ok(whole.expect("the head is whole").0)
}

/// The parsed target of a GET with this target.
fn target(target: &str) -> Result<String, Refusal> {
    read(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).map(|head| head.target.to_string())
}

#[test]
fn a_browsers_request_is_read() {
    let head = read(
        "GET /callback?code=a%20b&state=s HTTP/1.1\r\nHost: 127.0.0.1:7777\r\nUser-Agent: x (y; z)\r\nCookie: a=b; c=\"d\"\r\n\r\n",
    )
    .unwrap();
    assert_eq!((head.method, head.target.to_string()), (Method::GET, "/callback?code=a%20b&state=s".to_owned()));
    assert_eq!((head.authority.as_deref(), head.body_len), (Some("127.0.0.1:7777"), 0));
}

#[test]
fn bytes_after_the_head_are_given_back() {
    let (head, rest) = HeadReader::default()
        .take(b"POST /cb HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
        .unwrap()
        .unwrap();
    assert_eq!((head.method, head.body_len, &*rest), (Method::POST, 3, &b"abc"[..]));
    assert_eq!((head.content_type.unwrap().to_str().unwrap(), head.expects_continue), ("a/b", true));
}

#[test]
fn lines_end_with_lf_or_crlf_and_may_be_empty_before_the_request() {
    for head in
        ["GET / HTTP/1.1\nHost: x\n\n", "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "\nGET / HTTP/1.1\nHost:x\n\r\n"]
    {
        assert!(read(head).is_ok(), "{head:?}");
    }
    for head in [
        "GET / HTTP/1.1\rHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\ry: z\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n",
        "\rGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\n\r\n\r GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert_eq!(read(head).err(), Some(Refusal::Malformed), "{head:?}");
        // The same in single bytes.
        let mut reader = HeadReader::default();
        let refused = head.as_bytes().chunks(1).find_map(|piece| reader.take(piece).err());
        assert_eq!(refused, Some(Refusal::Malformed), "{head:?}");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for line in [
        "GET /",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1.10",
        "GET / HTTP/1",
    ] {
        let refused = HeadReader::default().take(format!("{line}\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(refused.err(), Some(Refusal::Malformed), "{line}");
    }
    for field in ["no colon", ": x", "a b: c", "a : b", " a: b", "a: \u{1}", "é: x"] {
        assert_eq!(
            read(&format!("GET / HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n")).err(),
            Some(Refusal::Malformed),
            "{field:?}"
        );
    }
    for (version, refusal) in
        [("HTTP/2.0", Refusal::Version), ("HTTP/0.9", Refusal::Version), ("HTTP/1.2", Refusal::Malformed)]
    {
        // A later HTTP/1 version is read like HTTP/1.1, so it needs a `Host`.
        assert_eq!(read(&format!("GET / {version}\r\n\r\n")).err(), Some(refusal), "{version}");
    }
    assert!(read("GET / HTTP/1.2\r\nHost: x\r\n\r\n").is_ok());
}

#[test]
fn a_tls_greeting_is_known_by_its_first_byte() {
    assert_eq!(HeadReader::default().take(&[0x16]).err(), Some(Refusal::Malformed));
    assert_eq!(HeadReader::default().take(b"\r\n\x00").err(), Some(Refusal::Malformed));
    assert!(HeadReader::default().take(b"G").unwrap().is_none());
}

#[test]
fn host_is_there_once_but_for_http_1_0() {
    assert_eq!(read("GET / HTTP/1.1\r\n\r\n").err(), Some(Refusal::Malformed));
    assert_eq!(read("GET / HTTP/1.0\r\n\r\n").unwrap().authority, None);
    assert_eq!(read("GET / HTTP/1.0\r\nhOST:\tx \r\n\r\n").unwrap().authority.as_deref(), Some("x"));
    for version in ["1.0", "1.1"] {
        let two = format!("GET / HTTP/{version}\r\nHost: x\r\nHost: x\r\n\r\n");
        assert_eq!(read(&two).err(), Some(Refusal::Malformed));
    }
}

#[test]
fn a_target_is_a_path_or_an_absolute_address() {
    let absolute = read("GET HTTP://127.0.0.1:1?x=1 HTTP/1.1\r\nHost: elsewhere\r\n\r\n").unwrap();
    assert_eq!((absolute.target.to_string(), absolute.authority.as_deref()), ("/?x=1".to_owned(), Some("127.0.0.1:1")));
    assert_eq!(target("http://h/a/b?c").unwrap(), "/a/b?c");
    assert_eq!(target("http://h").unwrap(), "/");
    assert_eq!(target("//a//b").unwrap(), "//a//b");
    for bad in ["*", "h:1", "https://h/", "a/b", "", "ftp://h/", "?x", "/a#b", "/a\u{7f}", "/a\tb"] {
        assert_eq!(target(bad).err(), Some(Refusal::Malformed), "{bad}");
    }
}

#[test]
fn what_servers_leave_unescaped_is_escaped() {
    assert_eq!(target("/cb?e=<b>\"{}|\\^`").unwrap(), "/cb?e=%3Cb%3E%22%7B%7D%7C%5C%5E%60");
    assert_eq!(target("/cb?e=é&ok=%C3%a9+%zz").unwrap(), "/cb?e=%C3%A9&ok=%C3%a9+%zz");
    let latin1 = [&b"GET /cb?e=\xe9 HTTP/1.1\r\nHost: x\r\n\r\n"[..]].concat();
    let (head, _) = HeadReader::default().take(&latin1).unwrap().unwrap();
    assert_eq!(head.target.to_string(), "/cb?e=%E9");
}

#[test]
fn a_body_has_one_announced_length() {
    let post =
        |fields: &str| read(&format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n")).map(|head| head.body_len);
    assert_eq!(post("Content-Length: 007"), Ok(7));
    assert_eq!(post("Content-Length: 7\r\nContent-Length: 7"), Ok(7));
    assert_eq!(post("A: b"), Ok(0));
    assert_eq!(post(&format!("Content-Length: {MAX_BODY}")), Ok(MAX_BODY));
    assert_eq!(post(&format!("Content-Length: {}", MAX_BODY + 1)), Err(Refusal::BodyTooLong));
    assert_eq!(post("Content-Length: 99999999999999999999999999"), Err(Refusal::BodyTooLong));
    assert_eq!(post("Transfer-Encoding: chunked"), Err(Refusal::NoLength));
    for bad in [
        "Content-Length: -1",
        "Content-Length: +1",
        "Content-Length:",
        "Content-Length: 1, 1",
        "Content-Length: 1\r\nContent-Length: 2",
        "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Content-Type: a/b\r\nContent-Type: a/b",
    ] {
        assert_eq!(post(bad), Err(Refusal::Malformed), "{bad}");
    }
}

#[test]
fn a_head_ends_somewhere() {
    let mut endless = HeadReader::default();
    let mut pieces = 0;
    while endless.take(&[b'x'; 1000]).is_ok() {
        pieces += 1;
    }
    assert_eq!(pieces, MAX_HEAD / 1000);
    let mut empty = HeadReader::default();
    assert!(empty.take(&[b'\n'; MAX_HEAD]).is_ok());
    assert_eq!(empty.take(b"\r\n").err(), Some(Refusal::HeadTooLong));

    let longest = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD - 32));
    assert_eq!((longest.len(), read(&longest).is_ok()), (MAX_HEAD, true));
    assert_eq!(read(&longest.replacen("X: ", "XX: ", 1)).err(), Some(Refusal::HeadTooLong));
}

#[test]
fn the_pieces_do_not_matter() {
    let text = b"\r\nPOST /cb?x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
    for size in 1..text.len() {
        let mut reader = HeadReader::default();
        let mut pieces = text.chunks(size);
        let (head, rest) = loop {
            if let Some(whole) = reader.take(pieces.next().unwrap()).unwrap() {
                break whole;
            }
        };
        assert_eq!((head.target.path(), head.body_len), ("/cb", 2));
        assert_eq!([rest, pieces.flatten().copied().collect()].concat(), b"ab", "pieces of {size}");
    }
}
