// The v2 JavaScript client: gzip above a kilobyte, a batch with a bad line, bad credentials.
import assert from 'node:assert'
import {InfluxDB, Point} from '@influxdata/influxdb-client'

const url = process.env.TIDEGATE_URL
const token = process.env.TIDEGATE_TOKEN
const once = {maxRetries: 0}

const write = new InfluxDB({url, token}).getWriteApi('any', 'node', 'ms', {batchSize: 2000, ...once})
for (let host = 0; host < 10; host++) {
  for (let n = 0; n < 100; n++) {
    write.writePoint(new Point('m').tag('host', String(host)).floatField('v', n / 2).timestamp(n))
  }
}
await write.close()

// The client logs a failure and tells it to these options only.
const failure = (token, line) =>
  new Promise((resolve) => {
    const options = {...once, writeFailed: resolve, writeSuccess: () => resolve(undefined)}
    const api = new InfluxDB({url, token}).getWriteApi('any', 'node', 'ms', options)
    api.writeRecords(['good v=1 1', line])
    api.close().catch(() => undefined)
  })
const bad = await failure(token, 'm,host=0 v="text" 1')
assert.equal(bad?.statusCode, 400)
assert.match(bad.message, /line 2 .*field "v" of "m" is float, got string/s)
const refused = await failure('wrong', 'm v=1 1')
assert.equal(refused?.statusCode, 401)
