//! Plays a script on one connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::faults::{Fault, Step};
use super::request::{self, LARGEST_REQUEST, Progress, RecordedRequest};
use super::{LONGEST, Shared};
use crate::support::whole::LINGER;

/// How often a blocked read or write checks whether the server has to stop.
const TICK: Duration = Duration::from_millis(20);

pub(super) fn play(stream: TcpStream, connection: usize, fault: &Fault, shared: &Shared) {
    let mut wire = Wire { stream, connection, shared, unread: Vec::new(), end: Instant::now() + LONGEST };
    // An error means that the client left, or that the server ended: the script ends in both cases.
    let _ = wire.play(fault.script());
}

struct Wire<'a> {
    stream: TcpStream,
    connection: usize,
    shared: &'a Shared,
    /// Received, and not yet part of a request.
    unread: Vec<u8>,
    end: Instant,
}

impl Wire<'_> {
    fn play(&mut self, steps: &[Step]) -> io::Result<()> {
        self.stream.set_read_timeout(Some(TICK))?;
        self.stream.set_write_timeout(Some(TICK))?;
        // Bytes that are sent one by one should arrive one by one.
        self.stream.set_nodelay(true)?;
        for step in steps {
            match step {
                Step::ReadRequest => self.read_request()?,
                Step::ReadSome => self.read_some()?,
                Step::Send(bytes) => self.send(bytes)?,
                Step::Fill { byte, times } => self.fill(*byte, *times)?,
                Step::Drip { bytes, pause } => self.drip(bytes, *pause)?,
                Step::Pause(time) => self.pause(*time)?,
                Step::Hang => self.drain(self.end)?,
                Step::Reset => return SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)),
            }
        }
        self.stream.shutdown(Shutdown::Write)?;
        self.drain(self.end.min(Instant::now() + LINGER))
    }

    fn read_request(&mut self) -> io::Result<()> {
        loop {
            match request::parse(&self.unread) {
                Progress::Complete(head, body, used) => {
                    self.unread.drain(..used);
                    self.shared.hits().push(RecordedRequest { head, body, connection: self.connection });
                    return Ok(());
                }
                Progress::Nonsense => return Err(ErrorKind::InvalidData.into()),
                Progress::Incomplete if self.unread.len() > LARGEST_REQUEST => {
                    return Err(ErrorKind::FileTooLarge.into());
                }
                Progress::Incomplete => self.receive(self.end)?,
            }
        }
    }

    fn read_some(&mut self) -> io::Result<()> {
        if self.unread.is_empty() { self.receive(self.end) } else { Ok(()) }
    }

    /// Waits for bytes; there is at least one on success.
    fn receive(&mut self, until: Instant) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.unread.extend_from_slice(&buffer[..n]);
                    return Ok(());
                }
                Err(e) => self.blocked(&e, until)?,
            }
        }
    }

    /// Reads and drops everything, until the client goes or the time is up.
    fn drain(&mut self, until: Instant) -> io::Result<()> {
        loop {
            self.unread.clear();
            match self.receive(until) {
                Err(e) if e.kind() == ErrorKind::TimedOut && !self.shared.stopping() => {
                    return Ok(());
                }
                other => other?,
            }
        }
    }

    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(e) => self.blocked(&e, self.end)?,
            }
        }
        Ok(())
    }

    fn fill(&mut self, byte: u8, mut times: u64) -> io::Result<()> {
        let block = [byte; 64 * 1024];
        while times > 0 {
            let n = block.len().min(usize::try_from(times).unwrap_or(usize::MAX));
            self.send(&block[..n])?;
            times -= n as u64;
        }
        Ok(())
    }

    fn drip(&mut self, bytes: &[u8], pause: Duration) -> io::Result<()> {
        for byte in bytes.iter().cycle() {
            self.send(&[*byte])?;
            self.pause(pause)?;
        }
        Ok(())
    }

    fn pause(&self, time: Duration) -> io::Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.alive(self.end)?;
            thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    /// A read or write had no result: no fault yet, if it only took too long.
    fn blocked(&self, error: &io::Error, until: Instant) -> io::Result<()> {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => self.alive(until),
            kind => Err(kind.into()),
        }
    }

    fn alive(&self, until: Instant) -> io::Result<()> {
        if self.shared.stopping() || Instant::now() >= until { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}
