//! Values that take the same number of bytes every time, and records of nothing else: whether all
//! of one is there is asked once, and not for each field.

/// A value of a fixed length.
pub(crate) trait Fixed: Sized {
    /// In bytes.
    const LENGTH: usize;

    /// Takes the value from the front of `bytes`; `None` when there are too few.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

impl Fixed for i32 {
    const LENGTH: usize = size_of::<Self>();

    #[inline]
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self::from_be_bytes(*first))
    }
}

impl Fixed for i64 {
    const LENGTH: usize = size_of::<Self>();

    #[inline]
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self::from_be_bytes(*first))
    }
}
