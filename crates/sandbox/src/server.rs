//! Serves the provider on unix sockets. Owns the folder of the sockets, one listener for each identity, and who may connect. Never
//! looks into a call.

mod folder;

use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::cloud::{Cloud, CloudError};
use crate::protocol::ProviderServer;
use crate::provider::{Service, Session};

use folder::SocketFolder;

/// The provider's address in Terraform configurations.
pub const PROVIDER_SOURCE: &str = "terrace/sandbox";
/// The version of the plugin protocol.
const PROTOCOL_VERSION: u32 = 6;
/// The longest path of a unix socket on Linux, in bytes, without the NUL at its end (`unix(7)`: `sun_path` has 108).
const SOCKET_PATH_LENGTH_MAX: usize = 107;
/// The largest message taken in: the size from which gRPC clients and servers refuse by default. A resource has a few kilobytes.
pub(crate) const MESSAGE_LENGTH_MAX: usize = 4 * 1024 * 1024;
/// The longest identity, in characters.
const IDENTITY_LENGTH_MAX: usize = 1000;
/// How many accepted connections wait to be served: serving begins at once, so hardly any ever do.
const CONNECTIONS_WAITING_MAX: usize = 16;
/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the provider cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The cloud cannot be used.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// The folder for the sockets cannot be made.
    #[error("cannot make a folder for sockets in {}: {error}", parent.display())]
    Folder {
        /// Where it was to be.
        parent: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The path of a socket would be too long for the operating system.
    #[error("the socket {} would have a path longer than {SOCKET_PATH_LENGTH_MAX} bytes; choose a shorter folder for sockets", .0.display())]
    PathTooLong(PathBuf),
    /// The socket cannot be listened on.
    #[error("cannot listen on {}: {error}", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The identity is not one.
    #[error("an identity has between 1 and {IDENTITY_LENGTH_MAX} characters")]
    Identity,
}

/// Serves the provider of one cloud. Dropped, it stops taking calls when its last attachment is dropped.
#[derive(Debug)]
pub struct Server {
    cloud: Cloud,
    folder: Arc<SocketFolder>,
    next: AtomicU64,
}

impl Server {
    /// Opens the cloud and makes a private folder for sockets in `socket_parent`, whose path must be short (some 80 bytes).
    ///
    /// Fails when the cloud cannot be opened or the folder not be made.
    pub async fn start(cloud: &Path, socket_parent: &Path) -> Result<Self, ServerError> {
        let path = cloud.to_owned();
        let cloud =
            tokio::task::spawn_blocking(move || Cloud::open(&path)).await.map_err(|_| CloudError::Abandoned)??;
        let folder = SocketFolder::new(socket_parent)
            .map_err(|error| ServerError::Folder { parent: socket_parent.to_owned(), error })?;
        Ok(Self { cloud, folder: Arc::new(folder), next: AtomicU64::default() })
    }

    /// The cloud that is served.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Listens for a Terraform that acts as that identity. To be called within a tokio runtime with I/O and time.
    ///
    /// Fails when the identity is empty or too long, or the socket cannot be listened on.
    pub fn attach(&self, identity: &str) -> Result<Attachment, ServerError> {
        if identity.is_empty() || identity.chars().count() > IDENTITY_LENGTH_MAX {
            return Err(ServerError::Identity);
        }
        let path = self.folder.path().join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        if path.as_os_str().len() > SOCKET_PATH_LENGTH_MAX {
            return Err(ServerError::PathTooLong(path));
        }
        let listen = || {
            let listener = StdListener::bind(&path)?;
            listener.set_nonblocking(true)?;
            UnixListener::from_std(listener)
        };
        let listener = listen().map_err(|error| ServerError::Listen { path: path.clone(), error })?;
        let (close, closed) = oneshot::channel();
        tokio::spawn(serve(listener, self.cloud.clone(), identity.into(), closed));
        Ok(Attachment { path, _close: close, _folder: Arc::clone(&self.folder) })
    }
}

/// A socket on which one identity is served, until this is dropped; calls under way then still end.
#[derive(Debug)]
pub struct Attachment {
    path: PathBuf,
    _close: oneshot::Sender<()>,
    _folder: Arc<SocketFolder>,
}

