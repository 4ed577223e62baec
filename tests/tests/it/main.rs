//! One program for all tests that look at the whole: linking is what they cost most.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod layers;
#[cfg(test)]
#[cfg(feature = "production")]
mod production;
#[cfg(test)]
mod run;
#[cfg(test)]
mod supply;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod walk;
