//! English and Traditional Chinese: which one a reader gets, and the texts of both.

mod check;
mod format;

use std::fmt;
use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::types::FluentNumber;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

pub use check::{differences, unused};
pub use format::grouped;

use crate::http::Problem;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English as in Hong Kong.
    English,
    /// Traditional Chinese as in Hong Kong.
    Chinese,
}

/// How many languages of an `Accept-Language` header are looked at.
const PREFERENCES_MAX: usize = 16;

impl Language {
    /// All of them, in the order of the language switch.
    pub const ALL: &'static [Self] = &[Self::English, Self::Chinese];

    /// The first part of the path of its pages.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-hant",
        }
    }

    /// Its tag (BCP 47), for `lang` and `hreflang`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en-HK",
            Self::Chinese => "zh-Hant-HK",
        }
    }

    /// What it calls itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "繁體中文",
        }
    }

    /// The language a path begins with.
    pub fn of_path(path: &str) -> Option<Self> {
        let first = path.split('/').nth(1)?;
        Self::ALL.iter().copied().find(|language| language.prefix() == first)
    }

    /// The best of ours for an `Accept-Language` header (RFC 9110 section 12.5.4); English when none fits. Any Chinese
    /// is better served by ours than by English.
    pub fn negotiate(accept_language: &str) -> Self {
        let mut best = (Self::English, 0_u16);
        for preference in accept_language.split(',').take(PREFERENCES_MAX) {
            let mut parts = preference.split(';').map(str::trim);
            let language = match parts.next().unwrap_or_default().split('-').next().unwrap_or_default() {
                tag if tag.eq_ignore_ascii_case("en") => Self::English,
                tag if tag.eq_ignore_ascii_case("zh") || tag.eq_ignore_ascii_case("yue") => Self::Chinese,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1000), thousandths).unwrap_or(0);
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// The identifier for Fluent's plural rules.
    fn identifier(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }
}

/// A weight such as `0.8` in thousandths.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    if fraction.len() > 3 {
        return None;
    }
    let fraction = format!("{fraction:0<3}").parse::<u16>().ok()?;
    whole.parse::<u16>().ok()?.checked_mul(1000)?.checked_add(fraction).filter(|weight| *weight <= 1000)
}

/// The language of the path; a path without one is no page of ours.
impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::of_path(parts.uri.path()).ok_or(Problem::NotFound)
    }
}

/// Leads from a path without a language to the same page in the reader's. The target stays on this server: it begins
/// with our own prefix.
pub fn redirect(headers: &HeaderMap, uri: &Uri) -> Response {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let language = Language::negotiate(wanted);
    let rest = uri.path_and_query().map_or("/", |target| target.as_str());
    let target = format!("/{}{rest}", language.prefix());
    ([(VARY, "Accept-Language")], Redirect::temporary(&target)).into_response()
}

/// The texts of one part of the pages in both languages, as Fluent files.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// English.
    pub english: &'static str,
    /// Traditional Chinese.
    pub chinese: &'static str,
}

/// The texts of the page shell: navigation, units, errors.
pub const SHELL: Source =
    Source { english: include_str!("../locales/en.ftl"), chinese: include_str!("../locales/zh-Hant.ftl") };

/// All texts, ready to be filled in. A text that is missing shows its key: tests call [`differences`] and [`unused`]
/// on the same files, so that none is.
pub struct Texts {
    english: FluentBundle<FluentResource>,
    chinese: FluentBundle<FluentResource>,
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

impl Texts {
    /// The texts of the shell, and these.
    pub fn with(more: &[Source]) -> Self {
        let sources = || std::iter::once(&SHELL).chain(more);
        Self {
            english: bundle(Language::English, sources().map(|source| source.english)),
            chinese: bundle(Language::Chinese, sources().map(|source| source.chinese)),
        }
    }

    /// The texts of the shell alone.
    pub fn of_shell() -> &'static Self {
        static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::with(&[]));
        &TEXTS
    }

    /// Speaks a language.
    pub const fn in_language(&self, language: Language) -> Speaker<'_> {
        Speaker { texts: self, language }
    }

    /// The bundle of a language.
    const fn of(&self, language: Language) -> &FluentBundle<FluentResource> {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }
}

/// Reads Fluent files. What cannot be read is left out here and found by [`differences`].
fn bundle(language: Language, sources: impl Iterator<Item = &'static str>) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![language.identifier()]);
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(|value, _| match value {
        FluentValue::Number(FluentNumber { value, .. }) => Some(grouped(&value.to_string())),
        FluentValue::String(_) | FluentValue::Custom(_) | FluentValue::None | FluentValue::Error => None,
    }));
    for source in sources {
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(readable, _)| readable);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// What is filled into a text.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text, shown as it is.
    Text(&'a str),
    /// A number: grouped by thousands, and a text may choose its plural by it.
    Count(u64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

/// Says things in one language.
#[derive(Debug, Clone, Copy)]
pub struct Speaker<'t> {
    texts: &'t Texts,
    language: Language,
}

impl Speaker<'_> {
    /// The language spoken.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// A text without blanks to fill.
    pub fn text(&self, key: &str) -> String {
        self.fill(key, &[])
    }

    /// A text with its blanks filled.
    pub fn fill(&self, key: &str, values: &[(&str, Value<'_>)]) -> String {
        let bundle = self.texts.of(self.language);
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let args: FluentArgs<'_> = values
            .iter()
            .map(|(name, value)| match *value {
                Value::Text(text) => (*name, FluentValue::from(text)),
                Value::Count(count) => (*name, FluentValue::from(count)),
            })
            .collect();
        let mut faults = Vec::new();
        bundle.format_pattern(pattern, Some(&args), &mut faults).into_owned()
    }
}

#[cfg(test)]
mod tests;
