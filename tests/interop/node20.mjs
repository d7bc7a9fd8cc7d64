// What js-libp2p takes from Node 22, for Node 20, which many systems still carry.

Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((...functions) => { [resolve, reject] = functions })
  return { promise, resolve, reject }
}
