//! The real server when the machine fails it: killed at any moment, out of disk, or started with its vault locked.

mod backup;
mod disk_full;
mod killed;
mod killed_browser;
mod telling;
