//! So many requests on their way all the time: a line sends the next one when its last is answered, on one thread.

use crate::appending::{Append, Heard};
use crate::arguments::Failure;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// The longest that is waited without a look at the clock.
const LOOK: Duration = Duration::from_millis(200);

/// A line, and its request.
struct Line {
    stream: TcpStream,
    partial: Vec<u8>,
    /// When it was sent, and to which of the rooms; none while nothing is on its way.
    asked: Option<(Instant, usize)>,
}

/// All lines, and what was answered.
pub struct Flight<'a> {
    append: &'a dyn Append,
    rooms: &'a [u64],
    poll: Poll,
    events: Events,
    lines: Vec<Line>,
    buffer: Vec<u8>,
    sent: usize,
    /// How many each room has acknowledged.
    pub acknowledged: Vec<u64>,
    /// What was not, in the server's words or ours.
    pub refused: Vec<String>,
    /// Milliseconds of each that was acknowledged since this was emptied.
    pub times: Vec<f64>,
}

impl<'a> Flight<'a> {
    /// Opens the lines, which append to these rooms in turn.
    pub fn open(append: &'a dyn Append, lines: usize, rooms: &'a [u64]) -> Result<Self, Failure> {
        let (poll, mut open) = (Poll::new()?, Vec::with_capacity(lines));
        for index in 0..lines {
            let stream = append.open(index)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            open.push(Line { stream, partial: Vec::new(), asked: None });
        }
        Ok(Self {
            append,
            rooms,
            poll,
            events: Events::with_capacity(lines.max(64)),
            lines: open,
            buffer: vec![0; 65_536],
            sent: 0,
            acknowledged: vec![0; rooms.len()],
            refused: Vec::new(),
            times: Vec::new(),
        })
    }

    /// Keeps every line busy for a while; what is on its way at its end goes on.
    pub fn fly(&mut self, time: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        for index in 0..self.lines.len() {
            if self.lines[index].asked.is_none() {
                self.send(index)?;
            }
        }
        while let Some(left) = time.checked_sub(begun.elapsed()) {
            self.turn(left.min(LOOK), true)?;
        }
        Ok(())
    }

    /// Sends nothing more, and waits so long for what is on its way.
    pub fn land(&mut self, patience: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        let under_way = |lines: &[Line]| lines.iter().filter(|line| line.asked.is_some()).count();
        while under_way(&self.lines) > 0 && begun.elapsed() < patience {
            self.turn(patience.min(LOOK), false)?;
        }
        let unanswered = under_way(&self.lines);
        self.refused.extend((0..unanswered).map(|_| format!("not answered within {patience:?}")));
        Ok(())
    }

    fn send(&mut self, index: usize) -> Result<(), Failure> {
        let room = self.sent % self.rooms.len();
        let request = self.append.request(self.rooms[room], self.sent);
        self.sent += 1;
        let line = &mut self.lines[index];
        line.asked = Some((Instant::now(), room));
        line.say(&request).map_err(|error| format!("line {index}: {error}").into())
    }

    fn turn(&mut self, wait: Duration, go_on: bool) -> Result<(), Failure> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let came: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for index in came {
            let free = self.read(index).map_err(|error| format!("line {index}: {error}"))?;
            if free && go_on {
                self.send(index)?;
            }
        }
        Ok(())
    }

    /// Reads what has come on a line; whether it was its answer.
    fn read(&mut self, index: usize) -> Result<bool, Failure> {
        let (line, mut free) = (&mut self.lines[index], false);
        loop {
            let read = match line.stream.read(&mut self.buffer) {
                Ok(0) => return Err("closed by the server".into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(free),
                Err(error) => return Err(error.into()),
            };
            line.partial.extend_from_slice(&self.buffer[..read]);
            let mut done = 0;
            while let Some((heard, length)) = self.append.hear(&line.partial[done..])? {
                done += length;
                match heard {
                    Heard::Acknowledged => {
                        let (sent, room) = line.asked.take().ok_or("an answer that nobody waits for")?;
                        self.times.push(sent.elapsed().as_secs_f64() * 1_000.0);
                        self.acknowledged[room] += 1;
                        free = true;
                    }
                    Heard::Refused(why) => {
                        line.asked.take().ok_or_else(|| format!("unasked: {why}"))?;
                        self.refused.push(why);
                        free = true;
                    }
                    Heard::Asked(sign) => line.say(&sign)?,
                    Heard::Nothing => {}
                }
            }
            line.partial.drain(..done);
            // A short read has emptied the socket; asking again would only say so.
            if read < self.buffer.len() {
                return Ok(free);
            }
        }
    }
}

impl Line {
    /// A few bytes: they fit, or the server has stopped reading.
    fn say(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.stream.write(bytes)? == bytes.len() { Ok(()) } else { Err("takes no more".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appending::Publish;
    use std::net::TcpListener;

    #[test]
    fn only_what_was_acknowledged_counts_in_its_room_and_what_was_not_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let publish = Publish { address: listener.local_addr().expect("it is bound"), key: "bk_1".into() };
        // Of ten requests the fourth is refused and the last is not answered.
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a line is opened");
            let mut buffer = [0; 4_096];
            for number in 0..10 {
                let read = stream.read(&mut buffer).expect("a request");
                assert!(buffer[..read].starts_with(b"POST /api/v1/publish "), "one at a time");
                let status = if number == 3 { "503 Service Unavailable" } else { "202 Accepted" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}");
                if number < 9 {
                    stream.write_all(answer.as_bytes()).expect("it is read");
                }
            }
            stream
        });
        let mut flight = Flight::open(&publish, 1, &[7, 8]).expect("a line");
        while flight.sent < 10 {
            flight.fly(Duration::from_millis(1)).expect("no line is cut");
        }
        flight.land(LOOK).expect("no line is cut");
        drop(server.join().expect("it has served"));
        assert_eq!((flight.acknowledged, flight.times.len()), (vec![5, 3], 8));
        assert!(flight.refused[0].contains(" 503 ") && flight.refused[1].starts_with("not answered"));
        assert_eq!(flight.refused.len(), 2);
    }
}
