//! Paths, and the pages that a person sees.

use std::sync::Arc;

use grantflow::Callback;

use crate::error::Error;

/// The pages that the caller may replace.
#[derive(Clone)]
pub(crate) struct Pages {
    pub(crate) granted: Arc<str>,
    pub(crate) denied: Arc<str>,
    pub(crate) rejected: Arc<str>,
}

impl Pages {
    pub(crate) fn of(&self, callback: &Callback) -> Arc<str> {
        Arc::clone(match callback {
            Callback::Granted(_) => &self.granted,
            Callback::Denied(_) => &self.denied,
            Callback::Rejected(_) | Callback::Unrelated { .. } => &self.rejected,
        })
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            granted: page("Back to your program", "It has the answer and continues. You can close this page.").into(),
            denied: page("The login was refused", "You or the provider said no. You can close this page.").into(),
            rejected: page(
                "The login did not work",
                "The provider's answer cannot be used. Close this page, and start the login again in your program.",
            )
            .into(),
        }
    }
}

/// A page of this crate. It never shows anything of a request.
pub(crate) fn page(heading: &str, text: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{heading}</title>\n\
         <style>\n:root {{ color-scheme: light dark }}\n\
         body {{ margin: 20vh auto 0; max-width: 30rem; padding: 0 1.5rem; font: 1.05rem/1.6 system-ui, sans-serif }}\n\
         h1 {{ font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem }}\n</style>\n\
         <h1>{heading}</h1>\n<p>{text}</p>\n"
    )
}

/// Browsers resolve `.` and `..`, so a path with them is never requested.
pub(crate) fn check_path(path: &str) -> Result<(), Error> {
    let place = place(path);
    let has_dots = place.split('/').any(|segment| matches!(segment, "." | ".."));
    if place.starts_with('/') && !has_dots { Ok(()) } else { Err(Error::Path) }
}

/// The path of the last page: below the redirect path, so it is never equal to it.
pub(crate) fn done_path(path: &str) -> String {
    format!("{}/done", place(path).trim_end_matches('/'))
}

fn place(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_is_below_the_redirect_path() {
        for (path, done) in [("/", "/done"), ("/done", "/done/done"), ("/a/b?c=d/e", "/a/b/done"), ("/a/", "/a/done")] {
            assert_eq!(done_path(path), done);
        }
    }

    #[test]
    fn a_path_that_a_browser_would_change_is_refused() {
        for good in ["/", "/callback", "/a/b?x=../y", "/..a/.b/c."] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in ["", "callback", "?x", "/a/../b", "/.", "/a/./b", "/.."] {
            assert!(matches!(check_path(bad), Err(Error::Path)), "{bad}");
        }
    }
}
