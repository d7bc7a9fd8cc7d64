//! The `kinmesh` program: reads the command line and shows the face that was asked for.

use std::process::ExitCode;

use clap::Parser;
use kinmesh::args::{Command, Face};
use kinmesh::i18n::{self, Language};
use kinmesh::program::Program;
use kinmesh::{logging, rpc, signals, terminal};
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
    let started = runtime.block_on(signals::unless_interrupted(Program::start(&command.options)));
    let Some(program) = started.transpose()? else { return Ok(()) };
    i18n::set_language(program.settings.get().language.unwrap_or_else(Language::of_system));
    let shown = show(command.face(), &program, &runtime);
    runtime.block_on(signals::unless_interrupted(program.node.shutdown()));
    // A read of standard input may still be under way; it must not hold the program back.
    runtime.shutdown_background();
    shown
}

fn show(face: Face, program: &Program, runtime: &Runtime) -> anyhow::Result<()> {
    match face {
        Face::Desktop => {
            runtime.spawn(end_when_asked(program.node.clone()));
            Ok(kinmesh::app::run(program.clone())?)
        }
        Face::Chat { room } => until_interrupted(runtime, terminal::run(program, room.as_deref())),
        #[cfg(unix)]
        Face::Rpc { listen_socket: Some(path) } => {
            until_interrupted(runtime, rpc::serve_socket(program, &path))
        }
        Face::Rpc { .. } => until_interrupted(runtime, rpc::serve_pipe(program)),
    }
}

/// Whether a window can be opened. Without a display the window's toolkit would panic.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let by_variable = cfg!(all(unix, not(target_os = "macos")));
    !by_variable || ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"].into_iter().any(is_set)
}

/// The window's loop hears no signal, so the peer says goodbye and the program ends under it.
async fn end_when_asked(node: NodeHandle) {
    if signals::interrupted().await.is_ok() {
        node.shutdown().await;
        std::process::exit(0);
    }
}

/// Runs a face until it ends by itself or the program is asked to end.
fn until_interrupted<E>(runtime: &Runtime, face: impl Future<Output = Result<(), E>>) -> anyhow::Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    runtime.block_on(signals::unless_interrupted(face)).transpose()?;
    Ok(())
}
