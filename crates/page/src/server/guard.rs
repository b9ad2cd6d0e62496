//! Guard of the page: who may ask, and what a browser may do with an answer.
//!
//! Without a token, only callers on this machine reach the page; a page of somebody else, whose name was made to lead here (DNS
//! rebinding), is known by the `Host` that the browser sends. With a token, whoever shows the token may ask, under whatever name.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use crate::api::Refusal;

/// Proof that a caller must show.
pub(super) struct Guard {
    token: Option<String>,
    /// Name of the cookie: pages on other ports of the same host have others.
    cookie: String,
}

/// Headers of every answer.
const HEADERS: [(header::HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// `router` behind `guard`.
pub(super) fn guarded(router: Router, guard: Guard) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(guard), checked))
}

async fn checked(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    // Whether the process lives, a monitor may ask without a token.
    let is_open = request.uri().path() == "/healthz";
    let mut response = match guard.check(&request) {
        _ if is_open => next.run(request).await,
        Ok(shown) => {
            let mut response = next.run(request).await;
            if let Some(cookie) = shown {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(refused) => refused.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Guard {
    pub(super) fn new(token: Option<String>, port: u16) -> Self {
        Self { token, cookie: format!("attrisweep-{port}") }
    }

    /// Checks who asks; a cookie to set, where the token was in the address.
    fn check(&self, request: &Request) -> Result<Option<HeaderValue>, Refusal> {
        let Some(token) = &self.token else {
            return if is_of_this_machine(request.headers()) {
                Ok(None)
            } else {
                let text =
                    "this page answers to localhost alone; under another name it needs a token (`page: {token: ..}`)";
                Err(Refusal::forbidden(text.to_owned()))
            };
        };
        if self.shown(request.headers()).is_some_and(|shown| is_same(&shown, token)) {
            return Ok(None);
        }
        let query = request.uri().query().unwrap_or_default();
        let shown = query.split('&').find_map(|pair| pair.strip_prefix("token="));
        if shown.is_some_and(|shown| is_same(shown, token)) {
            let cookie = format!("{}={token}; HttpOnly; SameSite=Strict", self.cookie);
            return Ok(HeaderValue::from_str(&cookie).ok());
        }
        Err(Refusal::unknown())
    }

    /// Token in the headers: that of a cookie, or the bearer's.
    fn shown(&self, headers: &HeaderMap) -> Option<String> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let mut cookies = text(header::COOKIE).unwrap_or_default().split(';').map(str::trim);
        let cookie = cookies.find_map(|pair| pair.strip_prefix(&self.cookie)?.strip_prefix('='));
        bearer.or(cookie).map(str::to_owned)
    }
}

/// Whether the name under which the page was asked for is one of this machine alone.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Compares all letters, so that the time of an answer tells nothing.
fn is_same(shown: &str, token: &str) -> bool {
    let differing = shown.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    shown.len() == token.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(name))])
    }

    #[test]
    fn names_of_this_machine_are_few() {
        for name in
            ["localhost", "localhost:8080", "127.0.0.1:9", "127.1.2.3", "[::1]:80", "a.localhost:1", "LOCALHOST"]
        {
            assert!(is_of_this_machine(&host(name)), "{name}");
        }
        for name in ["", "evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "0.0.0.0", "127.0.0.1.nip.io"] {
            assert!(!is_of_this_machine(&host(name)), "{name}");
        }
        assert!(!is_of_this_machine(&HeaderMap::new()));
    }

    #[test]
    fn a_token_is_the_same_in_every_letter() {
        assert!(is_same("abc", "abc"));
        for other in ["", "abd", "ab", "abcd"] {
            assert!(!is_same(other, "abc"));
        }
    }
}
