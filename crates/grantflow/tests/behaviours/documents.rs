//! README and SECURITY list what the code has: they omit no quirk and no door.

/// The names of an enum's variants, from its source.
fn variants(source: &str, of: &str) -> Vec<String> {
    let body = source.split(&format!("pub enum {of} {{\n")).nth(1).unwrap().split("\n}\n").next().unwrap();
    let starts =
        body.lines().filter_map(|line| line.strip_prefix("    ").filter(|rest| rest.starts_with(char::is_uppercase)));
    starts.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()).collect()
}

#[test]
fn the_readme_names_every_quirk_and_no_other() {
    let quirks = variants(include_str!("../../src/server/quirk.rs"), "Quirk");
    assert!(quirks.len() > 10, "the source was not read: {quirks:?}");
    let readme = include_str!("../../../../README.md");
    let listed = readme.split("There are ").nth(1).unwrap().split(';').next().unwrap();
    let mut named: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    named.sort_unstable();
    let mut all: Vec<&str> = quirks.iter().map(String::as_str).collect();
    all.sort_unstable();
    assert_eq!(named, all);
}

#[test]
fn security_names_every_door_with_its_price() {
    let security = include_str!("../../../../SECURITY.md");
    let doors = security.split("## Doors that lower a guard\n").nth(1).unwrap().split("\n## ").next().unwrap();
    for door in [
        "Quirk::RefusesPkce",
        "RedirectUri::with_undotted_scheme",
        "PlainHttp",
        "ClientBuilder::empty_secret_basic",
        "Quirk::ClientIdBesideBasic",
        "Server::formerly",
        "Tokens::of_refresh_token",
        "Quirk::ErrorCode",
        "Quirk::ErrorPath",
        "Quirk::TokenType",
        "Quirk::MissingTokenType",
        "Quirk::ZeroLifetimeIsNever",
        "Discovery::entra_tenants",
        "ResourceDiscovery::challenged_to_any_origin",
    ] {
        let row = doors.split("\n- ").find(|row| row.contains(&format!("**`{door}`**")));
        assert!(row.is_some_and(|row| row.len() > door.len() + 60), "{door} has no price");
    }
}
