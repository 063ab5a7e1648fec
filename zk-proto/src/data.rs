//! What a node carries besides its data: its `Stat` and its ACL.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bitflags::bitflags;
use bytes::BytesMut;
use bytestring::ByteString;
use sha1_smol::Sha1;

use crate::id::{SessionId, Version, Zxid};
use crate::jute::{Decode, DecodeError, Encode, Reader};
use crate::record;

record! {
    fixed
    /// The state of a node at one moment, 68 bytes on the wire.
    #[derive(Copy)]
    pub struct Stat {
        /// The transaction that created the node.
        czxid: Zxid,
        /// The transaction that last changed its data.
        mzxid: Zxid,
        /// When the node was created, in milliseconds since the epoch by the leader's clock.
        ctime: i64,
        /// When its data was last changed, like `ctime`.
        mtime: i64,
        /// How often the data was changed.
        version: Version,
        /// How often a child was created or deleted.
        cversion: Version,
        /// How often the ACL was changed.
        aversion: Version,
        /// The session that owns an ephemeral node; 0 for all other nodes.
        ephemeral_owner: SessionId,
        /// Length of the data in bytes; 0 for null data too.
        data_length: i32,
        /// How many children the node has.
        num_children: i32,
        /// The transaction that last created or deleted a child.
        pzxid: Zxid,
    }
}

record! {
    /// Somebody, as one authentication scheme names them.
    pub struct Id {
        /// `world`, `auth`, `digest`, `ip`, `sasl`, `x509`, or one of a server's own.
        scheme: Option<ByteString>,
        /// Who it is, in the words of the scheme.
        id: Option<ByteString>,
    }
}

record! {
    /// What somebody may do with a node.
    pub struct Acl {
        /// What is allowed.
        perms: Permissions,
        /// To whom it is allowed.
        id: Id,
    }
}

record! {
    /// One identity of a connection, as whoAmI tells it.
    pub struct ClientInfo {
        /// The authentication scheme.
        auth_scheme: ByteString,
        /// The user, without the secret part.
        user: ByteString,
    }
}

impl Stat {
    /// Whether the node goes away with the session that made it.
    #[must_use]
    pub const fn is_ephemeral(&self) -> bool {
        self.ephemeral_owner.0 != 0
    }
}

impl Id {
    /// The identity that everybody has.
    pub const ANYONE: Self = Self {
        scheme: Some(ByteString::from_static("world")),
        id: Some(ByteString::from_static("anyone")),
    };

    /// Who is authenticated on the connection that sends this; servers put the identities of
    /// that connection in its place. Ids in a reply never are this one.
    pub const AUTHENTICATED: Self = Self {
        scheme: Some(ByteString::from_static("auth")),
        id: Some(ByteString::from_static("")),
    };

    /// A user of the scheme `digest`, as ACLs name it: `user:hash`, see [`digest`].
    ///
    /// The user must not be empty nor hold a colon, or servers refuse the ACL.
    #[must_use]
    #[doc(alias = "generateDigest")]
    pub fn digest(user: &str, password: &str) -> Self {
        let id = digest(&format!("{user}:{password}"));
        Self { scheme: Some("digest".into()), id: Some(id.into()) }
    }

    /// An address or, as `address/bits`, a range of them.
    #[must_use]
    pub fn ip(range: impl Into<ByteString>) -> Self {
        Self { scheme: Some("ip".into()), id: Some(range.into()) }
    }
}

/// The id of the scheme `digest` that `user:password` proves: the user, which goes up to the
/// first colon, and the Base64 of the SHA-1 of the whole
/// (`DigestAuthenticationProvider.generateDigest`).
///
/// ```
/// assert_eq!(zk_proto::data::digest("super:admin"), "super:xQJmxLMiHGwaqBvst5y6rkB6HQs=");
/// ```
#[must_use]
pub fn digest(user_and_password: &str) -> String {
    let user = user_and_password.split(':').next().unwrap_or_default();
    let hash = Sha1::from(user_and_password).digest().bytes();
    format!("{user}:{}", STANDARD.encode(hash))
}

impl Acl {
    /// Somebody may do something.
    #[must_use]
    pub const fn new(perms: Permissions, id: Id) -> Self {
        Self { perms, id }
    }

    /// Everybody may do everything: ZooKeeper's `OPEN_ACL_UNSAFE`.
    #[must_use]
    #[doc(alias = "OPEN_ACL_UNSAFE")]
    pub fn open() -> Vec<Self> {
        vec![Self { perms: Permissions::ALL, id: Id::ANYONE }]
    }

    /// Everybody may read and nobody may change: ZooKeeper's `READ_ACL_UNSAFE`.
    #[must_use]
    #[doc(alias = "READ_ACL_UNSAFE")]
    pub fn read_only() -> Vec<Self> {
        vec![Self { perms: Permissions::READ, id: Id::ANYONE }]
    }

    /// Whoever is authenticated on this connection may do everything: ZooKeeper's
    /// `CREATOR_ALL_ACL`.
    #[must_use]
    #[doc(alias = "CREATOR_ALL_ACL")]
    pub fn creator_all() -> Vec<Self> {
        vec![Self { perms: Permissions::ALL, id: Id::AUTHENTICATED }]
    }
}

bitflags! {
    /// What an ACL entry allows. Unknown bits are kept, as servers keep them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Permissions: i32 {
        /// Read data, children and ACL; receive events.
        const READ = 1;
        /// Change data.
        const WRITE = 2;
        /// Create children.
        const CREATE = 4;
        /// Delete children.
        const DELETE = 8;
        /// Change the ACL.
        const ADMIN = 16;
        /// All of them.
        const ALL = 31;
    }
}

impl Encode for Permissions {
    fn encode(&self, out: &mut BytesMut) {
        self.bits().encode(out);
    }
}

impl Decode for Permissions {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        i32::decode(reader).map(Self::from_bits_retain)
    }
}
