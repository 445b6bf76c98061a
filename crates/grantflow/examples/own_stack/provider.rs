//! The other side: the testkit's server is a plain function, and here it listens.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use grantflow_testkit::{Client, Server};
use http::Request;

/// Listens on a free port until the program ends. Returns the URL of the token endpoint.
pub(crate) fn start() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut server = Server::new(&format!("http://{}", listener.local_addr()?));
    server.register(Client::confidential("robot", "s3cret").scope("clubs"));
    let token_url = server.token_url();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Err(error) = answer(stream, &mut server) {
                eprintln!("the provider could not answer: {error}");
            }
        }
    });
    Ok(token_url)
}

/// Reads one request, answers it and closes the connection.
fn answer(stream: TcpStream, server: &mut Server) -> io::Result<()> {
    // As much as any token request needs.
    let mut reader = BufReader::new((&stream).take(64 * 1024));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let mut request = Request::builder().method(words.next().unwrap_or_default()).uri(words.next().unwrap_or_default());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        // An empty line ends the head.
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().map_err(io::Error::other)?;
        }
        request = request.header(name, value);
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;

    let response = server.handle(&request.body(body).map_err(io::Error::other)?);
    let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\n", response.status());
    for (name, value) in response.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().map_err(io::Error::other)?);
    }
    (&stream).write_all(format!("{head}\r\n").as_bytes())?;
    (&stream).write_all(response.body())
}
