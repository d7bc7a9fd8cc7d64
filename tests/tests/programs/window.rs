//! The real window on a display of its own: seen by a camera, typed into by a keyboard, and talking
//! to a real peer.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use kinmesh_tests::{DEADLINE, Peer, PeerOptions, binary};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const WIDTH: usize = 1240;
const HEIGHT: usize = 800;

/// Colours of the light theme.
const ACCENT: [u8; 3] = [0x0F, 0x76, 0x6E];
const OWN_BUBBLE: [u8; 3] = [0xD5, 0xEF, 0xEA];

/// Parts of the window: left, top, width, height.
const NAME_FIELD: [usize; 4] = [410, 400, 420, 70];
const FIRST_CHAT_BADGE: [usize; 4] = [262, 270, 38, 70];
const FIND_FIELD: [usize; 4] = [0, 60, 312, 70];
const SEARCH_FIELD: [usize; 4] = [0, 45, 312, 60];
const HISTORY: [usize; 4] = [312, 64, 664, 640];

/// A display that nobody sees.
struct Display {
    name: String,
    _server: Child,
}

impl Display {
    async fn start() -> Result<Self> {
        let screen = format!("{WIDTH}x{HEIGHT}x24");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &screen])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("Xvfb is needed: .ci/setup test installs it")?;
        let out = server.stdout.take().context("its output is piped")?;
        // It says its number once it is ready.
        let number = timeout(DEADLINE, BufReader::new(out).lines().next_line()).await??;
        Ok(Self { name: format!(":{}", number.context("the display has a number")?), _server: server })
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env("DISPLAY", &self.name).env("LC_ALL", "C.UTF-8").kill_on_drop(true);
        command
    }

    async fn hands(&self, actions: &[&str]) -> Result<()> {
        let done = timeout(DEADLINE, self.command("xdotool").args(actions).output()).await??;
        ensure!(done.status.success(), "xdotool {actions:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// Goes to somebody's chat by the keyboard. A field has a border in the accent while it can be typed
    /// into; the composer, which follows, has none.
    async fn goes_to(&self, name: &str) -> Result<()> {
        self.hands(&["key", "ctrl+k"]).await?;
        self.until("the field to find somebody with", ACCENT, FIND_FIELD, |pixels| pixels > 100).await?;
        self.hands(&["type", name]).await?;
        self.hands(&["key", "Return"]).await?;
        self.until("a composer to type into", ACCENT, FIND_FIELD, |pixels| pixels < 100).await
    }

    /// Pixels of a colour in a part of the window.
    async fn count(&self, color: [u8; 3], [left, top, width, height]: [usize; 4]) -> Result<usize> {
        let camera = ["-window", "root", "-depth", "8", "rgb:-"];
        let picture = self.command("import").args(camera).output().await?.stdout;
        ensure!(picture.len() == WIDTH * HEIGHT * 3, "the camera gave {} bytes", picture.len());
        let row = |y: usize| &picture[(y * WIDTH + left) * 3..(y * WIDTH + left + width) * 3];
        let pixels = (top..top + height).flat_map(|y| row(y).chunks_exact(3));
        Ok(pixels.filter(|pixel| *pixel == color).count())
    }

    /// Looks until a part of the window has so many pixels of a colour, or fewer than one.
    async fn until(
        &self,
        what: &str,
        color: [u8; 3],
        part: [usize; 4],
        holds: fn(usize) -> bool,
    ) -> Result<()> {
        let look = async {
            while !holds(self.count(color, part).await?) {}
            anyhow::Ok(())
        };
        timeout(DEADLINE, look).await.with_context(|| format!("the window never showed {what}"))?
    }
}

fn window(display: &Display, data: &Path, link: &str) -> Result<Child> {
    std::fs::write(data.join("settings.toml"), "theme = \"light\"\nlanguage = \"en\"\n")?;
    let options = ["--no-mdns", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--join", link];
    let mut command = display.command(binary::path("kinmesh"));
    command.env("ICED_BACKEND", "tiny-skia").arg("--data").arg(data).args(options);
    Ok(command.spawn()?)
}

/// The window of Lin, at her first start, once she is among people.
async fn lin_is_here(display: &Display, data: &Path, ana: &Peer) -> Result<(Child, serde_json::Value)> {
    let window = window(display, data, &ana.join_link().await?)?;
    display.hands(&["search", "--sync", "--onlyvisible", "--name", "Kinmesh", "windowfocus"]).await?;
    display.until("the field for the name", ACCENT, NAME_FIELD, |pixels| pixels > 500).await?;
    display.hands(&["type", "Lin"]).await?;
    display.hands(&["key", "Return"]).await?;
    let lin = ana.wait_online("Lin").await?;
    Ok((window, serde_json::json!({ "direct": lin["person"] })))
}

/// Lin goes to the chat in which Ana has just written, the only one of her conversations.
async fn lin_reads_it(display: &Display) -> Result<()> {
    display.until("that there is something unread", ACCENT, FIRST_CHAT_BADGE, |pixels| pixels > 100).await?;
    display.goes_to("Ana").await?;
    display.until("that it was read", ACCENT, FIRST_CHAT_BADGE, |pixels| pixels == 0).await
}

/// Lin asks Ana to be a contact, by the keyboard, and then looks at Echo.
async fn lin_asks(display: &Display, ana: &Peer, chat: &serde_json::Value) -> Result<()> {
    display.goes_to("Ana").await?;
    display.hands(&["type", "may I?"]).await?;
    display.hands(&["key", "Return"]).await?;
    ana.wait_request(&chat["direct"]).await?;
    ana.call("contacts.accept", serde_json::json!({ "person": chat["direct"] })).await?;
    ana.wait_text("may I?").await?;
    display.goes_to("Echo").await
}

async fn end(mut window: Child) -> Result<()> {
    let id = window.id().context("the window is there")?;
    kill_process(Pid::from_raw(id.try_into()?).context("an id")?, Signal::TERM)?;
    let status = timeout(DEADLINE, window.wait()).await??;
    ensure!(status.success(), "the program ended with {status}");
    Ok(())
}

#[tokio::test]
async fn a_person_starts_the_window_and_talks() -> Result<()> {
    let ana = Peer::spawn(PeerOptions::named("Ana")).await?;
    let display = Display::start().await?;
    let data = tempfile::tempdir()?;
    let (window, chat) = lin_is_here(&display, data.path(), &ana).await?;
    lin_asks(&display, &ana, &chat).await?;
    let hello = ana.send(&chat, "hello Lin").await?;
    ana.wait_delivery(&hello, "delivered").await?;
    lin_reads_it(&display).await?;

    display.hands(&["type", "hello from the window"]).await?;
    display.hands(&["key", "Return"]).await?;
    ana.wait_text("hello from the window").await?;
    display.until("what was sent", OWN_BUBBLE, HISTORY, |pixels| pixels > 2000).await?;

    display.hands(&["key", "Up"]).await?;
    display.hands(&["type", ", edited"]).await?;
    display.hands(&["key", "Return"]).await?;
    let is_edit = |event: &serde_json::Value| {
        event["change"] == "entry_changed" && event["entry"]["text"] == "hello from the window, edited"
    };
    ana.wait_for("the edit", is_edit).await?;

    end(window).await?;
    ana.wait_offline("Lin").await?;
    Ok(())
}

#[tokio::test]
async fn a_person_finds_a_message_and_sees_it_in_its_place() -> Result<()> {
    let ana = Peer::spawn(PeerOptions::named("Ana")).await?;
    let display = Display::start().await?;
    let data = tempfile::tempdir()?;
    let (window, chat) = lin_is_here(&display, data.path(), &ana).await?;
    lin_asks(&display, &ana, &chat).await?;
    let hello = ana.send(&chat, "hello Lin").await?;
    ana.wait_delivery(&hello, "delivered").await?;
    lin_reads_it(&display).await?;
    display.hands(&["type", "the needle"]).await?;
    display.hands(&["key", "Return"]).await?;
    ana.wait_text("the needle").await?;
    display.until("our words", OWN_BUBBLE, HISTORY, |pixels| pixels > 1000).await?;
    for n in 0..80 {
        ana.send(&chat, &format!("hay {n}")).await?;
    }
    display.until("that our words are far above", OWN_BUBBLE, HISTORY, |pixels| pixels == 0).await?;

    display.hands(&["key", "ctrl+f"]).await?;
    display.until("the field to search with", ACCENT, SEARCH_FIELD, |pixels| pixels > 100).await?;
    display.hands(&["type", "needle"]).await?;
    display.hands(&["key", "Return"]).await?;
    display.until("our words in their place", OWN_BUBBLE, HISTORY, |pixels| pixels > 1000).await?;
    end(window).await
}

/// The whole window.
const ALL: [usize; 4] = [0, 0, WIDTH, HEIGHT];

#[tokio::test]
async fn a_locked_window_opens_with_its_passphrase_and_locks_again() -> Result<()> {
    let ana = Peer::spawn(PeerOptions::named("Ana")).await?;
    let (display, data) = (Display::start().await?, tempfile::tempdir()?);
    let lin = Peer::spawn(PeerOptions::named("Lin").data(data.path())).await?;
    lin.shutdown().await?;
    let (file, dir) = (data.path().with_extension("passphrase"), data.path().display().to_string());
    std::fs::write(&file, "correct horse\n")?;
    let set = ["passphrase", "set", "--data", &dir, "--passphrase-file", &file.display().to_string()];
    let set = kinmesh_tests::process::run("kinmesh", &set, "").await?;
    std::fs::remove_file(&file)?;
    ensure!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));

    let window = window(&display, data.path(), &ana.join_link().await?)?;
    display.hands(&["search", "--sync", "--onlyvisible", "--name", "Kinmesh", "windowfocus"]).await?;
    for _ in 0..2 {
        // The field has a border in the accent once it can be typed into.
        display.until("the field for the passphrase", ACCENT, ALL, |pixels| pixels > 100).await?;
        display.hands(&["type", "correct horse"]).await?;
        display.hands(&["key", "Return"]).await?;
        ana.wait_online("Lin").await?;
        display.hands(&["key", "ctrl+l"]).await?;
        ana.wait_offline("Lin").await?;
    }
    end(window).await
}
