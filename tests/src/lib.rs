//! End to end, golden pairs, faults, load and check, browser, benchmarks
