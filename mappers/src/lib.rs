//! Pure mapping: an envelope becomes records of the sharable scope
