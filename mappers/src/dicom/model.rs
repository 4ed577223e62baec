//! The header of an instance as DICOM JSON (PS3.18 annex F), decoded by the rule of its feed.
//!
//! It is UTF-8 throughout, so Specific Character Set says so. Group lengths are left out. What was too long to be kept is
//! told by its address, which begins where the instance's does ([`HERE`]).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_core::dicom::claim::{Claim, Pixels};
use causeway_core::dicom::dictionary;
use causeway_core::dicom::element::{self, Element, Value};
use causeway_core::dicom::instance::HERE;
use causeway_core::dicom::syntax::{Coding, Syntax};
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::dicom::text::{Kind, Repertoire};
use causeway_core::feed::CharsetRule;
use serde_json::{Map, Number, Value as Json, json};

/// Sequences whose representation only the dictionary knows, within each other.
const DEPTH_MAX: usize = 16;

/// The metadata of a claim's instance, and whether they lack elements.
pub(super) fn metadata(claim: &Claim, rule: &CharsetRule) -> (String, bool) {
    let syntax = Syntax::of(&claim.transfer_syntax);
    let writer = Writer {
        rule,
        // Of a deflated data set places in the file say nothing.
        data_set_at: (!syntax.deflated).then_some(claim.data_set_at),
        native: matches!(claim.pixels, Some(Pixels::Native(..))),
    };
    let extract = claim.extracted();
    let read = extract.as_deref().and_then(|bytes| element::read(bytes, syntax.coding).ok());
    let whole = read.is_some();
    let few: Vec<(Tag, Vec<u8>)>;
    let elements = match read {
        Some(elements) => elements,
        None => {
            few = claim.header.keys().filter_map(|tag| Some((*tag, claim.value(*tag)?))).collect();
            few.iter().map(|(tag, value)| kept(*tag, value, syntax.coding)).collect()
        }
    };
    let object = writer.object(&elements, &Context::outermost(&elements, rule), DEPTH_MAX);
    (sorted(object), !whole)
}

/// An element of which only the value was kept.
const fn kept(tag: Tag, value: &[u8], coding: Coding) -> Element<'_> {
    Element { tag, vr: None, coding, value: Value::Bytes(value) }
}

/// The text of the object; elements are in the order of their tags, as in a data set.
fn sorted(object: Map<String, Json>) -> String {
    let mut elements: Vec<(String, Json)> = object.into_iter().collect();
    elements.sort_by(|a, b| a.0.cmp(&b.0));
    // serde_json escapes control characters; the mark has to stand as it is.
    let text = Json::Object(elements.into_iter().collect()).to_string();
    text.replace("\"BulkDataURI\":\"\\u0001", &format!("\"BulkDataURI\":\"{HERE}"))
}

/// What decides how the values of one data set or item are read.
struct Context {
    repertoire: Repertoire,
    signed: bool,
}

impl Context {
    fn outermost(elements: &[Element<'_>], rule: &CharsetRule) -> Self {
        let signed = bytes_of(elements, PIXEL_REPRESENTATION).is_some_and(|value| value.contains(&1));
        Self { repertoire: Repertoire::new(bytes_of(elements, tag::SPECIFIC_CHARACTER_SET), rule), signed }
    }

    /// An item may declare character sets of its own (PS3.3 section C.12.1.1.2).
    fn of_item(&self, elements: &[Element<'_>], rule: &CharsetRule) -> Self {
        let own = bytes_of(elements, tag::SPECIFIC_CHARACTER_SET);
        let repertoire = own.map_or_else(|| self.repertoire.clone(), |own| Repertoire::new(Some(own), rule));
        Self { repertoire, signed: self.signed }
    }
}

const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);

fn bytes_of<'b>(elements: &[Element<'b>], tag: Tag) -> Option<&'b [u8]> {
    let found = elements.iter().find(|element| element.tag == tag)?;
    if let Value::Bytes(bytes) = found.value { Some(bytes) } else { None }
}

