//! Crashes and full disks for real: processes that are killed, and file systems without room.
//!
//! What power cuts and failing disks leave is simulated by the unit tests of the store.

mod full;
mod killed;
