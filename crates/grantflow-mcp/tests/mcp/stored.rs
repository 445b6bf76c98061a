//! What is stored while a person waits, and between two runs of a program.
