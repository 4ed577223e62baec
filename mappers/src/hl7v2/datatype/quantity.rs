//! NM, SN, NR and CQ with their units to Quantity, Range and Ratio: IG maps `NM[Quantity]`, `SN[…]`, `NR[Range]`, `CQ[Quantity]`
//! and `CWE[Quantity]`. Digits stay as sent.

use std::borrow::Cow;

use crate::fhir::{Json, Object, code, decimal};
use crate::hl7v2::datatype::cwe;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Value;

/// The unit of a quantity.
#[derive(Debug, Default, Clone)]
pub(crate) struct Unit {
    shown: String,
    system: Cow<'static, str>,
    code: String,
}

impl Unit {
    /// Reads OBX-6: a code of a named system (UCUM above all) with its system, anything else as the human-readable unit.
    pub(crate) fn read(value: &Value<'_, '_>) -> Self {
        let (sent, text, system) = (value.text(1), value.text(2), value.text(3));
        let shown = if text.is_empty() { &sent } else { &text }.clone().into_owned();
        if system.is_empty() || sent.is_empty() {
            return Self { shown, ..Self::default() };
        }
        if sent.contains(char::is_whitespace) {
            value.note(NoteCode::BadUnit, "a code of a unit holds a blank: kept as text");
            return Self { shown, ..Self::default() };
        }
        let (system, _) = cwe::system_uri(value.context(), &system);
        Self { shown, system, code: code(&sent).into_owned() }
    }

    /// A Quantity of this unit; `None` when the text is no number.
    pub(crate) fn quantity(&self, number: &str, comparator: &str) -> Option<Object> {
        let quantity = Object::sized(4).put("value", decimal(number)?).text("comparator", comparator);
        let system = Json::of_ours(self.system.clone());
        Some(quantity.text("unit", &self.shown).put("system", system).text("code", &self.code))
    }

    /// Whether a unit was sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// A text that begins as a number does, with the unit behind it; `None` for other text, and without a unit.
    pub(crate) fn behind(&self, text: &str) -> Option<String> {
        let is_measured =
            text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '<' | '>' | '=' | '+' | '-' | '.'));
        (is_measured && !self.shown.is_empty()).then(|| format!("{text} {}", self.shown))
    }
}

/// Splits `<5`, `>= 10` and the like into FHIR's comparator and the number; no comparator is an empty one.
pub(crate) fn comparator(text: &str) -> (&'static str, &str) {
    for sign in ["<=", ">=", "<", ">"] {
        if let Some(rest) = text.strip_prefix(sign) {
            return (sign, rest.trim_start());
        }
    }
    ("", text)
}

/// What a structured numeric becomes.
#[derive(Debug)]
pub(crate) enum Numeric {
    /// `valueQuantity`
    Quantity(Object),
    /// `valueRange`
    Range(Object),
    /// `valueRatio`
    Ratio(Object),
    /// `valueString`: what the other three cannot say.
    Text(String),
}

/// SN (§2A.2.72): comparator, number, separator or suffix, number.
pub(crate) fn structured(value: &Value<'_, '_>, unit: &Unit) -> Numeric {
    let (sign, first, separator, second) = (value.text(1), value.text(2), value.text(3), value.text(4));
    let sign = if sign == "=" { "" } else { &*sign };
    let known = matches!(sign, "" | "<" | ">" | "<=" | ">=");
    let one = |number: &str| unit.quantity(number, "");
    let made = match &*separator {
        _ if !known => None,
        "" if second.is_empty() => unit.quantity(&first, sign).map(Numeric::Quantity),
        "-" if sign.is_empty() => range(one(&first), one(&second)).map(Numeric::Range),
        ":" | "/" => {
            let ratio = unit.quantity(&first, sign).zip(one(&second));
            ratio.map(|(above, below)| {
                Numeric::Ratio(Object::sized(2).put("numerator", above).put("denominator", below))
            })
        }
        _ => None,
    };
    made.unwrap_or_else(|| {
        let parts = [sign, &first, &separator, &second];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Numeric::Text(parts.join(" "))
    })
}

/// NR (§2A.2.47): low and high.
pub(crate) fn numeric_range(value: &Value<'_, '_>, unit: &Unit) -> Option<Object> {
    let (low, high) = (value.text(1), value.text(2));
    let bad = |text: &str, read: &Option<Object>| !text.is_empty() && read.is_none();
    let (from, to) = (unit.quantity(&low, ""), unit.quantity(&high, ""));
    if bad(&low, &from) || bad(&high, &to) || (from.is_none() && to.is_none()) {
        return None;
    }
    Some(Object::sized(2).maybe("low", from).maybe("high", to))
}

/// CQ (§2A.2.12): a number, and a unit in sub-components.
pub(crate) fn composite(value: &Value<'_, '_>) -> Option<Object> {
    let (code, text) = (value.sub(2, 1), value.sub(2, 2));
    let shown = if text.is_empty() { code } else { text };
    let unit = Unit { shown: shown.into_owned(), ..Unit::default() };
    let quantity = unit.quantity(&value.text(1), "");
    if quantity.is_none() {
        value.note(NoteCode::NotANumber, "a quantity is no number: left out");
    }
    quantity
}

/// CQ as an observed value: with its own unit, or else with that of OBX-6.
pub(crate) fn composite_in(value: &Value<'_, '_>, unit: &Unit) -> Option<Object> {
    let number = value.text(1);
    if !value.has(2) {
        return unit.quantity(&number, "");
    }
    let (code, text) = (value.sub(2, 1), value.sub(2, 2));
    let shown = if text.is_empty() { code } else { text };
    Unit { shown: shown.into_owned(), ..Unit::default() }.quantity(&number, "")
}

/// MO (§2A.2.41), or the first part of CP: an amount, and the currency by its code of ISO 4217.
pub(crate) fn money(amount: &str, currency: &str) -> Option<Object> {
    let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
    let (system, code) = if is_code { (CURRENCIES, currency) } else { ("", "") };
    Unit { shown: currency.to_owned(), system: Cow::Borrowed(system), code: code.to_owned() }.quantity(amount, "")
}

/// The system of the codes of currencies, as FHIR names it.
const CURRENCIES: &str = "urn:iso:std:iso:4217";

/// A CQ whose parts are sub-components of a component, as in the old TQ.1.
pub(crate) fn in_subcomponents(value: &Value<'_, '_>, component: usize) -> Option<Object> {
    let unit = Unit { shown: value.sub(component, 2).into_owned(), ..Unit::default() };
    let quantity = unit.quantity(&value.sub(component, 1), "");
    if quantity.is_none() {
        value.note(NoteCode::NotANumber, "a quantity is no number: left out");
    }
    quantity
}

fn range(low: Option<Object>, high: Option<Object>) -> Option<Object> {
    let (low, high) = low.zip(high)?;
    Some(Object::sized(2).put("low", low).put("high", high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparators_stand_before_the_number() {
        assert_eq!(comparator("<5"), ("<", "5"));
        assert_eq!(comparator(">= 10"), (">=", "10"));
        assert_eq!(comparator("5"), ("", "5"));
    }
}
