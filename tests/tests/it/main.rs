//! One program for all tests that look at the whole: linking is what they cost most.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod supply;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod walk;
