//! The `kinmesh` program: reads the command line and shows the face that was asked for.

use std::process::ExitCode;

use clap::Parser;
use kinmesh::args::{Command, Face};
use kinmesh::i18n::{self, Language};
use kinmesh::program::{Locked, Program};
use kinmesh::signals::Signals;
use kinmesh::{backup, logging, rpc, terminal, unlock, window};
use kinmesh_net::NodeHandle;
use tokio::runtime::{Builder, Runtime};

/// A peer waits far more than it computes; two threads keep its disk and its network apart.
const WORKER_THREADS: usize = 2;

fn main() -> ExitCode {
    let command = Command::parse();
    logging::init(command.options.log_format);
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr)] // The one place where the program says why it ended.
            {
                eprintln!("kinmesh: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    if command.face() == Face::Desktop {
        anyhow::ensure!(has_display(), "there is no display: `kinmesh chat` works in a terminal");
    }
    let runtime = Builder::new_multi_thread().worker_threads(WORKER_THREADS).enable_all().build()?;
    if let Face::Backup(backup) = command.face() {
        return Ok(runtime.block_on(backup::run(&backup, &command.options))?);
    }
    if let Face::Passphrase(passphrase) = command.face() {
        return Ok(runtime.block_on(unlock::run(&passphrase, &command.options))?);
    }
    if let Some(locked) = door(command, &runtime)? {
        return show_window(window::Start::Locked(locked), &runtime);
    }
    // Before signals are caught: Ctrl+C at the question for the passphrase simply ends the program.
    let key = runtime.block_on(unlock::key(&command.options))?;
    let mut signals = runtime.block_on(async { Signals::listen() })?;
    let started =
        runtime.block_on(signals.unless_interrupted(Program::start_unlocked(&command.options, key)));
    let Some(program) = started.transpose()? else { return Ok(()) };
    i18n::set_language(program.settings.get().language.unwrap_or_else(Language::of_system));
    match command.face() {
        Face::Desktop => show_window(window::Start::Running(program), &runtime),
        Face::Chat { room } => {
            serve(terminal::run(&program, room.as_deref()), &program.node, runtime, signals)
        }
        #[cfg(unix)]
        Face::Rpc { listen_socket: Some(path) } => {
            serve(rpc::serve_socket(&program, &path), &program.node, runtime, signals)
        }
        Face::Rpc { .. } => serve(rpc::serve_pipe(&program), &program.node, runtime, signals),
        Face::Backup(_) | Face::Passphrase(_) => Ok(()), // Carried out above, without a running peer.
    }
}

/// The window hears the operating system by itself.
fn show_window(start: window::Start, runtime: &Runtime) -> anyhow::Result<()> {
    let (program, shown) = window::run(start);
    if let Some(program) = program {
        runtime.block_on(program.node.shutdown());
    }
    Ok(shown?)
}

/// The locked peer whose passphrase the window asks for.
fn door(command: &Command, runtime: &Runtime) -> anyhow::Result<Option<Locked>> {
    let asks = command.face() == Face::Desktop && command.options.unlock_file.is_none();
    let _entered = runtime.enter();
    Ok(if asks { Locked::find(&command.options)? } else { None })
}

/// Runs a face without a window until it ends by itself or the program is asked to end. Asked once
/// more, the program does not even wait for the goodbye.
fn serve<E>(
    face: impl Future<Output = Result<(), E>>,
    node: &NodeHandle,
    runtime: Runtime,
    mut signals: Signals,
) -> anyhow::Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let served = runtime.block_on(signals.unless_interrupted(face)).transpose();
    runtime.block_on(signals.unless_interrupted(node.shutdown()));
    // A read of standard input may still be under way; it must not hold the program back.
    runtime.shutdown_background();
    served?;
    Ok(())
}

/// Whether a window can be opened. Without a display the window's toolkit would panic.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let by_variable = cfg!(all(unix, not(target_os = "macos")));
    !by_variable || ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"].into_iter().any(is_set)
}
