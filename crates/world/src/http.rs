//! Asks a server once, and reads what it answers, up to a limit. Follows redirections that stay with the scheme, and no others.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method, NoProxy, Proxy, Url};

use crate::terraform::Environment;

/// How much of a body is read, in bytes: what a check looks for is at its beginning.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// So many redirections are followed: more is a circle.
const REDIRECTS_MAX: usize = 10;
/// What is said of who asks.
const USER_AGENT: &str = concat!("terrace/", env!("CARGO_PKG_VERSION"));

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    /// `http://` or `https://`.
    pub url: &'a str,
    /// The method.
    pub method: &'a str,
    /// Header fields.
    pub headers: &'a [(String, String)],
    /// How long it may take, from the beginning to the end of the body.
    pub timeout: Duration,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// That in words; empty where it is not one that is known.
    pub reason: &'static str,
    /// The body, as far as it was read.
    pub body: String,
}

/// There is no answer. The address is not told: there may be secrets in it.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The request cannot be made.
    #[error("{0}")]
    Wrong(String),
    /// Nobody answers, or not in time.
    #[error("{0}")]
    Unanswered(String),
}

/// Asks, and knows proxies by the variables that curl knows.
#[derive(Debug)]
pub struct Asker(Client);

impl Asker {
    /// With the proxies that the environment names, and with no other.
    pub fn new(environment: &Environment) -> Result<Self, RequestError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // An error means that another thread has just done it.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let same_scheme = Policy::custom(|attempt| {
            let asked = attempt.previous().first().map(Url::scheme);
            if attempt.previous().len() > REDIRECTS_MAX {
                attempt.error("redirected too often")
            } else if asked == Some(attempt.url().scheme()) {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        let builder = Client::builder().user_agent(USER_AGENT).redirect(same_scheme).no_proxy();
        let client = with_proxies(builder, environment).and_then(ClientBuilder::build);
        client.map(Self).map_err(|error| RequestError::Wrong(in_words(error)))
    }

    /// Asks once.
    pub async fn ask(&self, request: &Request<'_>) -> Result<Answer, RequestError> {
        let wrong = |what: &str| RequestError::Wrong(what.to_owned());
        let url = Url::parse(request.url).map_err(|error| wrong(&format!("the URL cannot be used: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("the URL begins with neither `http://` nor `https://`"));
        }
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| wrong("the method cannot be used"))?;
        let mut asked = self.0.request(method, url).timeout(request.timeout);
        for (name, value) in request.headers {
            asked = asked.header(name, value);
        }
        let asked = asked.build().map_err(|error| RequestError::Wrong(in_words(error)))?;
        let unanswered = |error| RequestError::Unanswered(in_words(error));
        let mut answer = self.0.execute(asked).await.map_err(unanswered)?;
        let (status, reason) = (answer.status().as_u16(), answer.status().canonical_reason().unwrap_or_default());
        let mut body = Vec::new();
        while body.len() < BODY_BYTES_MAX
            && let Some(piece) = answer.chunk().await.map_err(unanswered)?
        {
            body.extend_from_slice(&piece);
        }
        body.truncate(BODY_BYTES_MAX);
        Ok(Answer { status, reason, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

fn with_proxies(builder: ClientBuilder, environment: &Environment) -> reqwest::Result<ClientBuilder> {
    let named = |names: [&str; 2]| {
        let mut values = names.into_iter().filter_map(|name| environment.get(name)?.to_str());
        values.find(|value| !value.is_empty())
    };
    let except = named(["no_proxy", "NO_PROXY"]).and_then(NoProxy::from_string);
    let mut builder = builder;
    if let Some(proxy) = named(["http_proxy", "HTTP_PROXY"]) {
        builder = builder.proxy(Proxy::http(proxy)?.no_proxy(except.clone()));
    }
    if let Some(proxy) = named(["https_proxy", "HTTPS_PROXY"]) {
        builder = builder.proxy(Proxy::https(proxy)?.no_proxy(except));
    }
    Ok(builder)
}

/// An error with its causes, without the address.
fn in_words(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    // The innermost cause says it in the system's words: connection refused, no such host.
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// A server on loopback that gives each request the next of these answers; its address.
    fn server(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let answer = answer.replace("{head}", &head.join("|"));
                // Who has read enough hangs up.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    }

    fn answer(status: &str, fields: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n{body}", body.len())
    }

    async fn ask(url: &str, headers: &[(String, String)]) -> Result<Answer, RequestError> {
        ask_in(&[], url, headers).await
    }

    async fn ask_in(
        variables: &[(&str, &str)],
        url: &str,
        headers: &[(String, String)],
    ) -> Result<Answer, RequestError> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let environment = Environment::scrubbed(variables, &[], std::path::Path::new("/"));
        let timeout = Duration::from_secs(20);
        Asker::new(&environment).unwrap().ask(&Request { url, method: "GET", headers, timeout }).await
    }

    #[tokio::test]
    async fn status_and_body_are_told_and_header_fields_are_sent() {
        let url =
            server(vec![answer("503 Busy", "", "{head}\n......................................................")]);
        let found = ask(&format!("{url}/health"), &[("x-stack".into(), "shop".into())]).await.unwrap();
        assert_eq!((found.status, found.reason), (503, "Service Unavailable"));
        assert!(found.body.starts_with("GET /health HTTP/1.1|"), "{}", found.body);
        assert!(found.body.contains("x-stack: shop"), "{}", found.body);
    }

    #[tokio::test]
    async fn a_redirection_is_followed_within_the_scheme_alone() {
        let url = server(vec![answer("302 Found", "Location: /there\r\n", ""), answer("200 OK", "", "there")]);
        assert_eq!(ask(&url, &[]).await.unwrap().body, "there");
        let url = server(vec![answer("301 Moved", "Location: https://127.0.0.1:1/\r\n", "elsewhere")]);
        let found = ask(&url, &[]).await.unwrap();
        assert_eq!((found.status, found.body.as_str()), (301, "elsewhere"));
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        let url = server(vec![answer("200 OK", "", &"x".repeat(BODY_BYTES_MAX + 5_000))]);
        assert_eq!(ask(&url, &[]).await.unwrap().body.len(), BODY_BYTES_MAX);
    }

    #[tokio::test]
    async fn proxies_are_those_of_the_environment_that_is_given() {
        let proxy = server(vec![answer("200 OK", "", "{head}................................................")]);
        let found = ask_in(&[("http_proxy", &proxy)], "http://nowhere.invalid/x", &[]).await.unwrap();
        assert!(found.body.starts_with("GET http://nowhere.invalid/x HTTP/1.1|"), "{}", found.body);
        let direct = server(vec![answer("200 OK", "", "direct")]);
        let variables = [("HTTP_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "127.0.0.1")];
        assert_eq!(ask_in(&variables, &direct, &[]).await.unwrap().body, "direct");
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_without_the_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://user:hidden@{}", listener.local_addr().unwrap());
        drop(listener);
        let error = ask(&url, &[]).await.unwrap_err();
        assert!(matches!(&error, RequestError::Unanswered(why) if why.contains("refused")), "{error}");
        assert!(!error.to_string().contains("hidden"), "{error}");
        for url in ["file:///etc/passwd", "no url"] {
            let error = ask(url, &[]).await.unwrap_err();
            assert!(matches!(&error, RequestError::Wrong(_)), "{error}");
        }
    }
}
