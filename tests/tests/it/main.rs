//! One program for all tests that look at the whole: linking is what they cost most.

#[cfg(test)]
#[cfg(feature = "production")]
mod claims;
#[cfg(test)]
mod corruption;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod images;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod orphans;
#[cfg(test)]
mod poison;
#[cfg(test)]
#[cfg(feature = "production")]
mod production;
#[cfg(test)]
mod rebuilding;
#[cfg(test)]
mod resends;
#[cfg(test)]
mod run;
#[cfg(test)]
mod starting;
#[cfg(test)]
mod strace;
#[cfg(test)]
mod stuck;
#[cfg(test)]
mod supply;
#[cfg(test)]
mod syscalls;
#[cfg(test)]
mod terminologies;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod world;
