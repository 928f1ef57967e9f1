// The v1 JavaScript client asks: its readings of rows, groups, times and names, and its errors, none of
// which may make it drop its only host.
import assert from 'node:assert'
import Influx from 'influx'

const url = new URL(process.env.TIDEGATE_URL)
const database = 'influxql-node'
const client = (password) =>
  new Influx.InfluxDB({host: url.hostname, port: Number(url.port), username: 'anyone', password, database})

const influx = client(process.env.TIDEGATE_TOKEN)
const [host] = await influx.ping(5000)
assert.ok(host.online, 'ping')
await influx.createDatabase(database)
const points = Array.from({length: 10}, (_, n) => ({
  measurement: 'm',
  tags: {host: `h${n % 2}`},
  fields: {f: n + 0.5, s: `say "${n}"`},
  timestamp: new Date(1700000000000 + n * 1000),
}))
await influx.writePoints(points, {precision: 'ms'})

const rows = await influx.query(`SELECT * FROM m WHERE host = ${Influx.escape.stringLit('h1')}`)
assert.equal(rows.length, 5)
assert.equal(rows[0].f, 1.5)
assert.equal(rows[0].host, 'h1')
assert.equal(rows[0].s, 'say "1"')
assert.equal(rows[0].time.getTime(), 1700000001000)
const exact = await influx.query('SELECT f FROM m LIMIT 1', {precision: 'n'})
assert.equal(exact[0].time.getNanoTime(), '1700000000000000000')
const groups = await influx.query('SELECT mean(f) FROM m GROUP BY host')
assert.deepEqual(groups.group({host: 'h0'}).map((row) => row.mean), [4.5])
assert.deepEqual(groups.groups().map((group) => group.tags.host), ['h0', 'h1'])
const [counted, last] = await influx.query(['SELECT count(f) FROM m', 'SELECT last(s) FROM m'])
assert.deepEqual([counted[0].count, last[0].last], [10, 'say "9"'])
const bound = await influx.query('SELECT f FROM m WHERE f > $least', {placeholders: {least: 8}})
assert.deepEqual(bound.map((row) => row.f), [8.5, 9.5])
assert.ok((await influx.getDatabaseNames()).includes(database))
assert.deepEqual(await influx.getMeasurements(), ['m'])
assert.deepEqual(await influx.getSeries(), ['m,host=h0', 'm,host=h1'])
await influx.createRetentionPolicy('week', {database, duration: '7d', replication: 1})
assert.deepEqual((await influx.showRetentionPolicies(database)).map((policy) => policy.name).sort(), ['autogen', 'week'])
await influx.dropRetentionPolicy('week', database)
assert.equal((await influx.query('SELECT f FROM nothing')).length, 0)

for (const [text, part] of [
  ['SELECT FROM m', /found FROM, expected identifier/],
  ['SELECT mean(f), f FROM m', /mixing aggregate and non-aggregate/],
  ['SELECT f FROM nowhere..m', /database not found: nowhere/],
]) {
  await assert.rejects(influx.query(text), part)
}
if (process.env.TIDEGATE_TOKEN) {
  await assert.rejects(client('wrong').query('SHOW DATABASES'), (error) => error.res.statusCode === 401)
}
assert.equal((await influx.query('SELECT f FROM m')).length, 10)
console.log('node-influx: rows, groups, times, placeholders, names, policies, errors')
