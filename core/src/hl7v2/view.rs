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

/// A stretch of the text and the separators inside it, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    // INVARIANT: `first` past `last` for what is absent, and for nothing else.
    pub(super) start: u32,
    pub(super) end: u32,
    /// The first separator inside, in `Index::parts`.
    pub(super) first: u32,
    /// One past the last separator inside.
    pub(super) last: u32,
}

impl Extent {
    /// Of what is not there.
    pub(super) const ABSENT: Self = Self { start: 0, end: 0, first: 1, last: 0 };

    /// Whether it is there, be it empty.
    #[inline]
    const fn is_there(self) -> bool {
        self.first <= self.last
    }
}

/// What all four levels share.
#[derive(Clone, Copy)]
struct View<'m> {
    message: &'m Message<'m>,
    extent: Extent,
}

impl<'m> View<'m> {
    #[inline]
    fn raw(self) -> &'m str {
        self.message.text().get(self.extent.start as usize..self.extent.end as usize).unwrap_or_default()
    }

    #[inline]
    fn presence(self) -> Presence {
        let extent = self.extent;
        let length = extent.end.saturating_sub(extent.start);
        if !extent.is_there() {
            Presence::Absent
        } else if length == extent.last.saturating_sub(extent.first) {
            // As many bytes as separators: there is nothing but separators.
            Presence::Empty
        } else if length == 2 && self.raw() == "\"\"" {
            Presence::Null
        } else {
            Presence::Present
        }
    }

    #[inline]
    fn text(self) -> Cow<'m, str> {
        match self.raw() {
            "\"\"" => Cow::Borrowed(""),
            raw if !self.message.index().has_escapes => Cow::Borrowed(raw),
            raw => escape::unescape_in(raw, self.message.delimiters(), self.message.charset()),
        }
    }

    /// Its parts at the level of `separator`.
    #[inline]
    const fn split(self, separator: Option<u8>) -> Split<'m> {
        Split { message: self.message, rest: self.extent, separator }
    }

    /// The part `number` of them, from 1.
    #[inline]
    fn nth(self, separator: Option<u8>, number: usize) -> Self {
        let extent = self.extent_of(separator, number).unwrap_or(Extent::ABSENT);
        Self { message: self.message, extent }
    }
}

impl View<'_> {
    /// Where the part `number` begins and ends: all its separators are passed once.
    #[inline]
    fn extent_of(self, separator: Option<u8>, number: usize) -> Option<Extent> {
        let mut before = number.checked_sub(1)?;
        let whole = self.extent;
        if whole.first >= whole.last {
            return (before == 0 && whole.is_there()).then_some(whole);
        }
        let bytes = self.message.text().as_bytes();
        let inside = self.message.index().parts.get(whole.first as usize..whole.last as usize)?;
        let mut part = whole;
        for (found, at) in (whole.first..).zip(inside) {
            if bytes.get(*at as usize).copied() != separator {
                continue;
            }
            if before == 0 {
                return Some(Extent { end: *at, last: found, ..part });
            }
            before -= 1;
            part = Extent { start: *at + 1, first: found + 1, ..part };
        }
        (before == 0).then_some(part)
    }
}

/// Iterates over the parts of a view at one level.
#[derive(Clone)]
struct Split<'m> {
    message: &'m Message<'m>,
    rest: Extent,
    separator: Option<u8>,
}

impl<'m> Iterator for Split<'m> {
    type Item = View<'m>;

    #[inline]
    fn next(&mut self) -> Option<View<'m>> {
        let rest = self.rest;
        if !rest.is_there() {
            return None;
        }
        let (extent, rest) = self.cut(rest).unwrap_or((rest, Extent::ABSENT));
        self.rest = rest;
        Some(View { message: self.message, extent })
    }
}

