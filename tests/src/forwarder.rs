//! A man in the middle who only watches: passes UDP packets on, and remembers them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Largest UDP packet.
const PACKET_MAX: usize = 65_536;

/// Passes packets between clients and one target, until it is dropped.
pub struct Forwarder {
    address: SocketAddr,
    ledger: Arc<Ledger>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Ledger {
    passed: Mutex<Vec<u8>>,
    /// Ports from which the target is spoken to, one for each client.
    ports: Mutex<Vec<u16>>,
}

impl Ledger {
    fn passed(&self) -> MutexGuard<'_, Vec<u8>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forwarder {
    /// In front of this target, on a free loopback port.
    pub async fn to(target: SocketAddr) -> Result<Self> {
        let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let address = front.local_addr()?;
        let ledger = Arc::new(Ledger::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(pass_inward(front, target, ledger.clone()));
        Ok(Self { address, ledger, _tasks: tasks })
    }

    /// Where clients reach the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes passed so far, in both directions.
    pub fn bytes(&self) -> u64 {
        self.ledger.passed().len() as u64
    }

    /// Whether these words passed, as they are.
    pub fn has_passed(&self, words: &str) -> bool {
        self.ledger.passed().windows(words.len()).any(|bytes| bytes == words.as_bytes())
    }

    /// Ports from which the target is spoken to.
    pub fn ports(&self) -> Vec<u16> {
        self.ledger.ports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass_inward(front: Arc<UdpSocket>, target: SocketAddr, ledger: Arc<Ledger>) {
    let mut backs = HashMap::<SocketAddr, Arc<UdpSocket>>::new();
    // Ends the tasks below with this one.
    let mut outward = JoinSet::new();
    let mut packet = vec![0; PACKET_MAX];
    while let Ok((size, client)) = front.recv_from(&mut packet).await {
        let back = match backs.entry(client) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let Ok(back) = back_door(target, &ledger).await else { continue };
                outward.spawn(pass_outward(back.clone(), front.clone(), client, ledger.clone()));
                unknown.insert(back)
            }
        };
        ledger.passed().extend_from_slice(&packet[..size]);
        // A lost packet is a lost packet: QUIC sends it again.
        let _ = back.send(&packet[..size]).await;
    }
}

/// A socket that hears the target alone, so that nobody else can come in through it.
async fn back_door(target: SocketAddr, ledger: &Ledger) -> Result<Arc<UdpSocket>> {
    let back = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    back.connect(target).await?;
    ledger.ports.lock().unwrap_or_else(PoisonError::into_inner).push(back.local_addr()?.port());
    Ok(Arc::new(back))
}

async fn pass_outward(back: Arc<UdpSocket>, front: Arc<UdpSocket>, client: SocketAddr, ledger: Arc<Ledger>) {
    let mut packet = vec![0; PACKET_MAX];
    while let Ok(size) = back.recv(&mut packet).await {
        ledger.passed().extend_from_slice(&packet[..size]);
        let _ = front.send_to(&packet[..size], client).await;
    }
}
