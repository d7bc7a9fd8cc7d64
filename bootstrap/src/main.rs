//! `kinmesh-bootstrap`: reads the command line, sets up logs, runs the node or asks a running one.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use kinmesh_bootstrap::cli::{Cli, Command};
use kinmesh_bootstrap::settings::{LogFormat, Settings};
use kinmesh_bootstrap::{control, node};
use tracing_subscriber::EnvFilter;

/// Our own comings and goings. Libraries speak up only for errors: what strangers send is their
/// warning, and we log it once a minute ourselves.
const LOG_DEFAULT: &str = "error,kinmesh_bootstrap=info,kinmesh_net=info";

fn main() -> ExitCode {
    match run(Cli::parse().command()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line on standard error is how a command-line program says why it ended.
            let _ = writeln!(io::stderr(), "kinmesh-bootstrap: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    // What 900 peers ask for takes a small part of one thread. Waking a second one costs more than it
    // takes over.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")?;
    runtime.block_on(async {
        match command {
            Command::Run(args) => {
                let settings = args.wishes()?.settle()?;
                set_up_logs(&settings);
                node::run(&settings, &mut io::stdout()).await?;
            }
            Command::Status { place, json } => {
                let status = control::status(&place.wishes()?.data_dir()?).await?;
                let text =
                    if json { serde_json::to_string_pretty(&status)? + "\n" } else { status.to_string() };
                io::stdout().write_all(text.as_bytes())?;
            }
            Command::Stop { place } => control::stop(&place.wishes()?.data_dir()?).await?,
        }
        Ok(())
    })
}

fn set_up_logs(settings: &Settings) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_DEFAULT));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match settings.log_format {
        LogFormat::Human => logs.with_target(false).init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
}
