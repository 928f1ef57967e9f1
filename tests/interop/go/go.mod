module tidegate/interop

go 1.23

require github.com/influxdata/influxdb-client-go/v2 v2.14.0