struct Writer<'r> {
    rule: &'r CharsetRule,
    data_set_at: Option<u64>,
    native: bool,
}

impl Writer<'_> {
    fn object(&self, elements: &[Element<'_>], context: &Context, depth: usize) -> Map<String, Json> {
        let mut object = Map::new();
        for element in elements {
            if element.tag.1 == 0 {
                continue;
            }
            let vr = representation(element, context);
            object.insert(element.tag.hex(), Json::Object(self.element(element, vr, context, depth)));
        }
        object
    }

    fn element(&self, element: &Element<'_>, vr: [u8; 2], context: &Context, depth: usize) -> Map<String, Json> {
        let mut object = Map::new();
        let name: String = vr.iter().map(|byte| char::from(*byte)).collect();
        object.insert("vr".to_owned(), Json::String(name));
        match &element.value {
            Value::Items(items) => self.put_items(&mut object, items, context, depth),
            Value::Bytes(bytes) if vr == *b"SQ" => {
                if let Some(deeper) = depth.checked_sub(1)
                    && let Ok(items) = element::read_items(bytes, element.coding)
                {
                    let inner = Writer { rule: self.rule, data_set_at: None, native: false };
                    inner.put_items(&mut object, &items, context, deeper);
                }
            }
            Value::Bytes(bytes) => put_value(&mut object, element, vr, bytes, context),
            Value::Elsewhere(at, bytes) => {
                let pixels = element.tag == tag::PIXEL_DATA && !self.native;
                if let Some(before) = self.data_set_at.filter(|_| !pixels && vr != *b"SQ") {
                    let uri = format!("{HERE}/bulkdata/{}-{bytes}", before.saturating_add(*at));
                    object.insert("BulkDataURI".to_owned(), Json::String(uri));
                }
            }
            // Compressed frames are read one by one.
            Value::Fragments => {}
        }
        object
    }

    fn put_items(&self, object: &mut Map<String, Json>, items: &[Vec<Element<'_>>], context: &Context, depth: usize) {
        let item = |elements: &Vec<Element<'_>>| {
            Json::Object(self.object(elements, &context.of_item(elements, self.rule), depth))
        };
        if !items.is_empty() {
            object.insert("Value".to_owned(), items.iter().map(item).collect());
        }
    }
}

/// The representation an element has or, where it does not say, what the dictionary says.
fn representation(element: &Element<'_>, context: &Context) -> [u8; 2] {
    let known = || dictionary::entry(element.tag).map(|entry| entry.vr);
    let vr = match element.vr {
        // What an older device did not know is often known by now; its bytes are in little endian either way.
        Some(vr) if vr == *b"UN" && !element.coding.big_endian => known().filter(|vr| vr != b"SQ").unwrap_or(vr),
        Some(vr) => vr,
        None if matches!(element.value, Value::Items(_)) => *b"SQ",
        None if element.tag.0 % 2 == 1 && (0x10..=0xFF).contains(&element.tag.1) => *b"LO",
        None => known().unwrap_or(*b"UN"),
    };
    match &vr {
        b"XS" if context.signed => *b"SS",
        b"XS" => *b"US",
        b"LU" => *b"OW",
        _ => vr,
    }
}

