// The v3 JavaScript client: what it writes it gets back, as rows and as points.
import assert from 'node:assert'
import {InfluxDBClient, Point} from '@influxdata/influxdb3-client'

const host = process.env.TIDEGATE_URL
const token = process.env.TIDEGATE_TOKEN
const TEXT = 'say "hi", Ünï 🌊\nnext; it\'s \\ here'
const FIRST = 1_700_000_000_123_456_789n
const ALL = 'SELECT * FROM every ORDER BY time'

const rows = async (client, text, database = 'js-v3', options = {}) => {
  const found = []
  for await (const row of client.query(text, database, options)) found.push(row)
  return found
}
const fails = async (told, client, ...asked) => {
  try {
    await rows(client, ...asked)
  } catch (error) {
    assert.match(String(error), told)
    return
  }
  assert.fail(`it did not fail: ${told}`)
}

const client = new InfluxDBClient({host, token, database: 'js-v3'})
await client.write(
  [
    Point.measurement('every').setTag('host', 'a b').setTag('zone', 'é,=').setBooleanField('b', true)
      .setFloatField('f', -1.5).setIntegerField('i', -5).setStringField('s', TEXT)
      .setUintegerField('u', 5).setTimestamp(String(FIRST)),
    Point.measurement('every').setTag('host', 'a b').setBooleanField('b', false).setFloatField('f', 5e-324)
      .setIntegerField('i', 2 ** 40).setStringField('s', '').setUintegerField('u', 0)
      .setTimestamp(String(FIRST + 1n)),
    Point.measurement('every').setFloatField('f', Number.MAX_VALUE).setTimestamp(String(FIRST + 2n)),
  ],
  'js-v3'
)
// Its points hold no integers of 64 bits.
await client.write(
  `every,host=a\\ b,zone=é\\,\\= i=-9223372036854775808i,u=18446744073709551615u ${FIRST}\n` +
    `every,host=a\\ b i=9223372036854775807i ${FIRST + 1n}`,
  'js-v3'
)

// This client makes plain numbers of 64 bits where they fit, and of times the milliseconds.
const found = await rows(client, ALL)
assert.equal(found.length, 3)
for (const [row, of, f, i, s, u, zone] of [
  [0, true, -1.5, -(2n ** 63n), TEXT, 2n ** 64n - 1n, 'é,='],
  [1, false, 5e-324, 2n ** 63n - 1n, '', 0n, null],
]) {
  const {b, host, ...rest} = found[row]
  assert.deepEqual([b, host, rest.f, rest.s, rest.zone], [of, 'a b', f, s, zone])
  assert.equal(Number(rest.i), Number(i))
  assert.equal(Number(rest.u), Number(u))
}
const {f, time, ...missing} = found[2]
assert.equal(f, Number.MAX_VALUE)
assert.equal(Math.trunc(Number(time) / 1000), 1_700_000_000)
for (const [name, value] of Object.entries(missing)) assert.equal(value ?? null, null, name)
// Exact where the text of a number is asked for, which is no view of a string.
const exact = await rows(
  client,
  'SELECT CAST(i AS VARCHAR) AS i, CAST(u AS VARCHAR) AS u, CAST(CAST(time AS BIGINT) AS VARCHAR) AS t FROM every ORDER BY time LIMIT 1'
)
assert.deepEqual({...exact[0]}, {i: '-9223372036854775808', u: '18446744073709551615', t: String(FIRST)})

assert.deepEqual(await rows(client, 'SELECT * FROM every WHERE f = 7'), [])
// Its points throw at the least integer.
const points = []
const few = 'SELECT b, f, host, s, time, zone FROM every ORDER BY time'
for await (const point of client.queryPoints(few, 'js-v3')) points.push(point)
assert.equal(points.length, 3)
assert.equal(points[0].getTag('host'), 'a b')
assert.equal(points[0].getFloatField('f'), -1.5)
assert.equal(points[0].getStringField('s'), TEXT)
assert.equal(points[0].getBooleanField('b'), true)
assert.equal(points[2].getTag('host') ?? null, null)
for (const [name, value] of [['f', -1.5], ['b', true], ['s', TEXT], ['zone', 'é,=']]) {
  const counted = await rows(client, `SELECT count(*) AS n FROM every WHERE ${name} = $value`, 'js-v3', {
    params: {value},
  })
  assert.equal(Number(counted[0].n), 1, name)
}

await fails(/nothing/, client, 'SELECT * FROM nothing')
await fails(/SELEC/, client, 'SELEC 1')
assert.equal((await rows(client, 'SELECT f FROM "every"', 'js-v3', {type: 'influxql'})).length, 3)
await fails(/error parsing query/, client, 'SELECT f FROM every', 'js-v3', {type: 'influxql'})
await fails(/database not found/, client, 'SELECT 1', 'missing')
for (const [who, told] of [
  ['wrong', /unauth/i],
  [process.env.TIDEGATE_WRITER, /insufficient permissions/],
  [process.env.TIDEGATE_READER, /insufficient permissions/],
]) {
  const other = new InfluxDBClient({host, token: who})
  await fails(told, other, ALL)
  await other.close()
}
// A call whose reader goes away in the middle, and the next one.
for await (const row of client.query('SELECT a.value FROM generate_series(1, 1000000) a', 'js-v3')) {
  assert.equal(Number(row.value), 1)
  break
}
assert.equal((await rows(client, ALL)).length, 3)
const hurried = new InfluxDBClient({host, token, queryTimeout: 300})
await fails(
  /deadline/i,
  hurried,
  'SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b'
)
await hurried.close()
await client.close()
// It trusts the authority that GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names.
if (process.env.TIDEGATE_TLS_URL) {
  const secure = new InfluxDBClient({host: process.env.TIDEGATE_TLS_URL, token})
  assert.deepEqual((await rows(secure, 'SELECT f FROM m', 'tls')).map((row) => row.f), [1])
  await secure.close()
}
console.log('influxdb3-js: rows, points, parameters, errors, a reader that leaves, deadline')
