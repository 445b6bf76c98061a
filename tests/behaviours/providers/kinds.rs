//! How much of what real servers answer is read: measured over the forty answers and the providers' own.
