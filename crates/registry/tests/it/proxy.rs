//! A proxy on loopback that breaks connections when it is told to. Owns when: after so many bytes, or at a request.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// When connections break, for good.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// After so many bytes towards the registry.
    AfterBytes(usize),
    /// At this request line's beginning, the so many-th time (from 1).
    AtRequest(&'static str, usize),
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    cut: Mutex<Cut>,
    sent: AtomicUsize,
    seen: AtomicUsize,
    is_cut: AtomicBool,
}

impl Proxy {
    /// Stands before a registry.
    pub(crate) fn before(registry: SocketAddr, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            cut: Mutex::new(cut),
            sent: AtomicUsize::new(0),
            seen: AtomicUsize::new(0),
            is_cut: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(registry) else { continue };
                let state = Arc::clone(&shared);
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || state.forward(from, to));
                thread::spawn(move || back(server, client));
            }
        });
        Self { address, state }
    }

    /// Whether the connections have been broken.
    pub(crate) fn is_cut(&self) -> bool {
        self.state.is_cut.load(Ordering::SeqCst)
    }

    /// Lets everything through from now on.
    pub(crate) fn mend(&self) {
        *self.state.cut.lock().unwrap() = Cut::AfterBytes(usize::MAX);
        self.state.is_cut.store(false, Ordering::SeqCst);
    }
}

impl State {
    fn forward(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if self.breaks_at(&buffer[..read]) || self.is_cut.load(Ordering::SeqCst) {
                break;
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn breaks_at(&self, bytes: &[u8]) -> bool {
        let sent = self.sent.fetch_add(bytes.len(), Ordering::SeqCst) + bytes.len();
        let breaks = match *self.cut.lock().unwrap() {
            Cut::AfterBytes(limit) => sent > limit,
            Cut::AtRequest(line, at) => {
                let is_request = bytes.starts_with(line.as_bytes());
                is_request && self.seen.fetch_add(1, Ordering::SeqCst) + 1 >= at
            }
        };
        if breaks {
            self.is_cut.store(true, Ordering::SeqCst);
        }
        breaks
    }
}

fn back(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
