// The v1 JavaScript client, by the steps of its tutorial: a schema, its database, points. What is
// not supported is an error of that query alone: the client must not drop its only host for it.
import assert from 'node:assert'
import Influx from 'influx'

const url = new URL(process.env.TIDEGATE_URL)
const client = (password) =>
  new Influx.InfluxDB({
    host: url.hostname,
    port: Number(url.port),
    username: 'anyone',
    password,
    database: 'node-v1',
    schema: [
      {
        measurement: 'm',
        fields: {v: Influx.FieldType.FLOAT, count: Influx.FieldType.INTEGER, text: Influx.FieldType.STRING},
        tags: ['host'],
      },
    ],
  })

const influx = client(process.env.TIDEGATE_TOKEN)
const [host] = await influx.ping(5000)
assert.ok(host.online, 'ping')
await influx.getDatabaseNames().then((names) => {
  if (!names.includes('node-v1')) {
    return influx.createDatabase('node-v1')
  }
})
assert.ok((await influx.getDatabaseNames()).includes('node-v1'))

const unsupported = [
  () => influx.dropMeasurement('other', 'node-v1'),
  () => influx.createUser('other', 'secret'),
]
for (let host = 0; host < 10; host++) {
  await assert.rejects(unsupported[host % unsupported.length](), /is not supported/)
  const points = Array.from({length: 100}, (_, n) => ({
    measurement: 'm',
    tags: {host: String(host)},
    fields: {v: n / 2, count: n, text: 'say "hi"'},
    timestamp: new Date(n * 1000),
  }))
  await influx.writePoints(points, {precision: 's'})
}

const bad = [
  {measurement: 'good', fields: {v: 1}, timestamp: 1},
  {measurement: 'm2', fields: {v: 1}, timestamp: 1},
  {measurement: 'm2', fields: {v: 'text'}, timestamp: 2},
]
await assert.rejects(influx.writePoints(bad), (error) => {
  assert.equal(error.res.statusCode, 400)
  return /line 3 .*is float, got string/.test(error.message)
})
await assert.rejects(client('wrong').writePoints(bad), (error) => error.res.statusCode === 401)