impl Split<'_> {
    /// Cuts `rest` at the first separator of this level, if there is one.
    #[inline]
    fn cut(&self, rest: Extent) -> Option<(Extent, Extent)> {
        if rest.first == rest.last {
            return None;
        }
        let bytes = self.message.text().as_bytes();
        let inside = self.message.index().parts.get(rest.first as usize..rest.last as usize)?;
        let is_ours = |at: u32| bytes.get(at as usize).copied() == self.separator;
        let (found, at) = (rest.first..).zip(inside).find(|(_, at)| is_ours(**at))?;
        Some((Extent { end: *at, last: found, ..rest }, Extent { start: *at + 1, first: found + 1, ..rest }))
    }
}

macro_rules! view {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub struct $name<'m>(View<'m>);

        impl<'m> $name<'m> {
            /// What it says.
            #[inline]
            pub fn presence(&self) -> Presence {
                self.0.presence()
            }

            /// Its text as sent, with separators and escapes.
            #[inline]
            pub fn raw(&self) -> &'m str {
                self.0.raw()
            }

            /// Its byte offset in the text of the message; `None` when absent.
            #[inline]
            pub fn offset(&self) -> Option<usize> {
                self.0.extent.is_there().then_some(self.0.extent.start as usize)
            }

            /// Whether it holds a value.
            #[inline]
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

            #[inline]
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
    #[inline]
    pub(super) const fn absent(message: &'m Message<'m>) -> Self {
        Self(View { message, extent: Extent::ABSENT })
    }

    #[inline]
    pub(super) const fn present(message: &'m Message<'m>, extent: Extent) -> Self {
        Self(View { message, extent })
    }

    /// Its repetitions.
    #[inline]
    pub fn repetitions(&self) -> Repetitions<'m> {
        Repetitions(self.0.split(self.separator()))
    }

    /// How many repetitions it has: 0 when absent.
    #[inline]
    pub fn repetition_count(&self) -> usize {
        self.repetitions().count()
    }

    /// A repetition, counted from 1. It is found from the first one on: to read them all, use [`Field::repetitions`].
    #[inline]
    pub fn rep(&self, number: usize) -> Repetition<'m> {
        Repetition(self.0.nth(self.separator(), number))
    }

    /// A component of the first repetition, counted from 1.
    #[inline]
    pub fn component(&self, number: usize) -> Component<'m> {
        self.rep(1).component(number)
    }

    /// The first sub-component of the first component of the first repetition, unescaped; empty when absent or null.
    #[inline]
    pub fn text(&self) -> Cow<'m, str> {
        self.rep(1).text()
    }

    #[inline]
    fn separator(&self) -> Option<u8> {
        Some(self.0.message.delimiters().levels().0)
    }
}

impl<'m> Repetition<'m> {
    /// Its components.
    #[inline]
    pub fn components(&self) -> Components<'m> {
        Components(self.0.split(self.separator()))
    }

    /// A component, counted from 1. It is found from the first one on: to read them all, use
    /// [`Repetition::components`].
    #[inline]
    pub fn component(&self, number: usize) -> Component<'m> {
        Component(self.0.nth(self.separator(), number))
    }

    /// The first sub-component of its first component, unescaped; empty when absent or null.
    #[inline]
    pub fn text(&self) -> Cow<'m, str> {
        self.component(1).text()
    }

    #[inline]
    fn separator(&self) -> Option<u8> {
        Some(self.0.message.delimiters().levels().1)
    }
}

impl<'m> Component<'m> {
    /// Its sub-components.
    #[inline]
    pub fn subs(&self) -> Parts<'m> {
        Parts(self.0.split(self.separator()))
    }

    /// A sub-component, counted from 1.
    #[inline]
    pub fn sub(&self, number: usize) -> Part<'m> {
        Part(self.0.nth(self.separator(), number))
    }

    /// Its first sub-component, unescaped; empty when absent or null.
    #[inline]
    pub fn text(&self) -> Cow<'m, str> {
        self.sub(1).text()
    }

    #[inline]
    fn separator(&self) -> Option<u8> {
        self.0.message.delimiters().levels().2
    }
}

impl<'m> Part<'m> {
    /// Its text, unescaped; empty when absent or null.
    #[inline]
    pub fn text(&self) -> Cow<'m, str> {
        self.0.text()
    }
}
