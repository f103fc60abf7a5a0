//! The floor: accept sockets, and write what the publisher sends to each one in the room, one `send(2)` after the other.
//!
//! What arrives in one read goes out as one buffer a room: that is how cheap a burst can be. Nothing here could be left
//! out.

use crate::arguments::{Arguments, Failure};
use crate::wire::{frame, parse};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};

/// The sockets of a room, and what waits for them.
#[derive(Default)]
struct Room {
    members: Vec<TcpStream>,
    out: Vec<u8>,
}

/// Serves `--subscribers` sockets and one publisher, who comes last, until the publisher leaves.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let subscribers: usize = arguments.need("subscribers")?;
    arguments.done()?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4_096)?;
    let listener = TcpListener::from(socket);
    println!("listening on http://{}", listener.local_addr()?);
    let mut rooms: Vec<Room> = Vec::new();
    for _ in 0..subscribers {
        let (stream, path) = accept(&listener)?;
        let room = path.rsplit_once("room=").and_then(|(_, room)| room.parse::<usize>().ok()).ok_or("no room")?;
        if rooms.len() <= room {
            rooms.resize_with(room + 1, Room::default);
        }
        rooms[room].members.push(stream);
    }
    let (mut publisher, _) = accept(&listener)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut publisher, Token(0), Interest::READABLE)?;
    let mut events = Events::with_capacity(8);
    let (mut buffer, mut waiting, mut due) = (vec![0; 256 << 10], Vec::new(), Vec::new());
    loop {
        poll.poll(&mut events, None)?;
        loop {
            match publisher.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => waiting.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
            let mut done = 0;
            while let Some((opcode, payload, length)) = parse(&waiting[done..]) {
                if opcode == 8 {
                    return Ok(());
                }
                let line = payload.iter().position(|byte| *byte == b'\n').ok_or("a message for no room")?;
                let room: usize = std::str::from_utf8(&payload[..line])?.parse()?;
                let out = &mut rooms.get_mut(room).ok_or("a room that nobody is in")?.out;
                if out.is_empty() {
                    due.push(room);
                }
                out.extend(frame(opcode, &payload[line + 1..], false));
                done += length;
            }
            waiting.drain(..done);
            for room in due.drain(..) {
                let Room { members, out } = &mut rooms[room];
                for member in members {
                    write(member, out)?;
                }
                out.clear();
            }
        }
    }
}

/// Waits for a reader that is behind: the floor keeps no queue.
fn write(member: &mut TcpStream, mut bytes: &[u8]) -> Result<(), Failure> {
    while !bytes.is_empty() {
        match member.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn accept(listener: &TcpListener) -> Result<(TcpStream, String), Failure> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    // The accept of the key that every client of this kit sends: the example of RFC 6455.
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    stream.write_all(answer.as_bytes())?;
    stream.set_nonblocking(true)?;
    let path = String::from_utf8(request)?.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok((TcpStream::from_std(stream), path))
}
