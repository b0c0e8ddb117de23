//! A server on loopback that gives one answer after the other, the last one for ever, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use tokio::runtime::Runtime;

pub(crate) struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

impl Server {
    /// Starts it with these answers: status and body.
    pub(crate) fn start(answers: &[(u16, &'static str)]) -> Self {
        let runtime = Runtime::new().expect("threads can be started");
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("loopback is there");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (answers, noted) = (answers.to_vec(), Arc::clone(&asked));
        let answer = move |method: Method, uri: Uri, headers: HeaderMap| {
            let mut noted = noted.lock().expect("no panic while held");
            let (status, body) = answers[noted.len().min(answers.len() - 1)];
            let authorization = headers.get("authorization").map_or("", |value| value.to_str().expect("a text"));
            noted.push(format!("{method} {} {authorization}", uri.path()).trim_end().to_owned());
            async move { (StatusCode::from_u16(status).expect("a status"), body) }
        };
        runtime.spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { address, asked, _runtime: runtime }
    }

    /// `http://` with host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Method, path and `Authorization` of each request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic while held").clone()
    }
}
