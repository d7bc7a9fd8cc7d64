#[path = "support/fixtures.rs"]
mod fixtures;
use fixtures::*;
use kinmesh_proto::*;
use kinmesh_store::*;
use std::time::{Duration, Instant};

fn rss() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .find(|l| l.starts_with("VmRSS"))
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}
fn du(dir: &std::path::Path) -> u64 {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|e| {
            let e = e.unwrap();
            let m = e.metadata().unwrap();
            if m.is_dir() { du(&e.path()) } else { m.len() }
        })
        .sum()
}
#[test]
fn perf() {
    let total: usize = std::env::var("N").ok().map_or(51200, |n| n.parse().unwrap());
    let dir = tempfile::tempdir_in("/work").unwrap();
    let (mut store, _) = SledStore::open(dir.path()).unwrap();
    let people: Vec<_> = (1..20).map(person).collect();
    let text = "x".repeat(200);
    let mut times = vec![];
    let mut n = 0u64;
    for _ in 0..total / 256 {
        let writes: Vec<_> = (0..256)
            .map(|_| {
                n += 1;
                let conv = ConversationId::Room(RoomId([(n % 20) as u8; 32]));
                put(conv, &entry(&people[n as usize % 19], conv, n, &text), Delivery::Received)
            })
            .collect();
        let at = Instant::now();
        store.apply(&writes).unwrap();
        times.push(at.elapsed());
    }
    let sum: Duration = times.iter().sum();
    times.sort();
    println!(
        "batch256: {:.0}/s median {:?} p99 {:?} max {:?}",
        n as f64 / sum.as_secs_f64(),
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times.last().unwrap()
    );
    println!("disk {} MB for {n}, rss {} MB", du(dir.path()) >> 20, rss() >> 10);
    let mut times = vec![];
    for _ in 0..1000 {
        n += 1;
        let w = [put(ROOM, &entry(&people[0], ROOM, n, &text), Delivery::Received)];
        let at = Instant::now();
        store.apply(&w).unwrap();
        times.push(at.elapsed());
    }
    times.sort();
    println!("single: median {:?} p99 {:?} max {:?}", times[500], times[990], times[999]);
    // floor
    use std::io::Write as _;
    let mut f = std::fs::File::create(dir.path().join("floor")).unwrap();
    let mut times = vec![];
    for _ in 0..1000 {
        let at = Instant::now();
        f.write_all(&[7; 400]).unwrap();
        f.sync_data().unwrap();
        times.push(at.elapsed());
    }
    times.sort();
    println!("floor append+fdatasync: median {:?} p99 {:?}", times[500], times[990]);
    std::fs::remove_file(dir.path().join("floor")).unwrap();
    let at = Instant::now();
    drop(store);
    println!("close {:?}; disk {} MB", at.elapsed(), du(dir.path()) >> 20);
    let at = Instant::now();
    let (store, _) = SledStore::open(dir.path()).unwrap();
    println!("open {:?} rss {} MB", at.elapsed(), rss() >> 10);
    let at = Instant::now();
    store.page(ROOM, None, 50).unwrap();
    println!(
        "page {:?}; blobs {}",
        at.elapsed(),
        std::fs::read_dir(dir.path().join("sled/blobs")).unwrap().count()
    );
}
#[test]
fn idle() {
    let before = rss();
    let dir = tempfile::tempdir_in("/work").unwrap();
    let (mut store, _) = SledStore::open(dir.path()).unwrap();
    let opened = rss();
    for n in 0..200u64 {
        store.apply(&[put(ROOM, &entry(&person(1), ROOM, n, "hello there"), Delivery::Received)]).unwrap();
    }
    let wrote = rss();
    drop(store);
    let (store, _) = SledStore::open(dir.path()).unwrap();
    println!(
        "idle: before {before} opened {opened} wrote {wrote} reopened {} KB, disk {} KB",
        rss(),
        du(dir.path()) >> 10
    );
    let cpu = || {
        let s = std::fs::read_to_string("/proc/self/stat").unwrap();
        let v: Vec<_> = s.rsplit(')').next().unwrap().split_whitespace().map(str::to_owned).collect();
        v[11].parse::<u64>().unwrap() + v[12].parse::<u64>().unwrap()
    };
    let c = cpu();
    std::thread::sleep(Duration::from_secs(10));
    println!("idle cpu ticks in 10 s: {}", cpu() - c);
    drop(store);
}
#[test]
fn fresh_idle() {
    let before = rss();
    let dir = tempfile::tempdir_in("/work").unwrap();
    let (mut store, _) = SledStore::open(dir.path()).unwrap();
    for n in 0..200u64 {
        store.apply(&[put(ROOM, &entry(&person(1), ROOM, n, "hello there"), Delivery::Received)]).unwrap();
    }
    drop(store);
    println!("child");
    let out = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reopened", "--nocapture"])
        .env("DIR", dir.path())
        .output()
        .unwrap();
    println!("{before} {}", String::from_utf8_lossy(&out.stdout));
}
#[test]
fn reopened() {
    let Ok(dir) = std::env::var("DIR") else { return };
    let before = rss();
    let (_store, _) = SledStore::open(dir.as_ref()).unwrap();
    println!("reopened idle: before {before} after {} KB", rss());
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut head = String::new();
    for l in maps.lines() {
        if l.split_whitespace().next().unwrap().contains('-') {
            head = l.to_owned()
        } else if let Some(r) = l.strip_prefix("Rss:") {
            let kb: u64 = r.trim().trim_end_matches(" kB").parse().unwrap();
            if kb > 300 {
                println!("reop {kb} {head}");
            }
        }
    }
}

