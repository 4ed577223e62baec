//! What a medicine is made of: RXC by RXC, the components of a compound or the herbs of a Chinese prescription.

use causeway_core::scope::Level;

use super::drug::{self, Code};
use crate::fhir::{Json, Object, text_concept};
use crate::hl7v2::context::Context;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;

/// The ingredients of a medicine.
#[derive(Debug, Default)]
pub(crate) struct Ingredients {
    /// Medication.ingredient.
    pub(crate) list: Vec<Json>,
    /// What they refer to.
    pub(crate) contained: Vec<Json>,
    /// How each is to be prepared: Dosage.additionalInstruction.
    pub(crate) instructions: Vec<Json>,
    /// How coded they are, all together.
    pub(crate) level: Option<Level>,
    /// Whether one is a Chinese medicine.
    pub(crate) is_chinese: bool,
}

/// Reads the components. Of a Chinese prescription each is a herb, its supplementary code how it is to be decocted.
pub(crate) fn read<'m>(context: &Context<'m>, components: &[&Seg<'m>], is_chinese: bool) -> Ingredients {
    let mut ingredients = Ingredients { is_chinese, ..Ingredients::default() };
    let mut seen: Vec<String> = Vec::new();
    for (rxc, number) in components.iter().zip(1_usize..) {
        let Some(code) = rxc.first(context, 2).map(|value| drug::code(&value)).filter(|code| !code.concept.is_empty())
        else {
            context.missing(rxc, 2, "the component is missing");
            continue;
        };
        ingredients.is_chinese |= code.is_chinese;
        if seen.contains(&code.key) {
            let text = "the same ingredient stands in the prescription twice: both are kept";
            context.note(NoteCode::DuplicateIngredient, rxc.place(), text);
        }
        seen.push(code.key.clone());
        // A component with a name and an amount is structured, whatever its code.
        let level = code.level.max(Level::Structured);
        ingredients.level = Some(ingredients.level.map_or(level, |so_far| so_far.min(level)));
        ingredients.take(context, rxc, code, number);
    }
    ingredients
}

impl Ingredients {
    fn take<'m>(&mut self, context: &Context<'m>, rxc: &Seg<'m>, mut code: Code, number: usize) {
        let is_additive = rxc.text(context, 1) == "A"; // RXC-1 → isActive
        self.supplements(context, rxc, &mut code); // RXC-7
        let amount = amount(context, rxc); // RXC-3, RXC-4 → strength
        let own = drug::strength(context, rxc, [5, 6, 8, 9]); // RXC-5, RXC-6, RXC-8, RXC-9
        let item = match own {
            Some(strength) => {
                let id = format!("ingredient-{number}");
                let made_of = Object::sized(2).put("itemCodeableConcept", code.concept.clone());
                let medication = Object::sized(4)
                    .text("resourceType", "Medication")
                    .text("id", &id)
                    .put("code", code.concept)
                    .one("ingredient", made_of.put("strength", strength.ratio()));
                self.contained.push(medication.into());
                Object::sized(1).put("itemReference", Object::sized(1).text("reference", &format!("#{id}")))
            }
            None => Object::sized(1).put("itemCodeableConcept", code.concept),
        };
        let item = if is_additive { item.put("isActive", true) } else { item };
        self.list.push(item.maybe("strength", amount).into());
    }

    /// RXC-7: for a herb, what is special in its decoction; else further codes of the component.
    fn supplements<'m>(&mut self, context: &Context<'m>, rxc: &Seg<'m>, code: &mut Code) {
        for value in rxc.all(context, 7) {
            let further = drug::code(&value);
            if !self.is_chinese {
                code.add(further);
                continue;
            }
            let note = shown(&further.concept);
            let text = format!("{}: {note}", shown(&code.concept));
            self.instructions.push(further.concept.without("text").merge(text_concept(&text)).into());
        }
    }
}

/// The amount of an ingredient in one of what is made: a pack of a Chinese prescription, a bag of a compound.
fn amount<'m>(context: &Context<'m>, rxc: &Seg<'m>) -> Option<Object> {
    let unit = drug::unit(context, rxc, 4);
    let value = rxc.first(context, 3)?;
    let amount = unit.quantity(&value.text(1), "").filter(|_| drug::is_positive(&value));
    let Some(amount) = amount else {
        value.note(NoteCode::NotANumber, "the amount of a component is no number above zero: left out");
        return None;
    };
    Some(Object::sized(2).put("numerator", amount).put("denominator", Object::sized(1).put("value", 1_u32)))
}

/// What a concept is called.
fn shown(concept: &Object) -> String {
    let coding = concept.get("coding").first();
    let of = |name: &str| coding.and_then(|coding| coding.get(name)).and_then(Json::as_str);
    concept.get("text").as_str().or_else(|| of("display")).or_else(|| of("code")).unwrap_or_default().to_owned()
}
