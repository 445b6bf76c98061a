//! The presets: all of them in a list, and a login with one.
//!
//! ```text
//! cargo run --example providers                 # the list, and a login URL for GitHub
//! cargo run --example providers -- trackmania   # everything that is known of one provider
//! cargo run --example providers -- --table      # the table of the README
//! ```

use std::error::Error;

use grantflow::{Authorization, Env, Redirect, Scope, UnixTime};
use grantflow_providers::Preset;

mod table;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        None => {
            list();
            login()
        }
        Some("--table") => {
            print!("{}", table::table());
            Ok(())
        }
        Some(id) => {
            let preset = grantflow_providers::all().find(|preset| preset.id == id);
            show(preset.ok_or("no preset has this name: call this program without one for the list")?);
            Ok(())
        }
    }
}

fn list() {
    for preset in grantflow_providers::all() {
        println!("{:24} {:24} {}", preset.id, preset.name, preset.documentation);
    }
}

/// What is different for each provider is in the server: this login reads the same with every preset.
fn login() -> Result<(), Box<dyn Error>> {
    let server = grantflow_providers::github()?;
    let client = server.client("my-id").secret_post("my-secret")?;
    let authorization =
        Authorization::new(&client, "https://app.example/callback")?.scope("repo user".parse::<Scope>()?)?;
    let Redirect { url, pending } = authorization.start(&mut Env::new(now(), &mut SysRng))?;
    println!("\nSend the person to {}\nand keep the pending grant under {}.", url.as_str(), pending.key().as_str());
    Ok(())
}

fn show(preset: &Preset) {
    println!("{} ({})", preset.name, preset.id);
    println!("compared with {} on {}", preset.documentation, preset.checked_on);
    println!("token answer: {}; error: {}", preset.answer.name(), preset.error.name());
    for input in preset.inputs {
        println!("needs a {}, such as {}", input.name, input.example);
    }
    if let Some(authorization) = preset.authorization {
        let query = preset.authorization_query.map(|query| format!("?{query}")).unwrap_or_default();
        println!("authorization endpoint: {authorization}{query}");
    }
    println!("token endpoint: {}", preset.token);
    for quirk in (preset.quirks)() {
        println!("quirk: {quirk:?}");
    }
    for origin in preset.api {
        println!("tokens go to {origin}");
    }
    for note in preset.notes {
        println!("note: {note}");
    }
}

struct SysRng;

impl grantflow::Entropy for SysRng {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
        getrandom::fill(bytes).map_err(|_| grantflow::EntropyFailed)
    }
}

fn now() -> UnixTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since.as_secs())
}
