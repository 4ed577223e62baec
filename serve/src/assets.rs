//! The few static files of the pages, inside the binary. Their address carries a hash of their content, so a browser
//! may keep them for ever and still never shows an old one.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use causeway_core::envelope::Digest;

use crate::http::Problem;

/// A static file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asset {
    /// How every page looks.
    Style,
    /// Keeps the numbers of a page fresh; no page needs it.
    Live,
    /// Makes the pictures of a study a viewer; the page works without it.
    Viewer,
    /// The mark in the browser's tab.
    Icon,
}

/// What a file is: stem, extension, content type, bytes.
type File = (&'static str, &'static str, &'static str, &'static [u8]);

impl Asset {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Style, Self::Live, Self::Viewer, Self::Icon];

    /// Its address, e.g. `/static/site.0123456789abcdef.css`.
    pub fn url(self) -> &'static str {
        static URLS: LazyLock<[String; 4]> =
            LazyLock::new(|| [Asset::Style, Asset::Live, Asset::Viewer, Asset::Icon].map(address));
        let [style, live, viewer, icon] = &*URLS;
        match self {
            Self::Style => style,
            Self::Live => live,
            Self::Viewer => viewer,
            Self::Icon => icon,
        }
    }

    /// The file itself.
    const fn file(self) -> File {
        match self {
            Self::Style => ("site", "css", "text/css; charset=utf-8", include_bytes!("../static/site.css")),
            Self::Live => ("live", "js", "text/javascript; charset=utf-8", include_bytes!("../static/live.js")),
            Self::Viewer => ("viewer", "js", "text/javascript; charset=utf-8", include_bytes!("../static/viewer.js")),
            Self::Icon => ("icon", "svg", "image/svg+xml", include_bytes!("../static/icon.svg")),
        }
    }
}

/// The routes of the static files.
pub fn routes() -> Router {
    Router::new().route("/static/{file}", get(serve))
}

/// Answers with a file; an address with another hash is not ours.
async fn serve(Path(name): Path<String>) -> Response {
    let wanted = |asset: &Asset| asset.url().strip_prefix("/static/") == Some(name.as_str());
    let Some(asset) = Asset::ALL.iter().copied().find(wanted) else { return Problem::NotFound.into_response() };
    let (_, _, content_type, bytes) = asset.file();
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")], bytes).into_response()
}

/// Stem, sixteen digits of the content's SHA-256, extension.
fn address(asset: Asset) -> String {
    let (stem, extension, _, bytes) = asset.file();
    format!("/static/{stem}.{:.16}.{extension}", Digest::of(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_its_own_and_follows_the_content() {
        for asset in Asset::ALL {
            let hash = Digest::of(asset.file().3).to_string();
            assert!(asset.url().split('.').nth(1).is_some_and(|part| hash.starts_with(part)), "{asset:?}");
            assert_eq!(Asset::ALL.iter().filter(|other| other.url() == asset.url()).count(), 1);
        }
    }

    #[test]
    fn the_script_stays_small_enough_to_read_at_a_glance() {
        let script = std::str::from_utf8(Asset::Live.file().3).expect("text");
        assert!(script.lines().count() < 60, "{} lines", script.lines().count());
    }
}
