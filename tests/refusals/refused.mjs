// Node's own clients, node:https and node:http2, against refusals; see tests/scripts/refusals.sh.
//
// h2 sends a body in pieces, as from a file; h2-buffer at once. Of a body that is sent at once
// node:http2 takes in no answer while more of it than `maxSessionMemory` (10 MB) is not sent: it
// resets the stream with ENHANCE_YOUR_CALM or INTERNAL_ERROR, whatever the server. So here it has
// more.
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import {createInterface} from 'node:readline'
import {Readable} from 'node:stream'

const url = process.env.TIDEGATE_URL
const tries = Number(process.env.TIDEGATE_TRIES)
const ca = readFileSync(process.env.TIDEGATE_CA)
const data = readFileSync(process.env.TIDEGATE_BODY)
const pieceBytes = 65536
const maxSessionMemory = 100
const answerMs = 1000 * Number(process.env.TIDEGATE_SECONDS_MAX)

function* pieces(body) {
  for (let start = 0; start < body.length; start += pieceBytes) {
    yield body.subarray(start, start + pieceBytes)
  }
}

async function textOf(stream) {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

// Sends the body, and waits for the status and the text that `read` brings.
async function exchange(request, body, inPieces, read) {
  let sent
  let timer
  request.on('finish', () => (sent = performance.now()))
  const failed = new Promise((_, reject) => {
    request.on('error', reject)
    timer = setTimeout(() => reject(new Error(`no answer within ${answerMs} ms`)), answerMs)
  })
  if (inPieces) Readable.from(pieces(body), {objectMode: false}).pipe(request)
  else request.end(body)
  try {
    const answer = await Promise.race([read(), failed])
    const late = sent === undefined ? 0 : performance.now() - sent
    // The answer may come before everything is sent.
    if (!request.destroyed) await Promise.race([once(request, 'close'), failed])
    return {...answer, late}
  } finally {
    clearTimeout(timer)
  }
}

function overHttp1() {
  const agent = new https.Agent({keepAlive: true, ca})
  return {
    post(path, headers, body) {
      const request = https.request(url + path, {method: 'POST', headers, agent})
      return exchange(request, body, false, async () => {
        const [answer] = await once(request, 'response')
        return {status: answer.statusCode, text: await textOf(answer)}
      })
    },
    close: () => agent.destroy(),
  }
}

function overHttp2(inPieces) {
  const open = () => http2.connect(url, inPieces ? {ca} : {ca, maxSessionMemory}).on('error', () => undefined)
  let session = open()
  return {
    post(path, headers, body) {
      if (session.closed || session.destroyed) session = open()
      const request = session.request({':method': 'POST', ':path': path, ...headers})
      let status
      request.on('response', (head) => (status = head[':status']))
      return exchange(request, body, inPieces, async () => ({text: await textOf(request), status}))
    },
    close: () => session.destroy(),
  }
}

const protocols = {
  h1: overHttp1,
  h2: () => overHttp2(true),
  'h2-buffer': () => overHttp2(false),
}

// Prints a line: the protocol, the status, the length, how many answers were read, and the longest
// time from the last byte sent, in milliseconds; then the first error.
async function meet(protocol, status, token, length, path) {
  const client = protocols[protocol]()
  let read = 0
  let latest = 0
  let first = ''
  for (let trial = 0; trial < tries; trial++) {
    const headers = {authorization: `Token ${token}`}
    if (trial % 2 === 0) headers['content-length'] = length
    try {
      const answer = await client.post(path, headers, data.subarray(0, length))
      latest = Math.max(latest, answer.late)
      if (answer.status !== status || !JSON.parse(answer.text).message) {
        throw new Error(`${answer.status} ${answer.text}`)
      }
      read++
    } catch (error) {
      first ||= `${error.code ?? ''} ${error.message}`
    }
  }
  client.close()
  console.log(protocol, status, length, read, Math.ceil(latest), first)
}

for await (const line of createInterface({input: process.stdin})) {
  const [status, token, length, path] = line.split(' ')
  for (const protocol of Object.keys(protocols)) {
    await meet(protocol, Number(status), token, Number(length), path)
  }
}
