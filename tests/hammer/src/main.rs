//! The hammer's command: see README.md.

fn main() -> std::process::ExitCode {
    asynckit_hammer::main()
}
