//! What all calls have in common: awaiting one is sending it and awaiting the reply.

/// A read that also sets a one-shot watch.
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Debug)]
pub struct Watched<C>(pub(super) C);

/// Makes a call awaitable; with `watched`, a read also as one that sets a watch: it has a `client`,
/// a `request`, and the function that reads its reply.
macro_rules! call {
    ($name:ident => $value:ty) => {
        impl IntoFuture for $name<'_> {
            type Output = Result<$value, $crate::Error>;
            type IntoFuture = $crate::Reply<$value>;

            fn into_future(self) -> Self::IntoFuture {
                self.send()
            }
        }
    };
    ($name:ident => $value:ty, watched by $read:ident) => {
        $crate::client::call::call!($name => $value);

        impl $crate::Watched<$name<'_>> {
            /// Sends the request; as without a watch, but the watch comes with the reply.
            pub fn send(self) -> $crate::WatchedReply<$value> {
                let (request, about) = self.0.request(true);
                self.0.client.submit_watched(request, about, $read)
            }
        }

        impl IntoFuture for $crate::Watched<$name<'_>> {
            type Output = Result<($value, $crate::Watch), $crate::Error>;
            type IntoFuture = $crate::WatchedReply<$value>;

            fn into_future(self) -> Self::IntoFuture {
                self.send()
            }
        }
    };
}
pub(super) use call;
