//! What people read: the narrative of a resource, in Chinese.

use crate::fhir::Object;

/// A Narrative of lines; nothing without one.
pub(super) fn narrative(lines: &[String]) -> Object {
    let shown = lines.iter().filter(|line| !line.trim().is_empty());
    let paragraphs: String = shown.map(|line| format!("<p>{}</p>", escaped(line))).collect();
    if paragraphs.is_empty() {
        return Object::new();
    }
    let div =
        format!(r#"<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="zh-Hant" lang="zh-Hant">{paragraphs}</div>"#);
    Object::sized(2).text("status", "generated").text("div", &div)
}

/// Text as the content of an element.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_never_become_markup() {
        let made = narrative(&["<script>&\"".to_owned()]);
        let div = made.get("div").as_str().unwrap_or_default();
        assert!(div.contains("<p>&lt;script&gt;&amp;&quot;</p>"), "{div}");
        assert!(narrative(&[String::new()]).is_empty());
    }
}
