//! The table of presets in the README is the data.

#[path = "../../examples/providers/table.rs"]
mod table;

#[test]
fn the_table_of_the_readme_is_the_data() {
    let readme = include_str!("../../README.md");
    let rows: String = readme.lines().filter(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    assert_eq!(rows, table::table(), "put the output of `cargo run --example providers -- --table` into the README");
}
