//! What a device shows while it waits for a person.

use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};
use grantflow::DeviceGrant;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::{Outcome, show};

const PAPER: Style = AnsiColor::BrightWhite.on_default().bg_color(Some(Color::Ansi(AnsiColor::Black)));

/// The code, the page where to enter it, and a QR code of the page with the code filled in (RFC 8628 §3.3.1).
pub(crate) fn show(grant: &DeviceGrant) -> Outcome<()> {
    anstream::println!("\n     Open  {}", grant.verification_uri());
    anstream::println!("     enter {}", grant.user_code());
    if let Some(uri) = grant.verification_uri_complete() {
        anstream::println!("     or scan this, and compare the code:\n\n{}", picture(uri)?);
    }
    Ok(())
}

/// Two modules in each character. A block is a light module, as on a dark terminal; the colours make it so on a light one. The
/// margin around it is part of a QR code.
fn picture(uri: &str) -> Outcome<String> {
    let picture = QrCode::new(uri)?
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    Ok(picture.lines().map(|line| format!("     {PAPER}{line}{PAPER:#}\n")).collect())
}

/// Says that it waits, how long, until when, and the error if no answer came.
pub(crate) fn waiting(grant: &DeviceGrant, rest: Duration, left: Duration) {
    if let Some(trouble) = grant.trouble() {
        show::note(&format!("no answer: {trouble}"));
    }
    show::note(&format!(
        "waiting for you … asks again in {} s; the code is valid for {} s",
        rest.as_secs(),
        left.as_secs()
    ));
}
