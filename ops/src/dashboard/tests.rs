//! The operators' pages of a sample hub.

use super::*;
