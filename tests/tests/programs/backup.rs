//! Export and import as a person meets them: the real program, its files and its words.

use std::path::Path;
use std::process::Output;

use anyhow::{Result, ensure};
use kinmesh_tests::process;
use serde_json::Value;
use tempfile::TempDir;

/// A directory with a passphrase file, and the paths of what the tests make in it.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("passphrase"), "correct horse\n")?;
        std::fs::write(dir.path().join("other"), "wrong horse\n")?;
        Ok(Self { dir })
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// Lets Ann, who lives in `data`, type these lines.
    async fn ann_types(&self, data: &str, lines: &str) -> Result<String> {
        let data = self.path(data);
        let offline = ["--no-mdns", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--name", "Ann <b>"];
        let args = [&["chat", "--room", "lobby", "--data", &data][..], &offline].concat();
        succeeded(process::run("kinmesh", &args, lines).await?)
    }

    async fn export(&self) -> Result<String> {
        let (data, file, passphrase) = (self.path("ann"), self.path("ann.age"), self.path("passphrase"));
        let args = ["export", &file, "--data", &data, "--passphrase-file", &passphrase];
        succeeded(process::run("kinmesh", &args, "").await?)
    }

    async fn import(&self, into: &str, passphrase: &str) -> Result<Output> {
        let (data, file, passphrase) = (self.path(into), self.path("ann.age"), self.path(passphrase));
        let args = ["import", &file, "--data", &data, "--passphrase-file", &passphrase];
        process::run("kinmesh", &args, "").await
    }

    async fn export_lobby(&self, data: &str, format: &str, file: &str) -> Result<String> {
        let (data, file) = (self.path(data), self.path(file));
        let args = ["export-conversation", "--data", &data, "--room", "Lobby", "--format", format, &file];
        succeeded(process::run("kinmesh", &args, "").await?)?;
        Ok(std::fs::read_to_string(file)?)
    }
}

fn succeeded(ended: Output) -> Result<String> {
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(String::from_utf8(ended.stdout)?)
}

fn refusal(ended: &Output) -> Result<String> {
    ensure!(!ended.status.success(), "it was not refused");
    Ok(String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[tokio::test]
async fn ann_moves_to_another_directory_with_her_history() -> Result<()> {
    let place = Place::new()?;
    place.ann_types("ann", "one\ntwo\n").await?;
    let told = place.export().await?;
    ensure!(told.contains("2 messages") && told.contains("can read everything"), "{told}");

    let wrong = refusal(&place.import("new", "other").await?)?;
    ensure!(wrong == "kinmesh: not imported: the passphrase is wrong\n", "{wrong}");
    ensure!(!Path::new(&place.path("new")).exists(), "a refused import leaves nothing");

    let told = succeeded(place.import("new", "passphrase").await?)?;
    ensure!(told.contains("One device lives in one place"), "{told}");
    let history = place.ann_types("new", "/history\n").await?;
    ensure!(history.contains("one") && history.contains("two"), "{history}");

    let again = refusal(&place.import("new", "passphrase").await?)?;
    ensure!(again.contains("holds an identity or a history already"), "{again}");
    Ok(())
}

#[tokio::test]
async fn a_conversation_becomes_json_that_programs_can_rely_on() -> Result<()> {
    let place = Place::new()?;
    place.ann_types("ann", "hello \"you\"\n# no heading\n").await?;
    let exported: Value = serde_json::from_str(&place.export_lobby("ann", "json", "lobby.json").await?)?;
    assert_eq!(exported["format"], "kinmesh conversation");
    assert_eq!(exported["version"], 1);
    assert_eq!(exported["conversation"]["kind"], "room");
    assert_eq!(exported["conversation"]["name"], "lobby");
    assert_eq!(exported["exported_by"]["name"], "Ann <b>");
    let messages = exported["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let texts: Vec<_> = messages.iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["hello \"you\"", "# no heading"]);
    for message in messages {
        assert_eq!(message["author"], exported["exported_by"]);
        assert_eq!((&message["deleted"], &message["edited_at"]), (&Value::Bool(false), &Value::Null));
        for field in ["key", "written_ms", "written_at", "edits", "reply_to", "reactions", "delivery"] {
            ensure!(message.get(field).is_some(), "{field} is missing");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_conversation_becomes_markdown_that_shows_what_was_typed() -> Result<()> {
    let place = Place::new()?;
    place.ann_types("ann", "# no heading\n").await?;
    let markdown = place.export_lobby("ann", "markdown", "lobby.md").await?;
    ensure!(markdown.starts_with("# lobby\n\n*Exported from Kinmesh by Ann \\<b\\>, "), "{markdown}");
    ensure!(markdown.contains("\n## 20") && markdown.contains("\n**Ann \\<b\\>** · "), "{markdown}");
    ensure!(markdown.ends_with("\n> \\# no heading\n"), "{markdown}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_not_exported() -> Result<()> {
    let place = Place::new()?;
    let (data, file) = (place.path("nobody"), place.path("x.age"));
    let passphrase = place.path("passphrase");
    let nobody = ["export", &file, "--data", &data, "--passphrase-file", &passphrase];
    let error = refusal(&process::run("kinmesh", &nobody, "").await?)?;
    ensure!(error.contains("there is no peer in"), "{error}");
    ensure!(!Path::new(&data).exists() && !Path::new(&file).exists(), "nothing was made");

    place.ann_types("ann", "").await?;
    let data = place.path("ann");
    let person = ["export-conversation", "--data", &data, "--person", "Zoe", "--format", "json", &file];
    let error = refusal(&process::run("kinmesh", &person, "").await?)?;
    ensure!(error == "kinmesh: --person Zoe: nobody of this name is known here\n", "{error}");
    Ok(())
}
