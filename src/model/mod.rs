//! The vocabulary every other module speaks: identifiers, channels, events, rows as clients see them, time and chance.
//! No I/O and no decisions.

pub mod ban;
pub mod channel;
pub mod clock;
pub mod comment;
pub mod epoch;
pub mod event;
pub mod ids;
pub mod notification;
pub mod page;
pub mod post;
pub mod random;
pub mod user;
pub mod window;

pub use ban::Ban;
pub use channel::Channel;
pub use clock::{Clock, Timestamp};
pub use comment::Comment;
pub use epoch::EpochCell;
pub use event::{Event, EventData, Subject};
pub use ids::{ApiKeyId, BanId, CommentId, NotificationId, PostId, SessionId, UserId};
pub use notification::{Cause, Notification};
pub use post::{PageCount, Post};
pub use random::Entropy;
pub use user::{Account, Role, UserRef};
