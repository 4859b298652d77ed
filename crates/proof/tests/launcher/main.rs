//! The sandbox's launcher and nothing else.

fn main() {
    freehold_sandbox::launcher_main()
}
