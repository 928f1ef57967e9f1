module tidegate/interop-query

go 1.25.0

require github.com/InfluxCommunity/influxdb3-go/v2 v2.17.0
