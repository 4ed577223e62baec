//! The reading side: the HTTP door, the page shell and the languages
