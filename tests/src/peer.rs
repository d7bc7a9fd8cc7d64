//! A real `kinmesh rpc` process, spoken to over JSON-RPC.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use kinmesh_tests::{Bootstrap, Peer, PeerOptions};
//! use serde_json::json;
//!
//! let bootstrap = Bootstrap::spawn().await?;
//! let alice = Peer::spawn(PeerOptions::named("Alice").join(bootstrap.join_link())).await?;
//! let bob = Peer::spawn(PeerOptions::named("Bob").join(bootstrap.join_link())).await?;
//! let lobby = alice.join_room("lobby").await?;
//! bob.join_room("lobby").await?;
//! alice.wait_online("Bob").await?;
//! alice.call("conversation.send", json!({ "conversation": lobby, "text": "hello" })).await?;
//! bob.wait_text("hello").await?;
//! # Ok(()) }
//! ```

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, anyhow};
use rustix::process::Signal;
use serde::Serialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::failing_disk::FailingDisk;
use crate::process::{DEADLINE, Process};
use crate::small_disk::SmallDisk;

/// Entries that a peer answers with at most.
const PAGE: usize = 500;

/// How a peer is started.
#[derive(Debug, Clone)]
pub struct PeerOptions {
    name: Option<String>,
    join: Vec<String>,
    listen: Vec<String>,
    mdns: bool,
    data: Option<PathBuf>,
    wrapper: Vec<String>,
}

impl Default for PeerOptions {
    /// Without a name, on a free loopback port over QUIC, without mDNS, in a new directory.
    fn default() -> Self {
        let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".into()];
        Self { name: None, join: Vec::new(), listen, mdns: false, data: None, wrapper: Vec::new() }
    }
}

impl PeerOptions {
    /// A peer of this name.
    pub fn named(name: &str) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Enters the mesh through this link or address. May be called several times.
    pub fn join(mut self, link: impl Into<String>) -> Self {
        self.join.push(link.into());
        self
    }

    /// Listens on these multiaddresses only.
    pub fn listen(mut self, addresses: &[&str]) -> Self {
        self.listen = addresses.iter().map(|address| (*address).to_owned()).collect();
        self
    }

    /// Looks for peers on the local network.
    pub fn mdns(mut self) -> Self {
        self.mdns = true;
        self
    }

    /// Lives in this directory, and leaves it behind: for a peer that comes back.
    pub fn data(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data = Some(dir.into());
        self
    }

    /// Runs in this network namespace of Linux.
    pub fn namespace(mut self, name: &str) -> Self {
        self.wrapper = ["ip", "netns", "exec", name].map(str::to_owned).to_vec();
        self
    }

    /// Has these variables in its environment.
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<Path>)>,
    ) -> Self {
        let words = variables
            .into_iter()
            .map(|(name, value)| format!("{}={}", name.as_ref(), value.as_ref().display()));
        self.wrapper = ["env".to_owned()].into_iter().chain(words).collect();
        self
    }

    /// Lives on this disk, which nobody else sees.
    pub fn disk(mut self, disk: &SmallDisk) -> Self {
        self.wrapper = disk.wrapper().to_vec();
        self.data(disk.data())
    }

    /// The same with a disk that can fail.
    pub fn failing_disk(mut self, disk: &FailingDisk) -> Self {
        self.wrapper = disk.wrapper().to_vec();
        self.data(disk.data())
    }

    fn args(&self, data: &Path) -> Vec<String> {
        let mut args = vec!["rpc".to_owned(), "--data".to_owned(), data.display().to_string()];
        let mut option = |flag: &str, value: &str| args.extend([flag.to_owned(), value.to_owned()]);
        self.name.iter().for_each(|name| option("--name", name));
        self.join.iter().for_each(|link| option("--join", link));
        self.listen.iter().for_each(|address| option("--listen", address));
        if !self.mdns {
            args.push("--no-mdns".to_owned());
        }
        args
    }
}

/// An error that the peer answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcFault {
    /// JSON-RPC's code.
    pub code: i64,
    /// `data.kind`.
    pub kind: String,
    /// Words.
    pub message: String,
}

impl fmt::Display for RpcFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.message, self.kind, self.code)
    }
}

