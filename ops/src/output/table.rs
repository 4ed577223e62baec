//! Tables for people: aligned by what characters take on a terminal, so that Chinese names stand in line.

use causeway_core::marks;
use unicode_width::UnicodeWidthStr as _;

/// Which side a column leans on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table with headings.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns; a heading that starts with `>` leans to the right.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let columns = headings
            .iter()
            .map(|heading| match heading.strip_prefix('>') {
                Some(text) => (text.to_owned(), Align::Right),
                None => ((*heading).to_owned(), Align::Left),
            })
            .collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; cells beyond the columns are left off, missing ones are empty. Marks that turn or hide text are written
    /// out: a terminal has no frame that keeps them to their cell.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let shown = |cell: String| if marks::has_hidden(&cell) { marks::spelled_out(&cell) } else { cell };
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// Whether it has no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// As printed: two blanks between columns, no blank at the end of a line.
    pub(crate) fn render(&self, color: bool) -> String {
        let widths: Vec<usize> = (0..self.columns.len()).map(|place| self.width(place)).collect();
        let headings: Vec<String> = self.columns.iter().map(|(heading, _)| heading.to_uppercase()).collect();
        let mut text = String::new();
        let first = self.line(&headings, &widths);
        if color {
            text.push_str("\x1b[1m");
            text.push_str(&first);
            text.push_str("\x1b[0m\n");
        } else {
            text.push_str(&first);
            text.push('\n');
        }
        for row in &self.rows {
            text.push_str(&self.line(row, &widths));
            text.push('\n');
        }
        text
    }

    /// The width of a column on the terminal.
    fn width(&self, place: usize) -> usize {
        let heading = self.columns.get(place).map_or(0, |(heading, _)| heading.width());
        self.rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.width()).fold(heading, usize::max)
    }

    /// One line.
    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (place, ((_, align), width)) in self.columns.iter().zip(widths).enumerate() {
            let cell = cells.get(place).map_or("", String::as_str);
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            if place > 0 {
                line.push_str("  ");
            }
            match align {
                Align::Left => line.extend([cell, &pad]),
                Align::Right => line.extend([&pad, cell]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_places_a_character() {
        let mut table = Table::new(&["name", ">count"]);
        table.row(["陳大文".to_owned(), "7".to_owned()]);
        table.row(["CHAN".to_owned(), "1013".to_owned()]);
        assert_eq!(table.render(false), "NAME    COUNT\n陳大文      7\nCHAN     1013\n");
    }

    #[test]
    fn marks_that_turn_text_are_written_out() {
        let mut table = Table::new(&["name", "count"]);
        table.row(["王\u{202e}文".to_owned(), "7".to_owned()]);
        assert_eq!(table.render(false).lines().nth(1), Some("王<U+202E>文  7"));
    }

    #[test]
    fn lines_do_not_end_in_blanks() {
        let mut table = Table::new(&["a", "b"]);
        table.row(["x".to_owned(), String::new()]);
        assert_eq!(table.render(false), "A  B\nx\n");
    }
}
