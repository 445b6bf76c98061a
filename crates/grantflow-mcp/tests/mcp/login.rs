//! Points 6 to 9: scope, resource, issuer, and where the token goes.
