//! An echo on the server's own frame reader, stream and shard writer, for the conformance cases of RFC 6455. It differs
//! from a session in what it does with a message (send it back) and in its bounds (the cases send 16 MiB).
#![expect(clippy::unwrap_used, reason = "where this cannot start, it says so and ends")]

use belfry::bus::LocalBus;
use belfry::config::SocketConfig;
use belfry::hub::io::Io;
use belfry::hub::{Hub, Observer, Parts, Phase};
use belfry::model::clock::DatabaseClock;
use belfry::model::random::SystemEntropy;
use belfry::model::{EpochCell, Event};
use belfry::protocol::codec::{Codec, close_frame_with, frame};
use belfry::store::sqlite::{Mode, Options, Sqlite};
use belfry::ws::frames::{FrameReader, Incoming};
use belfry::ws::source::Source;
use clap::Parser;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_util::task::TaskTracker;

/// The longest message of the cases, and some room.
const LONGEST: usize = 20 << 20;

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    sockets: SocketConfig,
}

/// No instance, so nothing to hear.
struct Deaf;

impl Observer for Deaf {
    fn observe(&self, _: &Event) {}
    fn replaced(&self) {}
    fn swept(&self, _: bool) {}
}

#[tokio::main]
async fn main() {
    let mut config = Settings::parse_from(["echo"]).sockets;
    config.max_outbox = 4 * LONGEST;
    config.hot.max_lag_bytes = config.max_outbox;
    // Heartbeats are messages, and no case expects one.
    config.heartbeat = Duration::from_secs(3_600);
    config.frame_timeout = Duration::from_secs(120);
    config.slow_timeout = Duration::from_secs(120);
    let folder = tempfile::tempdir().unwrap();
    let store =
        Sqlite::connect(&folder.path().join("echo.db"), Options::new(Mode::Serve, folder.path())).await.unwrap();
    let parts = Parts {
        config,
        store: Arc::new(store),
        bus: LocalBus::new().join(),
        clock: Arc::new(DatabaseClock::new()),
        entropy: Arc::new(SystemEntropy),
        epoch: EpochCell::new("echo"),
        observer: Arc::new(Deaf),
        shards: 2,
    };
    let hub = Arc::new(Hub::start(parts, &TaskTracker::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on ws://{}", listener.local_addr().unwrap());
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(hub.clone(), stream));
    }
}

async fn serve(hub: Arc<Hub>, mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let Some(early) = upgrade(&mut stream).await else { return };
    let socket = hub.register(Io::Tcp(stream), Codec::Json, false);
    let (mut frames, mut source) = (FrameReader::default(), Source::Tcp);
    frames.feed(&early);
    let mut farewell = false;
    loop {
        match frames.next(LONGEST) {
            Ok(Some(incoming)) => {
                socket.begun(false);
                let open = socket.lock().phase() == Phase::Open;
                match incoming {
                    Incoming::Text(payload) if open => socket.send_frame(frame(OpCode::Data(Data::Text), &payload)),
                    Incoming::Binary(payload) if open => socket.send_frame(frame(OpCode::Data(Data::Binary), &payload)),
                    Incoming::Ping(payload) => socket.send_frame(frame(OpCode::Control(Control::Pong), &payload)),
                    Incoming::Close(code) if !farewell => {
                        farewell = true;
                        let echo = code.map_or_else(
                            || frame(OpCode::Control(Control::Close), b""),
                            |code| close_frame_with(code, ""),
                        );
                        socket.close_with(code.unwrap_or(1005), echo);
                    }
                    _ => {}
                }
            }
            Ok(None) => {
                socket.begun(frames.held() > 0);
                match source.read(&socket.io, &mut frames).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => socket.hear(),
                }
            }
            Err(violation) => {
                socket.close(violation.close_code());
                frames = FrameReader::default();
                while let Ok(1..) = source.read(&socket.io, &mut frames).await {
                    frames = FrameReader::default();
                }
                return;
            }
        }
    }
}

/// Answers the upgrade; what came behind it.
async fn upgrade(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let end = loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let (_, key) = headers.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nServer: Belfry\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.trim().as_bytes())
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    Some(request.split_off(end))
}
