// The values of docs/protocol.md, written from that page alone: nothing here was taken from the Rust code.

import { ed25519 } from '@noble/curves/ed25519.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { decode, decodeFirst, encode } from 'cborg'

const utf8 = new TextEncoder()

export const PROTOCOL_VERSION = 'kinmesh/1'
export const HELLO = '/kinmesh/hello/1'
const ENTRY_DOMAIN = utf8.encode('kinmesh entry 1\0')
const PRESENCE_DOMAIN = utf8.encode('kinmesh presence 1\0')
const CERT_DOMAIN = utf8.encode('kinmesh device certificate 1\0')

const concat = (...parts) => new Uint8Array(Buffer.concat(parts))
const hex = (bytes) => Buffer.from(bytes).toString('hex')
const same = (one, two) => Buffer.compare(one, two) === 0
const derive = (context, material) => blake3(material, { context: utf8.encode(context) })

function check (holds, what) {
  if (!holds) throw new Error(`not as docs/protocol.md says: ${what}`)
}

export const encodeCbor = (value) => encode(value)
export const decodeCbor = (bytes) => decode(bytes, { rejectDuplicateMapKeys: true })

export function publicRoom (name) {
  const folded = name.normalize('NFKC').toLowerCase().normalize('NFKC')
  const id = derive('kinmesh 2026-11 public room', utf8.encode(folded))
  return { id, topic: hex(derive('kinmesh 2026-11 room topic', id)).slice(0, 32) }
}

// Strict, as the document asks: no cofactor, no small-order keys.
const verifies = (signature, bytes, key) => ed25519.verify(signature, bytes, key, { zip215: false })

const certBytes = (cert) => {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(cert.t))
  return concat(CERT_DOMAIN, cert.p, cert.d, time)
}

const signedBytes = (domain, c, body) => concat(domain, c.p, c.d, body)

// An entry's body is its header, then its content; what is signed is the content's hash, then the header.
function splitEntry (body) {
  const [header, content] = decodeFirst(body)
  const headerBytes = body.subarray(0, body.length - content.length)
  const { k, h } = decode(content)
  const hash = k === 'erased' ? h : blake3(content)
  return { body: { ...header, c: decode(content) }, signed: concat(hash, headerBytes) }
}

const splitPresence = (body) => ({ body: decodeCbor(body), signed: body })

// Verifies an envelope and decodes its body; the hash of an entry's envelope is its id.
function open (domain, envelope, split) {
  check(envelope.c.p.length === 32 && envelope.c.d.length === 32, 'ids have 32 bytes')
  check(verifies(envelope.c.s, certBytes(envelope.c), envelope.c.p), 'the certificate holds')
  const { body, signed } = split(envelope.b)
  const bytes = signedBytes(domain, envelope.c, signed)
  check(verifies(envelope.s, bytes, envelope.c.d), 'the signature holds')
  return { hash: blake3(bytes), person: envelope.c.p, device: envelope.c.d, body }
}

export function openEntry (envelope, tag) {
  const { hash, person, device, body } = open(ENTRY_DOMAIN, envelope, splitEntry)
  check(same(body.g, tag), 'the entry belongs to its conversation')
  check(body.n >= 1 && body.p.length <= 8, 'sequence and predecessors are within their limits')
  check(body.c.k === 'text' && typeof body.c.x === 'string', 'the content is text')
  return { id: hash, person, device, clock: BigInt(body.h), text: body.c.x }
}

export function openPresence (envelope, room) {
  const { person, device, body } = open(PRESENCE_DOMAIN, envelope, splitPresence)
  check(room === null ? body.r === null : same(body.r, room), 'the presence is said in its place')
  check(['here', 'left', 'away'].includes(body.a), 'the state is one of three')
  return { person, device, name: body.n, state: body.a, sent: body.t }
}

// A person with one device, which is the libp2p key of this program.
export class Author {
  constructor (personSeed, deviceSeed) {
    this.personSeed = personSeed
    this.deviceSeed = deviceSeed
    const cert = { p: ed25519.getPublicKey(personSeed), d: ed25519.getPublicKey(deviceSeed), t: Date.now() }
    this.cert = { ...cert, s: ed25519.sign(certBytes(cert), personSeed) }
    this.seq = 0
    this.said = 0
  }

  seal (domain, body, split) {
    const bytes = signedBytes(domain, this.cert, split(body).signed)
    return { b: body, c: this.cert, s: ed25519.sign(bytes, this.deviceSeed) }
  }

  // `after`: the entry that this one follows.
  entry (tag, after, text) {
    const now = BigInt(Date.now()) << 16n
    const h = after.clock + 1n > now ? after.clock + 1n : now
    const header = encode({ g: tag, h, n: ++this.seq, p: [[after.clock, after.id]] })
    return this.seal(ENTRY_DOMAIN, concat(header, encode({ k: 'text', x: text })), splitEntry)
  }

  presence (room, name) {
    this.said = Math.max(Date.now(), this.said + 1)
    const presence = { r: room, n: name, l: '', u: this.said, t: this.said, a: 'here' }
    return this.seal(PRESENCE_DOMAIN, encode(presence), splitPresence)
  }
}

export const messageId = (topic, data) => blake3(concat(utf8.encode(topic), data)).slice(0, 20)
