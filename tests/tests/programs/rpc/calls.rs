//! The methods on calls.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use kinmesh_tests::{Peer, PeerOptions, peer};
use serde_json::{Value, json};

use super::{Schema, words};

const ON_CALLS: [&str; 16] = [
    "calls.list",
    "calls.ring",
    "calls.accept",
    "calls.decline",
    "calls.ignore",
    "calls.hang_up",
    "calls.mute",
    "calls.deafen",
    "calls.hold",
    "calls.talk",
    "calls.volume",
    "calls.activation",
    "calls.add",
    "calls.transfer",
    "calls.quality",
    "calls.enter_voice",
];

/// Calls what is done about calls, by two who have no devices: that is told and ends no call.
#[cfg(target_os = "linux")]
pub(super) async fn call_on_calls(schema: &mut Schema) -> Result<BTreeSet<String>> {
    let mute = [("PULSE_SERVER", "/nonexistent"), ("ALSA_CONFIG_PATH", "/nonexistent")];
    let dave = Peer::spawn(PeerOptions::named("Dave").environment(mute)).await?;
    let lobby = dave.join_room("lobby").await?;
    let link = dave.join_link().await?;
    let erin = Peer::spawn(PeerOptions::named("Erin").join(link).environment(mute)).await?;
    dave.befriend(&erin).await?;
    let of_erin = json!({ "person": erin.me()["person"] });
    let incoming = |calls: &Value| peer::list(calls).any(|call| call["state"]["state"] == "incoming");

    let declined = json!({ "call": schema.call(&dave, "calls.ring", of_erin.clone()).await?, "text": "no" });
    erin.wait_until("calls.list", json!({}), incoming).await?;
    schema.call(&erin, "calls.list", json!({})).await?;
    schema.call(&erin, "calls.decline", declined).await?;
    dave.wait_for("the end", |event| event["end"]["text"] == "no").await?;

    let call = json!({ "call": schema.call(&dave, "calls.ring", of_erin.clone()).await? });
    erin.wait_until("calls.list", json!({}), incoming).await?;
    schema.call(&erin, "calls.ignore", call.clone()).await?;
    schema.call(&dave, "calls.hang_up", call).await?;

    let call = json!({ "call": schema.call(&dave, "calls.ring", of_erin).await? });
    erin.wait_until("calls.list", json!({}), incoming).await?;
    schema.call(&erin, "calls.accept", call.clone()).await?;
    let stands = |calls: &Value| calls[0]["parties"][0]["state"] == "connecting";
    let people = dave.call("people.list", json!({})).await?;
    let echo =
        peer::list(&people).find(|person| person["is_echo"] == true).context("Echo")?["person"].clone();
    dave.wait_until("calls.list", json!({}), |calls| stands(calls) || calls[0]["state"]["state"] == "active")
        .await?;
    for (method, params) in [
        ("calls.mute", call.clone()),
        ("calls.deafen", json!({ "call": call["call"], "on": true })),
        ("calls.hold", json!({ "call": call["call"], "on": false })),
        ("calls.talk", call.clone()),
        ("calls.volume", json!({ "person": erin.me()["person"], "factor": 0.5 })),
        ("calls.activation", json!({ "activation": "voice" })),
        ("calls.add", json!({ "call": call["call"], "person": erin.me()["person"] })),
        ("calls.transfer", json!({ "call": call["call"], "person": echo })),
    ] {
        schema.call(&dave, method, params).await?;
    }
    let sound = schema.call(&dave, "calls.quality", json!({})).await?;
    assert_eq!((&sound["deafened"], &sound["activation"]), (&json!(true), &json!("voice")), "{sound}");
    schema.call(&dave, "calls.hang_up", call).await?;

    let voice = json!({ "call": schema.call(&dave, "calls.enter_voice", lobby).await? });
    schema.call(&dave, "calls.list", json!({})).await?;
    schema.call(&dave, "rooms.list", json!({})).await?;
    schema.call(&dave, "calls.hang_up", voice).await?;
    for line in dave.told().iter().chain(&erin.told()) {
        schema.check("", line)?;
    }
    dave.shutdown().await?;
    erin.shutdown().await?;
    Ok(words(&ON_CALLS))
}

/// Elsewhere a test would open somebody's own devices.
#[cfg(not(target_os = "linux"))]
pub(super) async fn call_on_calls(_: &mut Schema) -> Result<BTreeSet<String>> {
    Ok(words(&ON_CALLS))
}