fn seed(dir: &std::path::Path, n: u64) -> Vec<Entry> {
    let (mut store, _) = SledStore::open(dir).unwrap();
    let mut all = vec![];
    for b in 0..n / 50 {
        let es: Vec<_> = (0..50)
            .map(|i| {
                entry(
                    &person((i % 7) as u8 + 1),
                    ROOM,
                    b * 50 + i,
                    "some text of a message, about as long as those are",
                )
            })
            .collect();
        store.apply(&es.iter().map(|e| put(ROOM, e, Delivery::Received)).collect::<Vec<_>>()).unwrap();
        all.extend(es);
        if b % 20 == 7 {
            drop(store);
            store = SledStore::open(dir).unwrap().0;
        }
    }
    all
}
#[test]
fn one_damage() {
    let Ok(dir) = std::env::var("DIR") else { return };
    let n: usize = std::env::var("N").unwrap().parse().unwrap();
    let at = Instant::now();
    let (mut store, report) = match SledStore::open(dir.as_ref()) {
        Ok(x) => x,
        Err(e) => {
            println!("OUT open-err {e:?}");
            return;
        }
    };
    let r = if report.set_aside.is_some() {
        "aside".to_owned()
    } else {
        match store.page(ROOM, None, 1 << 30) {
            Ok(p) if p.len() == n => "whole".into(),
            Ok(p) => format!("LOST {}", n - p.len()),
            Err(e) => format!("page-err {e:?}"),
        }
    };
    let w = match store.apply(&[put(ROOM, &entry(&person(1), ROOM, 1 << 40, "more"), Delivery::Received)]) {
        Ok(_) => "wrote".into(),
        Err(e) => format!("write-err {e:?}"),
    };
    drop(store);
    let second = if r.starts_with("page-err") || w.starts_with("write") && w != "wrote" {
        match SledStore::open(dir.as_ref()) {
            Ok((mut s, r)) => format!(
                "second aside={} {:?}",
                r.set_aside.is_some(),
                s.apply(&[put(ROOM, &entry(&person(1), ROOM, 1 << 40, "more"), Delivery::Received)]).is_ok()
            ),
            Err(e) => format!("second {e:?}"),
        }
    } else {
        String::new()
    };
    println!("OUT {r} {w} {second} in {} s", at.elapsed().as_secs());
}
fn copy(a: &std::path::Path, b: &std::path::Path) {
    std::fs::create_dir_all(b).unwrap();
    for e in std::fs::read_dir(a).unwrap() {
        let e = e.unwrap();
        let to = b.join(e.file_name());
        if e.file_type().unwrap().is_dir() {
            copy(&e.path(), &to)
        } else {
            std::fs::copy(e.path(), &to).unwrap();
        }
    }
}
#[test]
fn fuzz_damage() {
    let base = tempfile::tempdir().unwrap();
    let n = std::env::var("N").unwrap();
    seed(base.path(), n.parse().unwrap());
    let _ = std::fs::remove_file(base.path().join("reserve"));
    let files: Vec<String> = std::fs::read_dir(base.path().join("sled"))
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.file_type().unwrap().is_file())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    println!("files {files:?} db {}", std::fs::metadata(base.path().join("sled/db")).unwrap().len());
    let mut rng: u64 = std::env::var("RNG").ok().map_or(7, |s| s.parse().unwrap());
    let mut next = move |m: u64| {
        rng ^= rng << 13;
        rng ^= rng >> 7;
        rng ^= rng << 17;
        rng % m.max(1)
    };
    let mut tally = std::collections::BTreeMap::<String, u32>::new();
    let rounds: u32 = std::env::var("R").unwrap().parse().unwrap();
    for round in 0..rounds {
        let dir = tempfile::tempdir().unwrap();
        copy(base.path(), dir.path());
        let f = &files[if round % 3 == 0 {
            next(files.len() as u64) as usize
        } else {
            files.iter().position(|f| f == "db").unwrap()
        }];
        let path = dir.path().join("sled").join(f);
        let mut bytes = std::fs::read(&path).unwrap();
        let len = bytes.len() as u64;
        let what = match next(5) {
            0 => {
                bytes.truncate(next(len) as usize);
                "truncate"
            }
            1 => {
                let at = next(len) as usize;
                bytes[at] ^= 1 << next(8);
                "bit"
            }
            2 => {
                let at = next(len) as usize;
                for b in bytes.iter_mut().skip(at).take(512) {
                    *b = next(256) as u8
                }
                "sector-random"
            }
            3 => {
                let at = next(len) as usize;
                for b in bytes.iter_mut().skip(at).take(4096) {
                    *b = 0
                }
                "page-zero"
            }
            _ => {
                bytes.clear();
                "empty"
            }
        };
        std::fs::write(&path, bytes).unwrap();
        let mut child = std::process::Command::new("timeout")
            .arg("60")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "one_damage", "--nocapture"])
            .env("DIR", dir.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let _ = &mut child;
        let out = child.wait_with_output().unwrap();
        let s = String::from_utf8_lossy(&out.stdout);
        let line = s
            .lines()
            .find(|l| l.contains("OUT"))
            .map(|l| {
                l.split("OUT ")
                    .nth(1)
                    .unwrap()
                    .chars()
                    .map(|c| if c.is_ascii_digit() { '#' } else { c })
                    .collect::<String>()
            })
            .unwrap_or_else(|| {
                format!(
                    "NO OUTPUT {:?} {}",
                    out.status,
                    String::from_utf8_lossy(&out.stderr).lines().rev().take(3).collect::<Vec<_>>().join("|")
                )
            });
        *tally.entry(format!("{f:.4} {what}: {line}")).or_default() += 1;
    }
    for (k, v) in tally {
        println!("T {v:4} {k}");
    }
}
