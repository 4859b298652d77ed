//! The messages of the PDPP Collection Profile v0.1, section 3, and Freehold's two own: IDENTITY and CREDENTIAL_UPDATE.

mod account;
mod connector;
mod done;
mod record;
mod report;
mod runtime;

pub use account::{CredentialUpdate, IdentityMessage, Interaction, InteractionKind, credential_update_line};
pub use connector::{ConnectorMessage, MessageError, UnknownMessage};
pub use done::{Done, DoneError, DoneStatus};
pub use record::{Operation, Record, RecordKey, StateMessage};
pub use report::{Continuation, ContinuationOwner, DetailCoverage, DetailGap, DetailKey, Progress, SkipResult};
pub use runtime::{
    CollectionMode, CollectionScope, CollectionStream, CredentialUpdateResponse, InteractionResponse, PageResponse,
    ResponseStatus, RuntimeMessage, RuntimeMessageError, SealStatus, Start, TimeRange,
};
