//! Points 10 and 11: what a resource demands of a program that has a token.
