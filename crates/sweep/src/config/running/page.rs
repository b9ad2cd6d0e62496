//! `page`: the page that shows a sweep while it runs.

use crate::yaml::{Fields, Value, read};

/// Place of the page, and who may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSettings {
    /// Host or address on which the page is served.
    pub host: String,
    /// Port; where none is given, a usual one, or a free one.
    pub port: Option<u16>,
    /// Text that callers must show.
    pub token: Option<String>,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: None, token: None }
    }
}

impl PageSettings {
    pub(in crate::config) fn read(mut fields: Fields<'_>) -> Self {
        let page = Self {
            host: fields.optional("host", read::text).unwrap_or(Self::default().host),
            port: fields.optional("port", read::integer(1, 65535)).map(|port| port as u16),
            token: fields.optional("token", token),
        };
        fields.finish();
        page
    }
}

/// Whether `text` may be a token: it stands in addresses.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}

fn token(value: &Value) -> Result<String, String> {
    let text = read::text(value).ok().filter(|text| is_token(text));
    text.ok_or_else(|| "a text of letters, digits and `-_.~`".to_owned())
}
