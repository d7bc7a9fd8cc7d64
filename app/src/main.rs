//! The `kinmesh` program: reads the command line and shows the face that was asked for.

use std::process::ExitCode;

use clap::Parser;
use kinmesh::args::{Command, Face, Links, Options};
use kinmesh::handler::Desktop;
use kinmesh::handover::{self, Arrivals};
use kinmesh::i18n::{self, Language};
use kinmesh::links::{self, Link};
use kinmesh::program::{self, Locked, Program};
use kinmesh::signals::Signals;
use kinmesh::{backup, logging, rpc, terminal, unlock, window};
use kinmesh_net::NodeHandle;
use kinmesh_proto::ConversationId;
use tokio::runtime::{Builder, Runtime};

/// A peer waits far more than it computes; two threads keep its disk and its network apart.
const WORKER_THREADS: usize = 2;

fn main() -> ExitCode {
    let command = Command::parse();
    logging::init(command.options.log_format);
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}

/// The one place where the program says why it ended.
#[allow(clippy::print_stderr)]
fn say(words: std::fmt::Arguments<'_>) {
    eprintln!("kinmesh: {words}");
}

fn run(mut command: Command) -> anyhow::Result<()> {
    if let Face::Links(links) = command.face() {
        return Ok(register(links, &command.options)?);
    }
    let given = given(&mut command);
    let runtime = Builder::new_multi_thread().worker_threads(WORKER_THREADS).enable_all().build()?;
    if command.face() == Face::Desktop {
        if runtime.block_on(is_handed_over(&command.options, &given))? {
            say(format_args!("the Kinmesh that runs here already goes on with it"));
            return Ok(());
        }
        anyhow::ensure!(has_display(), "there is no display: `kinmesh chat` works in a terminal");
    }
    if let Face::Backup(backup) = command.face() {
        return Ok(runtime.block_on(backup::run(&backup, &command.options))?);
    }
    if let Face::Passphrase(passphrase) = command.face() {
        return Ok(runtime.block_on(unlock::run(&passphrase, &command.options))?);
    }
    start(&command, given, runtime)
}

/// Starts the peer and shows the face that was asked for.
fn start(command: &Command, given: Vec<String>, runtime: Runtime) -> anyhow::Result<()> {
    let data_dir = program::data_dir_path(&command.options)?;
    let is_window = command.face() == Face::Desktop;
    let arrivals = if is_window { Arrivals::of_window() } else { Arrivals::default() };
    let serve_links = || {
        let _entered = runtime.enter();
        arrivals.serve(&data_dir);
    };
    if let Some(locked) = door(command, &runtime)? {
        serve_links();
        return show_window(window::Start::Locked(locked), given, &arrivals, &runtime);
    }
    // A window says in itself what is wrong with a link.
    let links = if is_window { Vec::new() } else { read_links(&given)? };
    // Before signals are caught: Ctrl+C at the question for the passphrase simply ends the program.
    let key = runtime.block_on(unlock::key(&command.options))?;
    let mut signals = runtime.block_on(async { Signals::listen() })?;
    let started =
        runtime.block_on(signals.unless_interrupted(Program::start_unlocked(&command.options, key)));
    let Some(program) = started.transpose()? else { return Ok(()) };
    i18n::set_language(program.settings.get().language.unwrap_or_else(Language::of_system));
    serve_links();
    let opened = runtime.block_on(open_all(&program, links))?;
    match command.face() {
        Face::Desktop => show_window(window::Start::Running(program), given, &arrivals, &runtime),
        Face::Chat { room } => serve(
            terminal::run(&program, room.as_deref(), opened, &arrivals),
            &program.node,
            runtime,
            signals,
        ),
        #[cfg(unix)]
        Face::Rpc { listen_socket: Some(path) } => {
            serve(rpc::serve_socket(&program, &arrivals, &path), &program.node, runtime, signals)
        }
        Face::Rpc { .. } => serve(rpc::serve_pipe(&program, &arrivals), &program.node, runtime, signals),
        // Carried out above, without a running peer.
        Face::Backup(_) | Face::Passphrase(_) | Face::Links(_) => Ok(()),
    }
}

/// What is to be opened once, and not at every later start.
fn given(command: &mut Command) -> Vec<String> {
    let join = &mut command.options.join;
    let tickets = join.extract_if(.., |text| links::is_ticket(text)).collect::<Vec<_>>();
    command.open.take().into_iter().chain(tickets).collect()
}

fn read_links(given: &[String]) -> Result<Vec<Link>, links::LinkFault> {
    given.iter().map(|given| links::read_given(given)).collect()
}

/// Follows links, and returns where the last one leads. The peer does not stay if one is refused.
async fn open_all(program: &Program, links: Vec<Link>) -> anyhow::Result<Option<ConversationId>> {
    let mut opened = None;
    for link in links {
        match program.open(link).await {
            Ok(leads_to) => opened = leads_to.or(opened),
            Err(error) => {
                program.node.shutdown().await;
                return Err(error.into());
            }
        }
    }
    Ok(opened)
}

/// Whether a program that runs on this data directory has taken what was given, or shows itself.
async fn is_handed_over(options: &Options, given: &[String]) -> anyhow::Result<bool> {
    let data_dir = program::data_dir_path(options)?;
    let mut is_taken = false;
    for link in given.iter().map(|given| links::anywhere(given)) {
        is_taken = handover::hand_over(&data_dir, &link).await?;
    }
    Ok(if given.is_empty() { handover::hand_over(&data_dir, "").await? } else { is_taken })
}

fn register(links: Links, options: &Options) -> Result<(), kinmesh::handler::HandlerError> {
    let desktop = Desktop::of_user()?;
    match links {
        Links::Install => desktop.install(options.data.as_deref()),
        Links::Remove => desktop.remove(),
    }
}

/// The window hears the operating system by itself.
fn show_window(
    start: window::Start,
    given: Vec<String>,
    arrivals: &Arrivals,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    let (program, shown) = window::run(start, given, arrivals.listen());
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
