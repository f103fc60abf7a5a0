//! The vocabulary every other module speaks: identifiers, channels, events, rows as clients see them, time and chance.
//! No I/O and no decisions.

pub mod ban;
pub mod channel;
pub mod clock;
pub mod comment;
pub mod epoch;
pub mod event;
pub mod ids;
pub mod page;
pub mod post;
pub mod random;
pub mod user;

pub use ban::Ban;
pub use channel::Channel;
pub use clock::{Clock, Timestamp};
pub use comment::Comment;
pub use epoch::EpochCell;
pub use event::{Event, EventData};
pub use ids::{ApiKeyId, BanId, CommentId, PostId, SessionId, UserId};
pub use post::Post;
pub use random::Entropy;
pub use user::{Account, Role, UserRef};
