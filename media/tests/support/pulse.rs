//! A sound system of the test's own: a private PulseAudio whose devices are null sinks. To the program
//! they are real; what is played into one can be heard on its monitor.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest wait for it to answer, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(20);
/// In what form sound goes in and out.
const FORM: [&str; 4] = ["--format=float32le", "--rate=48000", "--channels=1", "--raw"];

/// A running PulseAudio. Ends with its owner.
pub(crate) struct Pulse {
    server: Child,
    dir: TempDir,
}

impl Pulse {
    /// Starts one with these sinks, the first of which is the default. The default microphone is the
    /// monitor of the last one.
    pub(crate) fn start(sinks: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = File::create(dir.path().join("log")).unwrap();
        let protocol =
            format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket(dir.path()).display());
        let mut server = Command::new("pulseaudio");
        server.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no"]);
        server.arg("--load").arg(protocol);
        for sink in sinks {
            server.arg("--load").arg(null_sink(sink));
        }
        let server = server
            .env("XDG_RUNTIME_DIR", dir.path())
            .env("HOME", dir.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("pulseaudio is installed: .ci/setup test");
        let pulse = Self { server, dir };
        pulse.wait_until_it_answers();
        pulse.control(&["set-default-sink", sinks[0]]);
        pulse.control(&["set-default-source", &format!("{}.monitor", sinks[sinks.len() - 1])]);
        pulse
    }

    /// What a program has in its environment to use it, and nothing else.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        let server = format!("unix:{}", socket(self.dir.path()).display());
        [("PULSE_SERVER", server.into()), ("XDG_RUNTIME_DIR", self.dir.path().to_owned())]
    }

    /// Adds a sink, as somebody plugs a headset in. Returns what [`Pulse::unplug`] takes.
    pub(crate) fn plug(&self, sink: &str) -> String {
        let module = null_sink(sink);
        let words: Vec<&str> = ["load-module"].into_iter().chain(module.split(' ')).collect();
        self.control(&words)
    }

    /// Takes it away again.
    pub(crate) fn unplug(&self, module: &str) {
        self.control(&["unload-module", module.trim()]);
    }

    /// Plays this into a sink until the player is dropped or the sound has ended.
    pub(crate) fn play(&self, sink: &str, sound: &[f32]) -> Running {
        let file = self.dir.path().join(format!("{sink}.raw"));
        std::fs::write(&file, sound.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<_>>())
            .unwrap();
        let input = File::open(file).unwrap();
        let player = self
            .tool("pacat")
            .args(["--playback", "-d", sink, "--latency-msec=20"])
            .args(FORM)
            .stdin(input)
            .spawn();
        Running { child: player.unwrap(), file: None }
    }

    /// Records what is played into a sink.
    pub(crate) fn record(&self, sink: &str) -> Running {
        let file = self.dir.path().join(format!("{sink}.recorded"));
        let output = File::create(&file).unwrap();
        let source = format!("{sink}.monitor");
        let recorder = self
            .tool("pacat")
            .args(["--record", "-d", &source, "--latency-msec=20"])
            .args(FORM)
            .stdout(output)
            .spawn();
        Running { child: recorder.unwrap(), file: Some(file) }
    }

    fn control(&self, words: &[&str]) -> String {
        let output = self.tool("pactl").args(words).output().expect("pactl is installed: .ci/setup test");
        assert!(output.status.success(), "pactl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn tool(&self, name: &str) -> Command {
        let mut tool = Command::new(name);
        tool.envs(self.environment()).env("HOME", self.dir.path()).stderr(Stdio::null());
        tool
    }

    fn wait_until_it_answers(&self) {
        let deadline = Instant::now() + DEADLINE;
        let answers = || {
            self.tool("pactl").arg("info").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        while !answers() {
            let log = || std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "PulseAudio does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        end(&mut self.server).expect("it was running");
    }
}

/// A player or recorder. Ends with its owner.
pub(crate) struct Running {
    child: Child,
    file: Option<PathBuf>,
}

impl Running {
    /// How much was recorded so far.
    pub(crate) fn samples(&self) -> usize {
        let file = self.file.as_ref().expect("a recorder");
        std::fs::metadata(file).map_or(0, |file| file.len() as usize / size_of::<f32>())
    }

    /// Ends a recording and gives it.
    pub(crate) fn recorded(mut self) -> Vec<f32> {
        end(&mut self.child).unwrap();
        let bytes = std::fs::read(self.file.as_ref().expect("a recorder")).unwrap();
        bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = end(&mut self.child);
    }
}

fn end(child: &mut Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("native")
}

fn null_sink(name: &str) -> String {
    format!(
        "module-null-sink sink_name={name} sink_properties=device.description={name} rate=48000 channels=1 channel_map=mono format=float32le"
    )
}
