//! The install pass: can its packages be installed, and are they what was asked for?