impl Attachment {
    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.path
    }

    /// The value of `TF_REATTACH_PROVIDERS` with which Terraform and `OpenTofu` find this attachment.
    pub fn reattach_providers(&self) -> String {
        let provider = serde_json::json!({
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL_VERSION,
            "Pid": std::process::id(),
            // Terraform does not end a provider under test when it is done with it.
            "Test": true,
            "Addr": { "Network": "unix", "String": self.path.to_string_lossy() },
        });
        serde_json::json!({ PROVIDER_SOURCE: provider }).to_string()
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // Where it cannot be removed now, it goes with its folder.
        let _left = std::fs::remove_file(&self.path);
    }
}

async fn serve(listener: UnixListener, cloud: Cloud, identity: Arc<str>, closed: oneshot::Receiver<()>) {
    let (connected, connections) = mpsc::channel(CONNECTIONS_WAITING_MAX);
    let accepting = tokio::spawn(accept(listener, cloud, identity, connected));
    let service = ProviderServer::new(Service).max_decoding_message_size(MESSAGE_LENGTH_MAX);
    let until = async {
        // An error means that the sender was dropped, which is the signal.
        let _dropped = closed.await;
        accepting.abort();
    };
    // It fails only where taking a connection fails, and `accept` hands on none that did.
    let _ended = tonic::transport::Server::builder()
        .serve_with_incoming_shutdown(service, ReceiverStream::new(connections), until)
        .await;
}

/// Takes connections until the task is ended.
async fn accept(
    listener: UnixListener,
    cloud: Cloud,
    identity: Arc<str>,
    connected: mpsc::Sender<io::Result<Connection>>,
) {
    let own = own_user();
    loop {
        match listener.accept().await {
            Ok((stream, _)) if is_of(&stream, own) => {
                let session = Session::new(cloud.clone(), Arc::clone(&identity));
                if connected.send(Ok(Connection { stream, session })).await.is_err() {
                    return;
                }
            }
            Ok(_stranger) => {}
            // Most likely there are no more file descriptors: that may pass.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Whether the connection was made by a process of that user.
fn is_of(stream: &UnixStream, user: u32) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == user)
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A connection, with the session that its calls belong to.
struct Connection {
    stream: UnixStream,
    session: Session,
}

impl Connected for Connection {
    type ConnectInfo = Session;

    fn connect_info(&self) -> Session {
        self.session.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn only_the_same_user_is_let_in() {
        let own = own_user();
        let (stream, _other_end) = UnixStream::pair().expect("a pair");
        assert!(is_of(&stream, own));
        assert!(!is_of(&stream, own + 1));
    }

    #[tokio::test]
    async fn sockets_are_private_and_their_paths_short_enough() {
        let folder = tempfile::tempdir().expect("a folder");
        let cloud = folder.path().join("cloud");
        let server = Server::start(&cloud, folder.path()).await.expect("a server");
        let attachment = server.attach("someone").expect("attached");
        let parent = attachment.socket().parent().expect("a folder");
        assert_eq!(std::fs::metadata(parent).expect("there").permissions().mode() & 0o777, 0o700);
        assert!(matches!(server.attach(""), Err(ServerError::Identity)));

        let long = folder.path().join("x".repeat(SOCKET_PATH_LENGTH_MAX));
        std::fs::create_dir(&long).expect("made");
        let server = Server::start(&cloud, &long).await.expect("a server");
        assert!(matches!(server.attach("someone"), Err(ServerError::PathTooLong(_))));
        let nowhere = Server::start(&cloud, &folder.path().join("nowhere")).await;
        assert!(matches!(nowhere, Err(ServerError::Folder { .. })));
    }

    #[tokio::test]
    async fn nothing_is_left_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let sockets = folder.path().join("s");
        std::fs::create_dir(&sockets).expect("made");
        let server = Server::start(&folder.path().join("cloud"), &sockets).await.expect("a server");
        let attachment = server.attach("someone").expect("attached");
        drop(server);
        assert!(attachment.socket().exists(), "an attachment outlives its server");
        drop(attachment);
        assert_eq!(std::fs::read_dir(&sockets).expect("readable").count(), 0);
    }

    #[test]
    fn terraform_is_told_the_short_address() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = Arc::new(SocketFolder::new(parent.path()).expect("made"));
        let attachment = Attachment { path: "/run/x/0".into(), _close: oneshot::channel().0, _folder: folder };
        let told: serde_json::Value = serde_json::from_str(&attachment.reattach_providers()).expect("JSON");
        assert_eq!(
            told,
            serde_json::json!({ "terrace/sandbox": {
                "Protocol": "grpc", "ProtocolVersion": 6, "Pid": std::process::id(), "Test": true,
                "Addr": { "Network": "unix", "String": "/run/x/0" },
            }})
        );
    }
}
