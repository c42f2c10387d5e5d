//! Server-sent events, on top of a streamed body: each is shown when it comes, and where the connection breaks, it is
//! made again, behind the last event that came.
//!
//!     cargo run -p downloads --bin events
//!
//! The events come from a server in this process, which breaks off in between, so no network is needed.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use asynckit::http::{self, Lines, Session};

fn main() -> Result<(), Box<dyn Error>> {
    let url = serve()?;
    let session = Session::builder().no_proxy().build()?;
    let mut last = String::new();
    for attempt in 1..=5 {
        for event in Events::open(&session, &url, &last)? {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    println!("({error})");
                    break;
                }
            };
            println!("{:>3}  {:<6}  {}", event.id, event.kind, event.data.replace('\n', " / "));
            if event.kind == "end" {
                return Ok(()); // what is left of the body closes its connection
            }
            last = event.id;
        }
        println!("the connection broke after event {last}: attempt {attempt} to go on");
        thread::sleep(Duration::from_millis(50));
    }
    Err("the server does not come to an end".into())
}

/// One event, as the HTML standard has it.
#[derive(Debug, Default, PartialEq)]
struct Event {
    id: String,
    kind: String,
    data: String,
}

/// The events of a body, as they come.
struct Events {
    lines: Lines,
    /// An event that names none has that of the one before it.
    id: String,
}

impl Events {
    /// Asks for the events behind `last`.
    fn open(session: &Session, url: &str, last: &str) -> Result<Self, Box<dyn Error>> {
        let mut request = session.request("GET", url).header("accept", "text/event-stream");
        if !last.is_empty() {
            request = request.header("last-event-id", last);
        }
        let body = request.stream().get(Some(Duration::from_secs(10)))?.error_for_status()?;
        Ok(Self { lines: body.lines(), id: last.to_owned() })
    }
}

impl Iterator for Events {
    type Item = Result<Event, http::Error>;

    /// Waits for the next event. One that is not whole at the end of the body is none.
    fn next(&mut self) -> Option<Self::Item> {
        let mut event = Event { kind: "message".to_owned(), ..Event::default() };
        let mut has_data = false;
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            if line.is_empty() && has_data {
                event.id.clone_from(&self.id);
                return Some(Ok(event));
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" if has_data => event.data.extend(["\n", value]),
                "data" => {
                    value.clone_into(&mut event.data);
                    has_data = true;
                }
                "event" => value.clone_into(&mut event.kind),
                "id" => value.clone_into(&mut self.id),
                _ => {} // a comment, or what is not known
            }
        }
    }
}

/// Sends ten events to each client, from the one behind its last one on, and breaks off after every fourth.
fn serve() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/events", listener.local_addr()?);
    thread::Builder::new().spawn(move || {
        for connection in listener.incoming().flatten() {
            let _ = send(connection); // it breaks off, too
        }
    })?;
    Ok(url)
}

fn send(mut connection: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let last = head.lines().find_map(|line| line.strip_prefix("last-event-id: "));
    let last: u32 = last.and_then(|last| last.parse().ok()).unwrap_or(0);
    let begin =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write_all(begin)?;
    for id in last + 1..=10 {
        let text = match id {
            10 => "id: 10\nevent: end\ndata: that is all\n\n".to_owned(),
            _ => format!(": a comment\nid: {id}\ndata: line one of {id}\ndata: line two\n\n"),
        };
        write!(connection, "{:x}\r\n{text}\r\n", text.len())?;
        thread::sleep(Duration::from_millis(20));
        if id % 4 == 0 {
            break;
        }
    }
    Ok(())
}
