// A js-libp2p client in a Kinmesh room: node client.mjs <multiaddress with /p2p/> <room name>
//
// Says what it saw, one JSON object a line on standard output: tests/tests/programs/interop.rs reads it.
// Reads one line from standard input: the text that it then writes into the room. Ends at the
// end of its input.

import './node20.mjs'
import { createInterface } from 'node:readline'
import { randomBytes } from 'node:crypto'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import {
  Author, HELLO, PROTOCOL_VERSION, decodeCbor, encodeCbor, messageId, openEntry, openPresence, publicRoom
} from './kinmesh.mjs'

const NAME = 'Jan from js-libp2p'

const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)
const hex = (bytes) => Buffer.from(bytes).toString('hex')

// js-libp2p lets a program choose the prefix of this text only; ours must be another text altogether.
const identifyAsKinmesh = (components) => {
  const service = identify()(components)
  service.host.protocolVersion = PROTOCOL_VERSION
  return service
}

async function start (deviceSeed) {
  return createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', deviceSeed),
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    nodeInfo: { userAgent: 'kinmesh-interop/0' },
    services: {
      identify: identifyAsKinmesh,
      ping: ping(),
      pubsub: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        msgIdFn: (message) => messageId(message.topic, message.data)
      })
    }
  })
}

// One request, one response, each ended by closing its side of the stream.
async function sayHello (connection, author) {
  const stream = await connection.newStream(HELLO)
  stream.send(encodeCbor({ w: author.presence(null, NAME) }))
  await stream.close()
  const parts = []
  for await (const part of stream) parts.push(part.subarray())
  return openPresence(decodeCbor(Buffer.concat(parts)).w, null)
}

async function main (address, roomName) {
  const deviceSeed = randomBytes(32)
  const author = new Author(randomBytes(32), deviceSeed)
  const room = publicRoom(roomName)
  const node = await start(deviceSeed)
  const peer = multiaddr(address)

  const identified = new Promise((resolve) => {
    node.addEventListener('peer:identify', ({ detail }) => resolve(detail), { once: true })
  })
  const connection = await node.dial(peer)
  const { protocolVersion, agentVersion, protocols } = await identified
  if (protocolVersion !== PROTOCOL_VERSION) throw new Error(`identify tells ${protocolVersion}`)
  tell({ identified: { protocolVersion, agentVersion, protocols } })
  tell({ pinged: await node.services.ping.ping(peer) })
  const hello = await sayHello(connection, author)
  tell({ hello: { name: hello.name, state: hello.state, person: hex(hello.person) } })

  const { pubsub } = node.services
  const seen = []
  pubsub.addEventListener('message', ({ detail }) => {
    if (detail.topic !== room.topic) return
    const frame = decodeCbor(detail.data)
    for (const envelope of frame.entries?.e ?? []) {
      const entry = openEntry(envelope, room.id)
      seen.push(entry)
      tell({ entry: { id: hex(entry.id), person: hex(entry.person), text: entry.text } })
    }
    if (frame.presence) {
      const { name, state, person } = openPresence(frame.presence, room.id)
      tell({ presence: { name, state, person: hex(person) } })
    }
  })
  pubsub.subscribe(room.topic)
  tell({ me: { person: hex(author.cert.p), name: NAME } })

  for await (const text of createInterface({ input: process.stdin })) {
    const publish = async (frame) => (await pubsub.publish(room.topic, encodeCbor(frame))).recipients.length
    await publish({ presence: author.presence(room.id, NAME) })
    const envelope = author.entry(room.id, seen.at(-1), text)
    const recipients = await publish({ entries: { e: [envelope], a: 0 } })
    tell({ published: { id: hex(openEntry(envelope, room.id).id), recipients } })
  }
  await node.stop()
}

await main(...process.argv.slice(2))