impl std::error::Error for RpcFault {}

impl RpcFault {
    fn new(error: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            code: error["code"].as_i64().unwrap_or_default(),
            kind: text(&error["data"]["kind"]),
            message: text(&error["message"]),
        }
    }
}

/// What a peer said and nobody took yet.
#[derive(Default)]
struct Inbox {
    /// Notifications in their order, whole.
    told: VecDeque<Value>,
    /// Calls that wait for their answer.
    calls: HashMap<u64, oneshot::Sender<Value>>,
    /// Lines that answer no call of ours.
    others: VecDeque<Value>,
    ended: bool,
}

/// A running peer.
pub struct Peer {
    process: Process,
    input: tokio::sync::Mutex<ChildStdin>,
    inbox: Arc<Mutex<Inbox>>,
    arrived: watch::Receiver<()>,
    next_id: AtomicU64,
    me: Value,
    dir: Option<TempDir>,
    data: PathBuf,
}

impl Peer {
    /// Starts a peer, and waits until it answers.
    pub async fn spawn(options: PeerOptions) -> Result<Self> {
        let dir = match options.data {
            None => Some(tempfile::tempdir()?),
            Some(_) => None,
        };
        let data = options.data.clone().or_else(|| dir.as_ref().map(|dir| dir.path().join("data")));
        let data = data.context("a peer lives somewhere")?;
        let log = data.with_extension("log");
        let args = options.args(&data);
        let (process, input, output) = Process::spawn_in(&options.wrapper, "kinmesh", args, &log)?;
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let (tell, arrived) = watch::channel(());
        tokio::spawn(listen(output, inbox.clone(), tell));
        let input = tokio::sync::Mutex::new(input);
        let (next_id, me) = (AtomicU64::new(1), Value::Null);
        let mut peer = Self { process, input, inbox, arrived, next_id, me, dir, data };
        peer.me = peer.call("profile.get", json!({})).await?;
        Ok(peer)
    }

