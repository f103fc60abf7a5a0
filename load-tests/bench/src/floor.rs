//! The floor: accept sockets, and write what the publisher sends to each of them, one `send(2)` after the other.
//!
//! What arrives in one read goes out as one buffer: that is how cheap a burst can be. Nothing here could be left out.

use crate::arguments::{Arguments, Failure};
use crate::wire::{frame, parse};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};

/// Serves `--subscribers` sockets and one publisher, who comes last, until the publisher leaves.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let subscribers: usize = arguments.need("subscribers")?;
    arguments.done()?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4_096)?;
    let listener = TcpListener::from(socket);
    println!("listening on http://{}", listener.local_addr()?);
    let mut members = Vec::with_capacity(subscribers);
    while members.len() < subscribers {
        members.push(accept(&listener)?);
    }
    let mut publisher = accept(&listener)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut publisher, Token(0), Interest::READABLE)?;
    let mut events = Events::with_capacity(8);
    let (mut buffer, mut waiting) = (vec![0; 256 << 10], Vec::new());
    loop {
        poll.poll(&mut events, None)?;
        loop {
            match publisher.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => waiting.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
            let mut out = Vec::new();
            let mut done = 0;
            while let Some((opcode, payload, length)) = parse(&waiting[done..]) {
                if opcode == 8 {
                    return Ok(());
                }
                out.extend(frame(opcode, payload, false));
                done += length;
            }
            waiting.drain(..done);
            for member in &mut members {
                // The measure never lets more pile up than a socket holds.
                if !out.is_empty() && member.write(&out)? != out.len() {
                    return Err("a socket did not take a whole buffer".into());
                }
            }
        }
    }
}

fn accept(listener: &TcpListener) -> Result<TcpStream, Failure> {
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
    Ok(TcpStream::from_std(stream))
}
