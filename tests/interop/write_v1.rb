# The v1 Ruby client, by the steps of its README: its database, batches of points. What cannot be
# done is raised, and the next write is written.
require 'influxdb'
require 'uri'

URL = URI(ENV.fetch('TIDEGATE_URL'))
TOKEN = ENV.fetch('TIDEGATE_TOKEN')

def client(token, options = {})
  InfluxDB::Client.new('ruby', host: URL.host, port: URL.port, username: 'anyone', password: token,
                               time_precision: 's', retry: 0, **options)
end

# The block has to raise `kind` with this text.
def raises(kind, text)
  yield
rescue kind => e
  raise "told otherwise: #{e.message}" unless e.message.include?(text)
else
  raise "not told: #{text}"
end

influxdb = client(TOKEN)
raise 'ping' unless influxdb.ping.is_a?(Net::HTTPNoContent)

influxdb.create_database('ruby')
raise 'not listed' unless influxdb.list_databases.include?('name' => 'ruby')

raises(InfluxDB::QueryError, 'DEFAULT is not supported') do
  influxdb.create_retention_policy('one_day_only', 'ruby', '1d', 1, true)
end
raises(InfluxDB::QueryError, 'is not supported') { influxdb.query('drop measurement m') }

# Half of them with the token in the query string, as by default, half with it in a header.
[influxdb, client(TOKEN, auth_method: 'basic_auth')].each_with_index do |writer, half|
  5.times do |host|
    points = Array.new(100) do |n|
      { series: 'm', tags: { host: 5 * half + host },
        values: { v: n * 0.5, count: n, text: 'say "hi"' }, timestamp: n }
    end
    writer.write_points(points)
  end
end

counted = influxdb.query('select count(v) from m')
raise "not all are there: #{counted}" unless counted.first['values'].first['count'] == 1000

raises(InfluxDB::Error, 'field \"v\" of \"m\" is float, got string') do
  influxdb.write_points([{ series: 'good', values: { v: 1.0 }, timestamp: 1 },
                         { series: 'm', tags: { host: 0 }, values: { v: 'text' }, timestamp: 1 }])
end
raises(InfluxDB::AuthenticationError, 'unauthorized') do
  client('wrong').write_point('m', values: { v: 1.0 })
end
