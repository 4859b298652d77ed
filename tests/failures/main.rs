//! The real server when the machine fails it: killed at any moment, or out of disk.

mod backup;
mod disk_full;
mod killed;
mod killed_browser;
