//! The frame of every page: head, skip link, navigation, language switch, one `h1`, footer.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::assets::Asset;
use crate::http::Problem;
use crate::language::{Language, Speaker, Texts};

/// The name of the product, the same in both languages.
pub const PRODUCT: &str = "Causeway";

/// HTML that a template rendered, so its text is escaped already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment(String); // INVARIANT: only `of` builds it, from a compiled template.

impl Fragment {
    /// Renders a template.
    pub fn of(template: &impl Template) -> Result<Self, askama::Error> {
        template.render().map(Self)
    }

    /// The HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An answer without a frame, for the script that keeps a page fresh.
impl IntoResponse for Fragment {
    fn into_response(self) -> Response {
        Html(self.0).into_response()
    }
}

/// A place in the navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its address.
    pub href: String,
    /// What it is called.
    pub label: String,
    /// Whether the page belongs to it.
    pub current: bool,
}

/// A page in its frame.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// Its language.
    pub language: Language,
    /// Its path and query after the language, e.g. `/ops/messages?state=held`: the language switch keeps it.
    pub path: &'a str,
    /// Its title, which is also its one `h1`.
    pub title: &'a str,
    /// Where else one can go.
    pub places: &'a [Place],
    /// Whether the data is synthetic, which a bar then says on every page.
    pub synthetic: bool,
    /// Whether the script that keeps numbers fresh is wanted.
    pub live: bool,
    /// What is on it, below the `h1`.
    pub content: Fragment,
}

impl Page<'_> {
    /// The whole document.
    pub fn render(&self) -> Result<String, askama::Error> {
        let say = Texts::of_shell().in_language(self.language);
        Frame { page: self, say, languages: switch(self.language, self.path) }.render()
    }
}

impl IntoResponse for Page<'_> {
    fn into_response(self) -> Response {
        match self.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                Problem::Internal.into_response()
            }
        }
    }
}

/// A language of the switch.
struct Choice {
    language: Language,
    href: String,
    current: bool,
}

/// The same page in every language.
fn switch(current: Language, path: &str) -> Vec<Choice> {
    let choice = |language: &Language| Choice {
        language: *language,
        href: format!("/{}{path}", language.prefix()),
        current: *language == current,
    };
    Language::ALL.iter().map(choice).collect()
}

#[derive(Template)]
#[template(path = "page.html")]
struct Frame<'a> {
    page: &'a Page<'a>,
    say: Speaker<'a>,
    languages: Vec<Choice>,
}

/// What an error page says in one language.
struct Words {
    language: Language,
    title: String,
    fix: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemContent {
    status: u16,
    fix: String,
    other: Words,
    home: String,
    home_label: String,
}

/// The page of an error, in the reader's language first and in the other one below. `None` if it cannot be rendered.
pub(crate) fn problem(problem: Problem, status: StatusCode, language: Language) -> Option<String> {
    let words = |language| {
        let say = Texts::of_shell().in_language(language);
        let text = |part| say.text(&format!("problem-{}-{part}", problem.code()));
        Words { language, title: text("title"), fix: text("fix") }
    };
    let ours = words(language);
    let other = match language {
        Language::English => words(Language::Chinese),
        Language::Chinese => words(Language::English),
    };
    let home_label = Texts::of_shell().in_language(language).text("problem-home");
    let home = format!("/{}/ops", language.prefix());
    let content = ProblemContent { status: status.as_u16(), fix: ours.fix, other, home, home_label };
    let page = Page {
        language,
        path: "/ops",
        title: &ours.title,
        places: &[],
        synthetic: false,
        live: false,
        content: Fragment::of(&content).ok()?,
    };
    page.render().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Template)]
    #[template(source = "<p>{{ text }}</p>", ext = "html")]
    struct Hostile<'a> {
        text: &'a str,
    }

    fn page(language: Language, synthetic: bool) -> String {
        let content = Fragment::of(&Hostile { text: "<script>alert(1)</script>" }).expect("renders");
        let places = [Place { href: "/en/ops".to_owned(), label: "<b>".to_owned(), current: true }];
        let title = "\"><img src=x onerror=alert(1)>";
        let path = "/ops/messages?reason=\"><script>";
        Page { language, path, title, places: &places, synthetic, live: true, content }.render().expect("renders")
    }

    #[test]
    fn the_frame_has_one_heading_a_skip_link_and_its_language() {
        for (language, tag) in [(Language::English, "en-HK"), (Language::Chinese, "zh-Hant-HK")] {
            let html = page(language, false);
            assert!(html.contains(&format!("<html lang=\"{tag}\">")), "{html}");
            assert_eq!(html.matches("<h1").count(), 1);
            assert!(html.contains("href=\"#main\"") && html.contains("id=\"main\""));
            // The viewer's script is on the pages of images only.
            for asset in Asset::ALL.iter().filter(|asset| **asset != Asset::Viewer) {
                assert!(html.contains(asset.url()), "{asset:?}");
            }
        }
    }

    #[test]
    fn the_language_switch_keeps_the_page() {
        let html = page(Language::English, false);
        assert!(html.contains("href=\"/zh-hant/ops/messages?reason="), "{html}");
        assert!(html.contains("hreflang=\"zh-Hant-HK\""));
    }

    #[test]
    fn text_from_outside_is_escaped_everywhere() {
        let html = page(Language::Chinese, false);
        assert!(!html.contains("<script>") && !html.contains("<img src=x") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn synthetic_data_is_said_on_the_page() {
        assert!(page(Language::English, true).contains("class=\"synthetic\""));
        assert!(!page(Language::English, false).contains("class=\"synthetic\""));
    }

    #[test]
    fn an_error_page_speaks_both_languages() {
        for problem_kind in Problem::ALL {
            let html = problem(*problem_kind, problem_kind.status(), Language::Chinese).expect("renders");
            assert!(html.contains("<html lang=\"zh-Hant-HK\">") && html.contains("lang=\"en-HK\""));
            assert!(html.contains(&problem_kind.status().as_u16().to_string()));
        }
    }
}
