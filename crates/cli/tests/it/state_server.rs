//! A server of states for Terraform's `http` backend, with locks (Terraform documentation, "Backend Type: http"). Owns the states and the locks;
//! on loopback, for as long as it is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, StatusCode, Uri};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

/// The server.
pub(crate) struct StateServer {
    address: String,
    kept: Arc<Mutex<Kept>>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Kept {
    states: HashMap<String, Bytes>,
    locks: HashMap<String, Json>,
    /// How often a lock was refused.
    refused: usize,
}

impl StateServer {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("threads can be started");
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("loopback is there");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        let held = Arc::clone(&kept);
        let answer = move |method: Method, uri: Uri, body: Bytes| {
            let answer = held.lock().expect("no panic while held").answer(method.as_str(), uri.path(), body);
            async move { answer }
        };
        runtime.spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { address, kept, _runtime: runtime }
    }

    /// The `state` block by which instances keep their states here.
    pub(crate) fn block(&self) -> String {
        let address = format!("{}/${{env.name}}/${{stack.name}}", self.address);
        format!(
            "state \"http\" {{\n    address        = \"{address}\"\n    lock_address   = \"{address}\"\n    \
             unlock_address = \"{address}\"\n    retry_max      = 0\n  }}"
        )
    }

    /// Locks a state for somebody.
    pub(crate) fn lock(&self, path: &str, who: &str) {
        let lock = json!({
            "ID": "8a2c7a4e-0000-4000-8000-000000000001", "Operation": "OperationTypeApply", "Info": "", "Who": who,
            "Version": "1.11.4", "Created": "2026-11-24T19:05:10.351015205Z", "Path": "",
        });
        self.kept().locks.insert(path.to_owned(), lock);
    }

    /// Takes a lock away.
    pub(crate) fn unlock(&self, path: &str) {
        self.kept().locks.remove(path).expect("it is locked");
    }

    /// The lock of a state; `null` where there is none.
    pub(crate) fn lock_of(&self, path: &str) -> Json {
        self.kept().locks.get(path).cloned().unwrap_or_default()
    }

    /// How often a lock was refused.
    pub(crate) fn refused(&self) -> usize {
        self.kept().refused
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while held")
    }
}

impl Kept {
    fn answer(&mut self, method: &str, path: &str, body: Bytes) -> (StatusCode, Bytes) {
        let nothing = |status| (status, Bytes::new());
        match (method, self.locks.get(path)) {
            ("GET", _) => match self.states.get(path) {
                Some(state) => (StatusCode::OK, state.clone()),
                None => nothing(StatusCode::NOT_FOUND),
            },
            ("POST", _) => {
                self.states.insert(path.to_owned(), body);
                nothing(StatusCode::OK)
            }
            ("LOCK", Some(lock)) => {
                self.refused += 1;
                (StatusCode::LOCKED, lock.to_string().into())
            }
            ("LOCK", None) => {
                self.locks.insert(path.to_owned(), serde_json::from_slice(&body).expect("a lock"));
                nothing(StatusCode::OK)
            }
            ("UNLOCK", _) => {
                // `force-unlock` sends no body.
                self.locks.remove(path);
                nothing(StatusCode::OK)
            }
            _ => nothing(StatusCode::METHOD_NOT_ALLOWED),
        }
    }
}
