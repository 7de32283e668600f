//! The `sim-client` binary: the library's driver and swarm on the command line. Its exit codes are in
//! [`sim_client::exit`].

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
