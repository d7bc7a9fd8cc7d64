//! The `kinmesh` program: reads the command line and shows the face that was asked for.

use std::process::ExitCode;

use clap::Parser;
use kinmesh::args::{Command, Face};
use kinmesh::i18n::{self, Language};
use kinmesh::program::Program;
use kinmesh::{logging, rpc, signals, terminal};
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
    let runtime = Builder::new_multi_thread().worker_threads(WORKER_THREADS).enable_all().build()?;
    let program = runtime.block_on(Program::start(&command.options))?;
    i18n::set_language(program.settings.get().language.unwrap_or_else(Language::of_system));
    let shown = show(command.face(), &program, &runtime);
    runtime.block_on(signals::unless_interrupted(program.node.shutdown()));
    // A read of standard input may still be under way; it must not hold the program back.
    runtime.shutdown_background();
    shown
}

fn show(face: Face, program: &Program, runtime: &Runtime) -> anyhow::Result<()> {
    match face {
        Face::Desktop => Ok(kinmesh::app::run(program.clone())?),
        Face::Chat { room } => until_interrupted(runtime, terminal::run(program, room.as_deref())),
        #[cfg(unix)]
        Face::Rpc { listen_socket: Some(path) } => {
            until_interrupted(runtime, rpc::serve_socket(program, &path))
        }
        Face::Rpc { .. } => until_interrupted(runtime, rpc::serve_pipe(program)),
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
