//! Reads the `http` block of a check.

use hcl_edit::structure::Block;
use terrace_domain::check::{CheckKind, HTTP_METHODS, HttpCheck};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::expression::{Expression, ExpressionKind};
use terrace_domain::value::Value;

use super::{literal, read_pattern};
use crate::lower::span_of;
use crate::section::{File, Schema, Section, quoted};

const HTTP: Schema =
    Schema { what: "an `http` block", attributes: &["url", "method", "headers", "status", "body"], blocks: &[] };

/// The status that is right where nothing else is said: 200 (OK).
const STATUS: u16 = 200;

pub(super) fn read(file: &mut File<'_>, block: &Block) -> Option<CheckKind> {
    file.no_label(block);
    let section = file.section(&block.body, HTTP);
    let url = url(file, block, &section);
    let method = method(file, &section);
    let headers = headers(file, &section);
    let status = status(file, &section);
    let body = file.text(&section, "body");
    if let (Some(body), "HEAD") = (&body, method) {
        let summary = "the answer to a HEAD request has no body";
        file.error("wrong-method", body.span, summary, "is never found");
    }
    let body = match body {
        Some(written) => Some(read_pattern(file, &written)?),
        None => None,
    };
    Some(CheckKind::Http(Box::new(HttpCheck { url: url?, method, headers, status, body })))
}

fn url(file: &mut File<'_>, block: &Block, section: &Section<'_>) -> Option<Expression> {
    if !section.has("url") {
        let diagnostic = Diagnostic::error("missing-attribute", "the request has no `url`")
            .at(file.place(span_of(&block.ident)), "what is asked for?")
            .help("Write `url = output.NAME`, or `url = \"https://...\"`.");
        file.report(diagnostic);
        return None;
    }
    let url = file.setting(section, "url")?;
    if literal(&url).is_some_and(|text| !text.starts_with("http://") && !text.starts_with("https://")) {
        file.error("wrong-url", url.span, "only `http://` and `https://` can be asked", "begins with neither");
    }
    Some(url)
}

fn method(file: &mut File<'_>, section: &Section<'_>) -> &'static str {
    let Some(written) = file.text(section, "method") else { return HTTP_METHODS[0] };
    HTTP_METHODS.into_iter().find(|known| *known == written.value).unwrap_or_else(|| {
        let diagnostic = Diagnostic::error("wrong-method", format!("a check cannot use `{}`", written.value))
            .at(file.place(written.span), "not a method of checks")
            .help(format!("It only looks: {}. What changes something is for a `command`.", quoted(&HTTP_METHODS)));
        file.report(diagnostic);
        HTTP_METHODS[0]
    })
}

fn headers(file: &mut File<'_>, section: &Section<'_>) -> Vec<(String, Expression)> {
    let Some(setting) = file.setting(section, "headers") else { return Vec::new() };
    let ExpressionKind::Object(entries) = setting.kind else {
        let summary = "`headers` must be written out as an object";
        file.error("wrong-type", setting.span, summary, "must be `{ NAME = VALUE }`");
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (key, value) in entries {
        match literal(&key).filter(|name| is_header_name(name)) {
            Some(name) => headers.push((name.to_ascii_lowercase(), value)),
            None => {
                file.error("wrong-type", key.span, "the name of a header field must be a plain word", "not a name");
            }
        }
    }
    headers
}

/// Whether a text is a token (RFC 9110, "Tokens").
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn status(file: &mut File<'_>, section: &Section<'_>) -> Vec<u16> {
    let Some(setting) = file.setting(section, "status") else { return vec![STATUS] };
    let Some(value) = file.constant(&setting) else { return vec![STATUS] };
    let values = match value {
        Value::List(items) => items,
        one => vec![one],
    };
    let codes: Option<Vec<u16>> = values.iter().map(status_code).collect();
    codes.filter(|codes| !codes.is_empty()).unwrap_or_else(|| {
        let summary = "expected status codes, such as `[200, 204]`";
        file.error("wrong-type", setting.span, summary, "must be numbers from 100 to 599");
        vec![STATUS]
    })
}

fn status_code(value: &Value) -> Option<u16> {
    let Value::Number(number) = value else { return None };
    number.as_u64().and_then(|code| u16::try_from(code).ok()).filter(|code| (100..600).contains(code))
}