fn put_value(object: &mut Map<String, Json>, element: &Element<'_>, vr: [u8; 2], bytes: &[u8], context: &Context) {
    if bytes.is_empty() {
        return;
    }
    let values = match &vr {
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"UN" => {
            object.insert("InlineBinary".to_owned(), Json::String(STANDARD.encode(bytes)));
            return;
        }
        _ if element.tag == tag::SPECIFIC_CHARACTER_SET => vec![json!("ISO_IR 192")],
        b"AT" => numbers(bytes, element.coding, |[a, b, c, d]: [u8; 4], short| {
            let tag = Tag(short([a, b]), short([c, d]));
            Json::String(tag.hex())
        }),
        b"US" => numbers(bytes, element.coding, |pair: [u8; 2], short| json!(short(pair))),
        b"SS" => numbers(bytes, element.coding, |pair: [u8; 2], short| json!(short(pair).cast_signed())),
        b"UL" => whole(bytes, element.coding, |four: [u8; 4]| json!(u32::from_le_bytes(four))),
        b"SL" => whole(bytes, element.coding, |four: [u8; 4]| json!(i32::from_le_bytes(four))),
        b"UV" => whole(bytes, element.coding, |eight: [u8; 8]| json!(u64::from_le_bytes(eight))),
        b"SV" => whole(bytes, element.coding, |eight: [u8; 8]| json!(i64::from_le_bytes(eight))),
        b"FL" => whole(bytes, element.coding, |four: [u8; 4]| float(f32::from_le_bytes(four).into())),
        b"FD" => whole(bytes, element.coding, |eight: [u8; 8]| float(f64::from_le_bytes(eight))),
        b"PN" => texts(bytes, Kind::PersonName, context).iter().map(|name| person_name(name)).collect(),
        // One value, in which the backslash is a character.
        b"LT" | b"ST" | b"UT" | b"UR" => {
            let text = context.repertoire.decode(Kind::Text, bytes).unwrap_or_default();
            vec![Json::String(text.trim_end_matches([' ', '\0']).to_owned())]
        }
        b"DS" | b"IS" => texts(bytes, Kind::Text, context).iter().map(|text| number(text)).collect(),
        _ => texts(bytes, Kind::Text, context).into_iter().map(text).collect(),
    };
    if !values.is_empty() {
        object.insert("Value".to_owned(), Json::Array(values));
    }
}

/// The values of a text; none where it is not in the character set it claims.
fn texts(bytes: &[u8], kind: Kind, context: &Context) -> Vec<String> {
    context.repertoire.values(kind, bytes).unwrap_or_default()
}

/// An empty value among several is null (PS3.18 section F.2.5).
fn text(text: String) -> Json {
    if text.is_empty() { Json::Null } else { Json::String(text) }
}

fn person_name(name: &str) -> Json {
    let groups = name.split('=').map(str::trim_end).zip(["Alphabetic", "Ideographic", "Phonetic"]);
    let named: Map<String, Json> =
        groups.filter(|(group, _)| !group.is_empty()).map(|(group, name)| (name.to_owned(), json!(group))).collect();
    if named.is_empty() { Json::Null } else { Json::Object(named) }
}

/// Decimal text as a number; as text where it is none.
fn number(written: &str) -> Json {
    let written = written.trim();
    let exact = || serde_json::from_str::<Number>(written).ok();
    let read = || written.trim_start_matches('+').parse::<f64>().ok().filter(|number| number.is_finite());
    let integer = || written.trim_start_matches('+').parse::<i64>().ok();
    match exact().or_else(|| integer().map(Number::from)) {
        Some(number) => Json::Number(number),
        None => read().and_then(Number::from_f64).map_or_else(|| text(written.to_owned()), Json::Number),
    }
}

fn float(number: f64) -> Json {
    // What is no number has no other way into JSON.
    Number::from_f64(number).map_or_else(|| Json::String(number.to_string()), Json::Number)
}

/// Numbers made of pairs of bytes, each pair in the order of the data set.
fn numbers<const N: usize>(
    bytes: &[u8],
    coding: Coding,
    read: impl Fn([u8; N], &dyn Fn([u8; 2]) -> u16) -> Json,
) -> Vec<Json> {
    let short = |pair: [u8; 2]| if coding.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
    bytes.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok()).map(|chunk| read(chunk, &short)).collect()
}

/// Numbers of more bytes; given in little endian.
fn whole<const N: usize>(bytes: &[u8], coding: Coding, read: impl Fn([u8; N]) -> Json) -> Vec<Json> {
    let turned = |mut chunk: [u8; N]| {
        if coding.big_endian {
            chunk.reverse();
        }
        read(chunk)
    };
    bytes.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok()).map(turned).collect()
}
