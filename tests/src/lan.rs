//! A local network of its own inside this machine: network namespaces of Linux, joined by a bridge.
//!
//! Needs root, iproute2 and nftables. Nothing in it reaches the outside, and nothing of it stays.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

/// A cable's end in each house.
const PORT: &str = "eth0";
/// The switch's own table of rules.
const TABLE: &str = "kinmesh";

/// A switch, and houses that are plugged into it. Ends with its value; programs in it must end first.
pub struct Lan {
    name: String,
    houses: Vec<String>,
}

impl Lan {
    /// A network with this many houses. `None`: this process may not make one.
    ///
    /// `name` must be short and differ from any other network of this process.
    pub fn new(name: &str, houses: usize) -> Result<Option<Self>> {
        let name = format!("km{}{name}", std::process::id());
        let lan = Self { houses: (1..=houses).map(|n| format!("{name}-{n}")).collect(), name };
        let made = output(&["netns", "add", &lan.switch()])?;
        if !made.status.success() {
            let reason = String::from_utf8_lossy(&made.stderr).into_owned();
            ensure!(reason.contains("not permitted") || reason.contains("denied"), "{reason}");
            crate::not_tested("this process may not make network namespaces; root with CAP_SYS_ADMIN may")?;
            return Ok(None);
        }
        lan.build_switch()?;
        for n in 0..houses {
            lan.build_house(n)?;
        }
        Ok(Some(lan))
    }

    /// The namespace of a house, counted from 0.
    pub fn house(&self, n: usize) -> &str {
        &self.houses[n]
    }

    /// Pulls a house's cable out of the switch, or plugs it in again.
    pub fn plug(&self, n: usize, plugged: bool) -> Result<()> {
        let state = if plugged { "up" } else { "down" };
        ip(&["-n", &self.switch(), "link", "set", &socket(n), state])
    }

    /// Drops every packet from a house of `here` to one of `there`. Those the other way pass, unless
    /// they are cut as well; the houses notice nothing but silence.
    pub fn cut(&self, here: &[usize], there: &[usize]) -> Result<()> {
        let sockets = |houses: &[usize]| houses.iter().map(|n| socket(*n)).collect::<Vec<_>>().join(", ");
        let rule = format!(
            "add table bridge {TABLE}\n\
             add chain bridge {TABLE} cut {{ type filter hook forward priority 0; }}\n\
             add rule bridge {TABLE} cut iifname {{ {} }} oifname {{ {} }} drop\n",
            sockets(here),
            sockets(there),
        );
        self.nft(&rule)
    }

    /// Drops so many of a hundred packets between houses, whichever chance picks, both ways.
    pub fn lose(&self, percent: u32) -> Result<()> {
        let rule = format!(
            "add table bridge {TABLE}\n\
             add chain bridge {TABLE} lose {{ type filter hook forward priority 0; }}\n\
             add rule bridge {TABLE} lose numgen random mod 100 < {percent} drop\n",
        );
        self.nft(&rule)
    }

    /// Lets all packets pass again.
    pub fn heal(&self) -> Result<()> {
        self.nft(&format!("delete table bridge {TABLE}\n"))
    }

    fn nft(&self, rules: &str) -> Result<()> {
        ip(&["netns", "exec", &self.switch(), "nft", rules])
    }

    fn switch(&self) -> String {
        format!("{}-switch", self.name)
    }

    fn build_switch(&self) -> Result<()> {
        let switch = self.switch();
        ip(&["-n", &switch, "link", "add", "bridge", "type", "bridge"])?;
        ip(&["-n", &switch, "link", "set", "bridge", "up"])
    }

    fn build_house(&self, n: usize) -> Result<()> {
        let (switch, house, socket) = (self.switch(), self.house(n), socket(n));
        ip(&["netns", "add", house])?;
        ip(&["-n", &switch, "link", "add", &socket, "type", "veth", "peer", "name", PORT, "netns", house])?;
        ip(&["-n", &switch, "link", "set", &socket, "master", "bridge", "up"])?;
        ip(&["-n", house, "link", "set", "lo", "up"])?;
        ip(&["-n", house, "link", "set", PORT, "up"])?;
        ip(&["-n", house, "address", "add", &format!("192.168.77.{}/24", n + 1), "dev", PORT])?;
        ip(&["-n", house, "route", "add", "224.0.0.0/4", "dev", PORT])
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for namespace in self.houses.iter().chain([&self.switch()]) {
            // One that was never made cannot be removed.
            let _ = output(&["netns", "delete", namespace]);
        }
    }
}

/// The switch's side of a house's cable.
fn socket(n: usize) -> String {
    format!("port{n}")
}

fn ip(args: &[&str]) -> Result<()> {
    let output = output(args)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {said}", args.join(" "));
    Ok(())
}

fn output(args: &[&str]) -> Result<Output> {
    Command::new("ip").args(args).output().context("iproute2 is needed: install the package iproute2")
}
