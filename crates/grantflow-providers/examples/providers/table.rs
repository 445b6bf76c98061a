//! The presets as a table, for the README and for the screen. A test compares the README with it.

use grantflow_providers::{Pkce, Preset};

/// The table in Markdown: one row for each preset.
pub(crate) fn table() -> String {
    let head = "| function | clients | PKCE | quirks | answer, error | source |\n|---|---|---|---|---|---|\n";
    std::iter::once(head.to_owned()).chain(grantflow_providers::all().map(row)).collect()
}

fn row(preset: &Preset) -> String {
    let inputs: Vec<&str> = preset.inputs.iter().map(|input| input.name).collect();
    let clients: Vec<&str> = preset.authentication.iter().map(|method| method.name()).collect();
    let pkce = match preset.pkce {
        Pkce::Documented => "yes",
        Pkce::Refused => "**no**",
        _ => "sent",
    };
    format!(
        "| `{}({})` | {} | {pkce} | {} | {}, {} | [{}]({}) |\n",
        preset.id,
        inputs.join(", "),
        clients.join(", "),
        quirks(preset).join(", "),
        preset.answer.name(),
        preset.error.name(),
        preset.name,
        preset.documentation,
    )
}

/// The names of the quirks, each once.
fn quirks(preset: &Preset) -> Vec<String> {
    let mut names = Vec::new();
    for quirk in (preset.quirks)() {
        let text = format!("{quirk:?}");
        let name = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
