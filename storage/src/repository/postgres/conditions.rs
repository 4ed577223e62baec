//! Composing the conditions of a query with their parameters.

use postgres::types::ToSql;

/// Conditions that must all hold.
#[derive(Default)]
pub(super) struct Conditions<'p> {
    texts: Vec<String>,
    params: Vec<&'p (dyn ToSql + Sync)>,
}

impl<'p> Conditions<'p> {
    /// A condition without a parameter.
    pub(super) fn fixed(&mut self, text: impl Into<String>) {
        self.texts.push(text.into());
    }

    /// A condition if there is a value, for which `?` stands in the text.
    pub(super) fn given(&mut self, text: &str, value: Option<&'p (impl ToSql + Sync)>) {
        if let Some(value) = value {
            let number = self.param(value);
            self.texts.push(text.replace('?', &number));
        }
    }

    /// A parameter of another part of the query: gives `$n`.
    pub(super) fn param(&mut self, value: &'p (dyn ToSql + Sync)) -> String {
        self.params.push(value);
        format!("${}", self.params.len())
    }

    /// The conditions as SQL.
    pub(super) fn sql(&self) -> String {
        if self.texts.is_empty() { "TRUE".to_owned() } else { self.texts.join(" AND ") }
    }

    /// The parameters in their order.
    pub(super) fn params(&self) -> &[&'p (dyn ToSql + Sync)] {
        &self.params
    }
}