    /// Calls a method. An error of the peer is an [`RpcFault`] inside the error.
    pub async fn call(&self, method: &str, params: impl Serialize) -> Result<Value> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.inbox().calls.insert(id, reply);
        self.write_line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        let answer = timeout(DEADLINE, answer).await.ok().and_then(Result::ok);
        let answer = answer.ok_or_else(|| self.lost(format_args!("no answer to {method}")))?;
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(RpcFault::new(&answer["error"]).into()),
        }
    }

    /// Calls a method that must be refused.
    pub async fn call_refused(&self, method: &str, params: impl Serialize) -> Result<RpcFault> {
        match self.call(method, params).await {
            Ok(result) => Err(anyhow!("{method} was not refused: {result}")),
            Err(error) => error.downcast::<RpcFault>(),
        }
    }

    /// Writes a line as it is, for what [`Peer::call`] would never write.
    pub async fn write_raw(&self, line: &[u8]) -> Result<()> {
        let mut input = self.input.lock().await;
        input.write_all(line).await?;
        input.write_all(b"\n").await?;
        Ok(input.flush().await?)
    }

    async fn write_line(&self, value: &Value) -> Result<()> {
        let written = self.write_raw(value.to_string().as_bytes()).await;
        written.map_err(|error| self.lost(format_args!("it takes no input: {error}")))
    }

    /// Waits for the next line that is neither an event nor the answer to a [`Peer::call`].
    pub async fn other_line(&self) -> Result<Value> {
        self.take("a line", |inbox| inbox.others.pop_front()).await
    }

    /// Takes the first event that fits, among those that came already and those to come. Each
    /// event is taken at most once, and one that does not fit stays for later waits.
    ///
    /// `event` is the `params` of an `event` notification.
    pub async fn wait_for(&self, what: &str, mut fits: impl FnMut(&Value) -> bool) -> Result<Value> {
        self.take(what, |inbox| {
            let fits = |line: &Value| line["method"] == "event" && fits(&line["params"]);
            let at = inbox.told.iter().position(fits)?;
            inbox.told.remove(at).map(|mut line| line["params"].take())
        })
        .await
    }

    /// Every notification that came and was not taken, whole and in order.
    pub fn told(&self) -> Vec<Value> {
        self.inbox().told.iter().cloned().collect()
    }

    /// Calls a method now and after each notification, until its result fits.
    pub async fn wait_until(
        &self,
        method: &str,
        params: impl Serialize,
        mut fits: impl FnMut(&Value) -> bool,
    ) -> Result<Value> {
        let params = serde_json::to_value(params)?;
        let mut arrived = self.arrived.clone();
        let mut last = Value::Null;
        let until = async {
            loop {
                arrived.borrow_and_update();
                last = self.call(method, &params).await?;
                if fits(&last) {
                    return anyhow::Ok(());
                }
                arrived.changed().await?;
            }
        };
        match timeout(DEADLINE, until).await {
            Ok(Ok(())) => Ok(last),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(self.lost(format_args!("{method} never fits; last it was {last:#}"))),
        }
    }

    async fn take<T>(&self, what: &str, mut take: impl FnMut(&mut Inbox) -> Option<T>) -> Result<T> {
        let mut arrived = self.arrived.clone();
        let taken = async {
            loop {
                arrived.borrow_and_update();
                if let Some(taken) = take(&mut self.inbox()) {
                    return Some(taken);
                }
                if self.inbox().ended || arrived.changed().await.is_err() {
                    return None;
                }
            }
        };
        let taken = timeout(DEADLINE, taken).await.ok().flatten();
        taken.ok_or_else(|| self.lost(format_args!("{what} never came")))
    }

    /// Joins a room; the result is its conversation, as `conversation.send` takes it.
    pub async fn join_room(&self, name: &str) -> Result<Value> {
        self.call("rooms.join", json!({ "name": name })).await
    }

    /// Sends text; the result is the entry.
    pub async fn send(&self, conversation: &Value, text: &str) -> Result<Value> {
        self.call("conversation.send", json!({ "conversation": conversation, "text": text })).await
    }

    /// Waits for an entry of exactly this text by somebody else; the result is the entry.
    pub async fn wait_text(&self, text: &str) -> Result<Value> {
        let me = &self.me["person"];
        let event = self
            .wait_for(&format!("the text {text:?}"), |event| {
                event["change"] == "entry_added"
                    && event["entry"]["text"] == text
                    && event["entry"]["author"] != *me
            })
            .await?;
        Ok(event["entry"].clone())
    }

    /// Waits until an own entry is in this state: `sent`, `delivered`, `failed`.
    pub async fn wait_delivery(&self, entry: &Value, state: &str) -> Result<()> {
        let key = entry["key"].clone();
        let fits = |event: &Value| event["key"] == key && event["delivery"]["state"] == state;
        self.wait_for(&format!("{state} of {key}"), fits).await.map(drop)
    }

    /// Waits until somebody of this name is online; the result is the person's view.
    pub async fn wait_online(&self, name: &str) -> Result<Value> {
        self.wait_presence(name, "online").await
    }

    /// Waits until somebody of this name is offline; the result is the person's view.
    pub async fn wait_offline(&self, name: &str) -> Result<Value> {
        self.wait_presence(name, "offline").await
    }

    async fn wait_presence(&self, name: &str, state: &str) -> Result<Value> {
        let fits = |person: &Value| person["name"] == name && person["online"]["state"] == state;
        let people = self.wait_until("people.list", json!({}), |people| list(people).any(fits)).await?;
        list(&people).find(|person| fits(person)).cloned().context("it was there")
    }

    /// The whole history of a conversation, oldest first.
    pub async fn history(&self, conversation: &Value) -> Result<Vec<Value>> {
        let mut history = Vec::new();
        let mut params = json!({ "conversation": conversation, "limit": PAGE });
        loop {
            let page = self.call("conversation.page", &params).await?;
            let Some(oldest) = list(&page).next() else { return Ok(history) };
            params["before"] = oldest["key"].clone();
            history.splice(0..0, list(&page).cloned());
        }
    }

    /// Becomes a contact of another peer, as people do: one asks, the other accepts.
    pub async fn befriend(&self, other: &Self) -> Result<()> {
        let (me, them) = (&self.me["person"], &other.me["person"]);
        let knows = |person: &'_ Value| {
            let person = person.clone();
            move |people: &Value| list(people).any(|known| known["person"] == person)
        };
        self.wait_until("people.list", json!({}), knows(them)).await?;
        self.call("contacts.add", json!({ "person": them })).await?;
        other.wait_request(me).await?;
        other.call("contacts.accept", json!({ "person": me })).await?;
        let are_contacts = |person: &Value| {
            let person = person.clone();
            move |event: &Value| event["event"] == "became_contacts" && event["person"] == person
        };
        self.wait_for("acceptance", are_contacts(them)).await?;
        other.wait_for("a contact", are_contacts(me)).await.map(drop)
    }

    /// Waits until this person asks to be a contact.
    pub async fn wait_request(&self, person: &Value) -> Result<()> {
        let asks = |event: &Value| event["event"] == "contact_requested" && event["person"] == *person;
        self.wait_for("a request to be a contact", asks).await.map(drop)
    }

    /// Our own person, as `{"direct": id}`: what others call the chat with us.
    pub fn chat_with_me(&self) -> Value {
        json!({ "direct": self.me["person"] })
    }

    /// Our own profile at start, as `profile.get` answers.
    pub fn me(&self) -> &Value {
        &self.me
    }

    /// A `kinmesh://join` link to this very peer.
    pub async fn join_link(&self) -> Result<String> {
        self.wait_until("network.status", json!({}), |status| list(&status["listening"]).next().is_some())
            .await?;
        let answer = self.call("network.link", json!({})).await?;
        answer["link"].as_str().map(str::to_owned).context("a link is text")
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its process id.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.process.id()?.as_raw_nonzero().get().try_into()?)
    }

    /// Kills it without a goodbye. The directory is kept when it was given.
    pub async fn kill9(mut self) -> Result<()> {
        self.process.kill9().await
    }

    /// Asks it to end over JSON-RPC, and waits for a clean end.
    pub async fn shutdown(mut self) -> Result<()> {
        self.call("shutdown", json!({})).await?;
        self.process.ended_well().await
    }

    /// Sends SIGTERM, and waits for a clean end.
    pub async fn terminate(mut self) -> Result<()> {
        self.process.signal(Signal::TERM)?;
        self.process.ended_well().await
    }

    /// Sends SIGINT, as Ctrl+C does, and waits for a clean end.
    pub async fn interrupt(mut self) -> Result<()> {
        self.process.signal(Signal::INT)?;
        self.process.ended_well().await
    }

    /// Closes its standard input, and waits for its end.
    pub async fn close_input(self) -> Result<ExitStatus> {
        let Self { mut process, input, dir, .. } = self;
        drop(input);
        let status = process.ended().await;
        drop(dir);
        status
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self, what: fmt::Arguments<'_>) -> anyhow::Error {
        let who = self.me["name"].as_str().unwrap_or("a peer").to_owned();
        let told: Vec<_> = self.inbox().told.iter().rev().take(20).map(Value::to_string).collect();
        anyhow!(
            "{who}: {what}\n--- last events, newest first:\n{}\n{}",
            told.join("\n"),
            self.process.log_tail()
        )
    }
}

/// The elements of a JSON array; none for anything else.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Sorts what a peer says into its inbox.
async fn listen(output: ChildStdout, inbox: Arc<Mutex<Inbox>>, tell: watch::Sender<()>) {
    let mut lines = BufReader::new(output).lines();
    let lock = || inbox.lock().unwrap_or_else(PoisonError::into_inner);
    while let Ok(Some(line)) = lines.next_line().await {
        let answers = lock().sort(&line);
        if !answers {
            tell.send_replace(());
        }
    }
    let mut inbox = lock();
    inbox.ended = true;
    inbox.calls.clear();
    tell.send_replace(());
}

impl Inbox {
    /// Puts one line where it belongs. Whether it answered a call.
    fn sort(&mut self, line: &str) -> bool {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            self.others.push_back(Value::String(line.to_owned()));
            return false;
        };
        if line.get("method").is_some() {
            self.told.push_back(line);
            return false;
        }
        match line["id"].as_u64().and_then(|id| self.calls.remove(&id)) {
            // A caller that gave up has no use for it.
            Some(reply) => drop(reply.send(line)),
            None => {
                self.others.push_back(line);
                return false;
            }
        }
        true
    }
}
