//! Paths as the caller names them, and as the server does.

use zk_proto::{ByteString, PathError, ZPath, path};

use crate::error::Error;

/// The node that a client's paths start from. It is put before every path on the way out and
/// taken off on the way in; servers know nothing of it.
#[derive(Clone, Debug)]
pub(crate) struct Chroot(Option<ByteString>);

impl Chroot {
    pub(crate) fn new(root: ZPath) -> Self {
        Self((root != ZPath::ROOT).then(|| root.into()))
    }

    /// Whether paths are the same on both sides.
    pub(crate) const fn is_root(&self) -> bool {
        self.0.is_none()
    }

    /// Checks a path and makes it the server's.
    pub(crate) fn outward(&self, client_path: &str) -> Result<ByteString, Error> {
        check(client_path, client_path)?;
        Ok(self.prefixed(client_path))
    }

    /// As [`Self::outward`], for a name that the server will add a number to: `/a/` is fine there
    /// (`PathUtils.validatePath` with `isSequential`).
    pub(crate) fn outward_sequential(&self, client_path: &str) -> Result<ByteString, Error> {
        check(&format!("{client_path}1"), client_path)?;
        Ok(match &self.0 {
            // Also in front of "/": a number right behind the root would name its sibling.
            Some(root) => format!("{root}{client_path}").into(),
            None => client_path.into(),
        })
    }

    /// Checks the beginning of paths, which need not end with a whole name, and makes it the
    /// server's.
    pub(crate) fn outward_prefix(&self, client_prefix: &str) -> Result<ByteString, Error> {
        check(&format!("{client_prefix}1"), client_prefix)?;
        Ok(self.prefixed(client_prefix))
    }

    /// Whether a path from the server is the root or below it.
    pub(crate) fn contains(&self, server_path: &str) -> bool {
        self.0.as_deref().is_none_or(|root| {
            server_path
                .strip_prefix(root)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn prefixed(&self, client_path: &str) -> ByteString {
        match &self.0 {
            None => client_path.into(),
            Some(root) if client_path == "/" => root.clone(),
            Some(root) => format!("{root}{client_path}").into(),
        }
    }

    /// Takes the root off a path from the server. A path that is not below it is left as it is.
    pub(crate) fn inward(&self, server_path: ByteString) -> ByteString {
        let Some(root) = &self.0 else {
            return server_path;
        };
        match server_path.strip_prefix(&**root) {
            Some("") => "/".into(),
            Some(rest) if rest.starts_with('/') => server_path.slice_ref(rest),
            Some(_) | None => server_path,
        }
    }
}

fn check(text: &str, given: &str) -> Result<(), Error> {
    let bad = |reason: PathError| Error::BadPath { path: given.to_owned(), reason };
    path::validate(text).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chroot(path: &'static str) -> Chroot {
        Chroot::new(ZPath::parse(path).unwrap())
    }

    #[test]
    fn a_path_goes_out_below_the_root_and_comes_back_without_it() {
        let app = chroot("/app");
        for (client, server) in [("/", "/app"), ("/a", "/app/a")] {
            assert_eq!(app.outward(client).unwrap(), server);
            assert_eq!(app.inward(server.into()), client);
        }
        assert_eq!(app.inward("/apple".into()), "/apple");
        assert_eq!(chroot("/").outward("/a").unwrap(), "/a");
    }

    #[test]
    fn a_prefix_goes_out_below_the_root_and_may_end_within_a_name() {
        let app = chroot("/app");
        for (client, server) in [("/", "/app"), ("/a/", "/app/a/"), ("/a", "/app/a")] {
            assert_eq!(app.outward_prefix(client).unwrap(), server);
        }
        assert!(app.outward_prefix("a").is_err());
        assert!(app.contains("/app") && app.contains("/app/a") && !app.contains("/apple"));
        assert!(chroot("/").contains("/a"));
    }

    #[test]
    fn a_bad_path_is_refused_as_the_caller_named_it() {
        let error = chroot("/app").outward("a/").unwrap_err();
        assert!(matches!(error, Error::BadPath { path, .. } if path == "a/"));
    }

    #[test]
    fn a_sequential_name_may_be_nothing_but_its_number() {
        assert!(chroot("/").outward("/a/").is_err());
        assert_eq!(chroot("/app").outward_sequential("/a/").unwrap(), "/app/a/");
        assert!(chroot("/").outward_sequential("/a//").is_err());
        assert_eq!(chroot("/app").outward_sequential("/").unwrap(), "/app/");
        assert_eq!(chroot("/").outward_sequential("/").unwrap(), "/");
    }
}
