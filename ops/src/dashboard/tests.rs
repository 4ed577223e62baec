//! The operators' pages of a sample hub: as a file each, in both languages, and over a real door with a real
//! repository.

mod sample;
mod served;

use causeway_core::dicom::change::{Conflict, Hidden};
use causeway_core::mapped::UnmappedCode;
use causeway_core::outcome::State as MessageState;
use causeway_core::port::UnmappedCount;
use causeway_core::reason::Reason;
use causeway_core::scope::Domain;
use causeway_serve::language::{differences, unused};

use super::*;
use crate::documents::is_fresh;
use crate::status::{Headline, Level};

fn reader(language: Language) -> Reader {
    Reader { language, here: "/ops".to_owned() }
}

/// Compares a page in both languages with its file.
fn in_both_languages(page: &str, content: impl Fn(Speaker<'static>) -> Fragment) {
    for language in Language::ALL {
        let path = format!("ops/src/dashboard/tests/pages/{page}.{}.html", language.prefix());
        is_fresh(&path, &format!("{}\n", content(reader(*language).say()).as_str()));
    }
}

#[test]
fn the_overview_looks_as_reviewed() {
    let snapshot = sample::snapshot();
    in_both_languages("overview", |say| {
        rendered(&overview::Overview::of(&snapshot, say).expect("renders")).expect("renders")
    });
}

#[test]
fn the_overview_of_an_empty_hub_looks_as_reviewed() {
    let mut snapshot = sample::snapshot();
    snapshot.headline = Headline::Stopped;
    snapshot.feeds.clear();
    snapshot.images.clear();
    snapshot.failed_associations.clear();
    snapshot.held.clear();
    snapshot.pipeline.lag_messages = 0;
    in_both_languages("overview-empty", |say| rendered(&overview::Live::of(&snapshot, say)).expect("renders"));
}

#[test]
fn the_held_messages_look_as_reviewed() {
    let snapshot = sample::snapshot();
    in_both_languages("held", |say| rendered(&held::Held::of(&snapshot, say)).expect("renders"));
}

#[test]
fn the_list_of_unknown_codes_looks_as_reviewed() {
    let code = |code: &str, display: &str, count| UnmappedCount {
        feed: sample::snapshot().feeds.remove(0).name,
        code: UnmappedCode {
            domain: Domain::Laboratory,
            field: "OBX-3".to_owned(),
            system: "L".to_owned(),
            code: code.to_owned(),
            display: display.to_owned(),
        },
        count,
        last_seen: sample::now(),
    };
    let counts = [code("ZGLU", "Glucose <fasting>", 1234), code("KNOWN", "Sodium", 99), code("(text)", "", 1)];
    let knows = |count: &UnmappedCount| count.code.code == "KNOWN";
    let page = |counts: &[UnmappedCount], say| {
        rendered(&codes::Codes::of(counts, &knows, sample::now(), say)).expect("renders")
    };
    in_both_languages("codes", |say| page(&counts, say));
    in_both_languages("codes-none", |say| page(counts.get(1..2).expect("one"), say));
    let english = || reader(Language::English).say();
    let (many, full) = (vec![code("A", "", 1); 201], vec![code("A", "", 1); 200]);
    let shown = |counts| page(counts, english()).as_str().to_owned();
    assert_eq!(shown(&many).matches("scope=\"row\"").count(), 200);
    assert!(shown(&many).contains("There are more") && !shown(&full).contains("There are more"));
}

#[test]
fn the_list_of_images_in_conflict_looks_as_reviewed() {
    let kinds = [(Conflict::Content, None), (Conflict::Content, Some(Hidden::Superseded)), (Conflict::Study, None)];
    let told: Vec<_> = kinds.into_iter().map(|(conflict, hidden)| sample::image(conflict, hidden)).collect();
    let page =
        |count, told: &[_], say| rendered(&conflicts::Conflicts::of(count, told, sample::now(), say)).expect("renders");
    in_both_languages("conflicts", |say| page(2, &told, say));
    in_both_languages("conflicts-none", |say| page(0, &[], say));
    let many: Vec<_> = (0..201).map(|_| sample::image(Conflict::Series, None)).collect();
    let shown = page(201, &many, reader(Language::English).say());
    assert_eq!(shown.as_str().matches("scope=\"row\"").count(), 200);
    assert!(shown.as_str().contains("There are more"));
}

#[test]
fn the_list_of_messages_looks_as_reviewed() {
    let rows = [
        sample::row(41, "MSG00041", MessageState::Accepted, None),
        sample::row(40, "QMH20260304151203.0001", MessageState::Held, Some(Reason::NoDocument)),
        sample::row(39, "", MessageState::Rejected, Some(Reason::Unreadable)),
        sample::row(38, "A<77>", MessageState::Withheld, Some(Reason::NotRegistered)),
        sample::row(36, "A75", MessageState::Accepted, Some(Reason::OutOfScope)),
        sample::row(37, "A76", MessageState::Discarded, Some(Reason::Undecodable)),
    ];
    let (snapshot, filter) = (sample::snapshot(), messages::Filter::default());
    in_both_languages("messages", |say| {
        rendered(&messages::Messages::of(&rows, &filter, &snapshot, say)).expect("renders")
    });
}

#[test]
fn a_journey_looks_as_reviewed_and_tells_nothing_of_the_content() {
    let detail = sample::detail();
    in_both_languages("journey", |say| {
        let content = rendered(&journey::Journey::of(&detail, sample::now(), say)).expect("renders");
        assert!(!content.as_str().contains("SECRET"), "a page shows what it must not");
        content
    });
}

#[test]
fn a_long_list_shows_fifty_and_leads_to_the_older_ones() {
    let rows: Vec<_> = (0..51).map(|n| sample::row(100 - n, "A", MessageState::Accepted, None)).collect();
    let list = |rows| {
        let (snapshot, filter) = (sample::snapshot(), messages::Filter::default());
        let list = messages::Messages::of(rows, &filter, &snapshot, reader(Language::English).say());
        rendered(&list).expect("renders").as_str().to_owned()
    };
    let (all, full) = (list(&rows), list(rows.get(..50).expect("fifty")));
    assert_eq!(all.matches("scope=\"row\"").count(), 50);
    assert!(all.contains("href=\"?before=51\""), "the link goes on after the last row shown");
    assert!(!full.contains("?before="), "there is nothing older than a list that is not cut");
}

#[test]
fn every_state_of_the_hub_is_one_sentence_in_both_languages() {
    let feed = sample::snapshot().feeds.remove(0).name;
    let cases = [
        (Headline::Flowing { feeds: 6 }, Level::Good, "All 6 feeds are working."),
        (Headline::Flowing { feeds: 1 }, Level::Good, "The feed is working."),
        (Headline::NothingYet { feeds: 2 }, Level::Good, "All 2 feeds are open; nothing has been received yet."),
        (
            Headline::Silent { feed: feed.clone(), seconds: 859, expected_seconds: 300 },
            Level::Warning,
            "hospital-a has been silent for 14 min; a message is expected every 5 min.",
        ),
        (Headline::Down { feed }, Level::Bad, "The door of hospital-a is not open."),
        (
            Headline::Behind { seconds: 201, messages: 4000 },
            Level::Bad,
            "Messages wait too long to be processed: the oldest for 3 min.",
        ),
        (Headline::Stopped, Level::Bad, "The hub is not running. These numbers are from its files."),
    ];
    for (headline, level, english) in cases {
        let mut snapshot = sample::snapshot();
        snapshot.headline = headline;
        let live = |language| rendered(&overview::Live::of(&snapshot, reader(language).say())).expect("renders");
        assert!(live(Language::English).as_str().contains(english), "{english}");
        let status = live(Language::Chinese);
        let sentence = status.as_str().lines().find(|line| line.contains("role=\"status\"")).expect("a sentence");
        assert!(sentence.contains('。') && !sentence.contains("headline-"), "{sentence}");
        assert_eq!(snapshot.headline.level(), level);
    }
}

#[test]
fn the_sentence_stays_the_same_while_only_seconds_pass() {
    let sentence = |seconds| {
        let mut snapshot = sample::snapshot();
        snapshot.headline = Headline::Behind { seconds, messages: seconds };
        let live = rendered(&overview::Live::of(&snapshot, reader(Language::English).say())).expect("renders");
        live.as_str().lines().find(|line| line.contains("role=\"status\"")).map(str::to_owned).expect("a sentence")
    };
    assert_eq!(sentence(185), sentence(239), "a screen reader would be told every two seconds");
    assert_ne!(sentence(239), sentence(240));
}

#[test]
fn both_languages_say_the_same_things() {
    assert_eq!(differences(&SOURCE), Vec::<String>::new());
}

#[test]
fn every_text_is_used() {
    let users = [
        include_str!("../dashboard.rs"),
        include_str!("badge.rs"),
        include_str!("codes.rs"),
        include_str!("conflicts.rs"),
        include_str!("held.rs"),
        include_str!("journey.rs"),
        include_str!("messages.rs"),
        include_str!("overview.rs"),
        include_str!("spark.rs"),
        include_str!("words.rs"),
        include_str!("../../templates/dashboard/codes.html"),
        include_str!("../../templates/dashboard/conflicts.html"),
        include_str!("../../templates/dashboard/held.html"),
        include_str!("../../templates/dashboard/journey.html"),
        include_str!("../../templates/dashboard/live.html"),
        include_str!("../../templates/dashboard/messages.html"),
        include_str!("../../templates/dashboard/overview.html"),
    ];
    assert_eq!(unused(&SOURCE, &users.map(str::to_owned), &[]), Vec::<String>::new());
}

#[test]
fn no_page_shows_the_key_of_a_text_that_is_missing() {
    let keys: Vec<&str> =
        SOURCE.english.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect();
    let pages = [
        "overview",
        "overview-empty",
        "held",
        "messages",
        "codes",
        "codes-none",
        "conflicts",
        "conflicts-none",
        "journey",
    ];
    for page in pages {
        for language in Language::ALL {
            let file =
                format!("{}/src/dashboard/tests/pages/{page}.{}.html", env!("CARGO_MANIFEST_DIR"), language.prefix());
            let html = std::fs::read_to_string(file).expect("a reviewed page");
            for key in keys.iter().filter(|key| key.contains('-')) {
                assert!(!html.contains(&format!(">{key}<")), "{page} shows {key}");
            }
        }
    }
}
