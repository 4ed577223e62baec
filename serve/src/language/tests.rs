//! What a reader gets, and that nothing is missing in either language.

use super::*;

#[test]
fn a_reader_gets_the_language_asked_for() {
    for (header, language) in [
        ("", Language::English),
        ("en-GB,en;q=0.9", Language::English),
        ("zh-HK,zh;q=0.9,en;q=0.8", Language::Chinese),
        ("yue", Language::Chinese),
        ("zh-Hans-CN", Language::Chinese),
        ("fr, zh;q=0.2, en;q=0.1", Language::Chinese),
        ("en;q=0.5, ZH-tw;q=0.501", Language::Chinese),
        ("zh;q=0", Language::English),
        ("zh;q=7, en;q=0.1", Language::English),
        ("fr;q=1, de", Language::English),
        (";;;,,q=,zh;q=abc", Language::English),
    ] {
        assert_eq!(Language::negotiate(header), language, "{header}");
    }
}

#[test]
fn a_long_header_is_not_read_to_its_end() {
    let header = "fr,".repeat(1000) + "zh";
    assert_eq!(Language::negotiate(&header), Language::English);
}

#[test]
fn a_path_tells_its_language() {
    assert_eq!(Language::of_path("/en/ops"), Some(Language::English));
    assert_eq!(Language::of_path("/zh-hant/ops/held"), Some(Language::Chinese));
    for path in ["/", "/ops", "/zh/ops", "/EN/ops", "", "en/ops"] {
        assert_eq!(Language::of_path(path), None, "{path}");
    }
}

#[test]
fn a_redirect_keeps_path_and_query_and_stays_here() {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_LANGUAGE, "zh-HK".parse().expect("header"));
    let answer = redirect(&headers, &"//evil.example/ops?state=held".parse().expect("uri"));
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
    assert_eq!(location, Some("/zh-hant//evil.example/ops?state=held"));
    assert_eq!(answer.headers().get(VARY).and_then(|value| value.to_str().ok()), Some("Accept-Language"));
}

#[test]
fn both_languages_say_the_same_things() {
    assert_eq!(differences(&SHELL), Vec::<String>::new());
}

#[test]
fn every_text_of_the_shell_is_used() {
    let composed: Vec<String> = Problem::ALL
        .iter()
        .flat_map(|problem| ["title", "fix"].map(|part| format!("problem-{}-{part}", problem.code())))
        .collect();
    let users = [include_str!("format.rs"), include_str!("../page.rs"), include_str!("../../templates/page.html")];
    let more = [include_str!("../../templates/problem.html")];
    let users: Vec<String> = users.iter().chain(&more).map(|text| (*text).to_owned()).collect();
    assert_eq!(unused(&SHELL, &users, &composed), Vec::<String>::new());
    for key in &composed {
        for language in Language::ALL {
            let text = Texts::of_shell().in_language(*language).text(key);
            assert_ne!(&text, key, "{language:?} has no text");
        }
    }
}

#[test]
fn a_missing_text_shows_its_key_and_a_plural_follows_its_number() {
    const PART: Source = Source {
        english: "feeds = { $n ->\n    [one] { $n } feed\n   *[other] { $n } feeds\n}\n",
        chinese: "feeds = { $n } 個來源\n",
    };
    let texts = Texts::with(&[PART]);
    let say = texts.in_language(Language::English);
    assert_eq!(say.text("no-such-text"), "no-such-text");
    assert_eq!(say.fill("feeds", &[("n", Value::Count(1))]), "1 feed");
    assert_eq!(say.fill("feeds", &[("n", Value::Count(12_345))]), "12,345 feeds");
    assert_eq!(texts.in_language(Language::Chinese).fill("feeds", &[("n", Value::Count(1))]), "1 個來源");
}
