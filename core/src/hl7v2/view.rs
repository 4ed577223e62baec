//! Views of the parts of a segment: field, repetition, component, sub-component. Each is a few words, `Copy`, and
//! borrows the message.

use std::borrow::Cow;
use std::fmt;

use super::escape;
use super::message::Message;

/// What a part of a message says (§2.5.3 fields: "present but empty" and "null").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// The segment, field or component ended before it. Says nothing; keep what you have.
    Absent,
    /// There, without a value: nothing between its separators, or further separators only. Says nothing either.
    Empty,
    /// `""`: delete what you have.
    Null,
    /// There, with a value.
    Present,
}

/// A stretch of the text and the separators inside it.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The first separator inside, in `Index::parts`.
    pub(super) first: usize,
    /// One past the last separator inside.
    pub(super) last: usize,
}

/// What all four levels share.
#[derive(Clone, Copy)]
struct View<'m> {
    message: &'m Message<'m>,
    extent: Option<Extent>,
}

impl<'m> View<'m> {
    fn raw(self) -> &'m str {
        let Some(extent) = self.extent else { return "" };
        self.message.text().get(extent.start as usize..extent.end as usize).unwrap_or_default()
    }

    fn presence(self) -> Presence {
        let Some(extent) = self.extent else { return Presence::Absent };
        let length = extent.end.saturating_sub(extent.start) as usize;
        // As many bytes as separators: there is nothing but separators.
        if length == extent.last - extent.first {
            Presence::Empty
        } else if length == 2 && self.raw() == "\"\"" {
            Presence::Null
        } else {
            Presence::Present
        }
    }

    fn text(self) -> Cow<'m, str> {
        match self.raw() {
            "\"\"" => Cow::Borrowed(""),
            raw => escape::unescape_in(raw, self.message.delimiters(), self.message.charset()),
        }
    }

    /// Its parts at the level of `separator`.
    fn split(self, separator: Option<u8>) -> Split<'m> {
        Split { message: self.message, rest: self.extent, separator }
    }

    /// The part `number` of them, from 1.
    fn nth(self, separator: Option<u8>, number: usize) -> Self {
        let absent = Self { message: self.message, extent: None };
        let Some(before) = number.checked_sub(1) else { return absent };
        self.split(separator).nth(before).unwrap_or(absent)
    }
}

/// Iterates over the parts of a view at one level.
#[derive(Clone)]
struct Split<'m> {
    message: &'m Message<'m>,
    rest: Option<Extent>,
    separator: Option<u8>,
}

impl<'m> Iterator for Split<'m> {
    type Item = View<'m>;

    fn next(&mut self) -> Option<View<'m>> {
        let rest = self.rest?;
        let index = self.message.index();
        let bytes = self.message.text().as_bytes();
        let inside = index.parts.get(rest.first..rest.last).unwrap_or_default();
        let ours = |at: &u32| bytes.get(*at as usize).copied() == self.separator;
        let (this, rest) = match inside.iter().position(ours).map(|found| (found, inside.get(found))) {
            Some((found, Some(at))) => {
                let this = Extent { end: *at, last: rest.first + found, ..rest };
                let rest = Extent { start: *at + 1, first: rest.first + found + 1, ..rest };
                (this, Some(rest))
            }
            Some((_, None)) | None => (rest, None),
        };
        self.rest = rest;
        Some(View { message: self.message, extent: Some(this) })
    }
}

macro_rules! view {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub struct $name<'m>(View<'m>);

        impl<'m> $name<'m> {
            /// What it says.
            pub fn presence(&self) -> Presence {
                self.0.presence()
            }

            /// Its text as sent, with separators and escapes.
            pub fn raw(&self) -> &'m str {
                self.0.raw()
            }

            /// Its byte offset in the text of the message; `None` when absent.
            pub fn offset(&self) -> Option<usize> {
                self.0.extent.map(|extent| extent.start as usize)
            }

            /// Whether it holds a value.
            pub fn is_present(&self) -> bool {
                self.presence() == Presence::Present
            }
        }

        /// Presence and length only: the text is a patient's.
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?}, {} bytes)"), self.presence(), self.raw().len())
            }
        }
    };
}

macro_rules! parts {
    ($(#[$about:meta])* $name:ident of $item:ident) => {
        $(#[$about])*
        #[derive(Clone)]
        pub struct $name<'m>(Split<'m>);

        impl<'m> Iterator for $name<'m> {
            type Item = $item<'m>;

            fn next(&mut self) -> Option<$item<'m>> {
                self.0.next().map($item)
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

view! {
    /// A field: one or more repetitions.
    Field
}
view! {
    /// A repetition of a field: one or more components.
    Repetition
}
view! {
    /// A component of a repetition: one or more sub-components.
    Component
}
view! {
    /// A sub-component: text.
    Part
}
parts! {
    /// The repetitions of a field; none when it is absent, one when it is empty.
    Repetitions of Repetition
}
parts! {
    /// The components of a repetition; none when it is absent, one when it is empty.
    Components of Component
}
parts! {
    /// The sub-components of a component; none when it is absent, one when it is empty.
    Parts of Part
}

impl<'m> Field<'m> {
    pub(super) const fn absent(message: &'m Message<'m>) -> Self {
        Self(View { message, extent: None })
    }

    pub(super) const fn present(message: &'m Message<'m>, extent: Extent) -> Self {
        Self(View { message, extent: Some(extent) })
    }

    /// Its repetitions.
    pub fn repetitions(&self) -> Repetitions<'m> {
        Repetitions(self.0.split(self.separator()))
    }

    /// How many repetitions it has: 0 when absent.
    pub fn repetition_count(&self) -> usize {
        self.repetitions().count()
    }

    /// A repetition, counted from 1.
    pub fn rep(&self, number: usize) -> Repetition<'m> {
        Repetition(self.0.nth(self.separator(), number))
    }

    /// A component of the first repetition, counted from 1.
    pub fn component(&self, number: usize) -> Component<'m> {
        self.rep(1).component(number)
    }

    /// The first sub-component of the first component of the first repetition, unescaped; empty when absent or null.
    pub fn text(&self) -> Cow<'m, str> {
        self.rep(1).text()
    }

    fn separator(&self) -> Option<u8> {
        Some(self.0.message.delimiters().levels().0)
    }
}

impl<'m> Repetition<'m> {
    /// Its components.
    pub fn components(&self) -> Components<'m> {
        Components(self.0.split(self.separator()))
    }

    /// A component, counted from 1.
    pub fn component(&self, number: usize) -> Component<'m> {
        Component(self.0.nth(self.separator(), number))
    }

    /// The first sub-component of its first component, unescaped; empty when absent or null.
    pub fn text(&self) -> Cow<'m, str> {
        self.component(1).text()
    }

    fn separator(&self) -> Option<u8> {
        Some(self.0.message.delimiters().levels().1)
    }
}

impl<'m> Component<'m> {
    /// Its sub-components.
    pub fn subs(&self) -> Parts<'m> {
        Parts(self.0.split(self.separator()))
    }

    /// A sub-component, counted from 1.
    pub fn sub(&self, number: usize) -> Part<'m> {
        Part(self.0.nth(self.separator(), number))
    }

    /// Its first sub-component, unescaped; empty when absent or null.
    pub fn text(&self) -> Cow<'m, str> {
        self.sub(1).text()
    }

    fn separator(&self) -> Option<u8> {
        self.0.message.delimiters().levels().2
    }
}

impl<'m> Part<'m> {
    /// Its text, unescaped; empty when absent or null.
    pub fn text(&self) -> Cow<'m, str> {
        self.0.text()
    }
}
