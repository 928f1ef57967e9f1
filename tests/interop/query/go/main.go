// The v3 Go client: what it writes it gets back, as rows and as points.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/InfluxCommunity/influxdb3-go/v2/influxdb3"
)

const (
	// This client writes the end of a line as a backslash and an n.
	text  = "say \"hi\", Ünï 🌊 next; it's \\ here"
	first = int64(1_700_000_000_123_456_789)
	all   = "SELECT * FROM every ORDER BY time"
)

var ctx = context.Background()

func same(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		log.Panicf("found %#v, expected %#v", found, expected)
	}
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func fails(told string, err error) {
	if told == "" {
		log.Panic("an empty text is in every error")
	}
	if err == nil || !strings.Contains(err.Error(), told) {
		log.Panicf("not %q but %v", told, err)
	}
}

func client(config influxdb3.ClientConfig) *influxdb3.Client {
	client, err := influxdb3.New(config)
	check(err)
	return client
}

// What an answer fails with: at once, or while it is read.
func ask(client *influxdb3.Client, text string, options ...influxdb3.Option) error {
	rows, err := client.Query(ctx, text, options...)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Err()
}

func main() {
	url, token := os.Getenv("TIDEGATE_URL"), os.Getenv("TIDEGATE_TOKEN")
	v3 := client(influxdb3.ClientConfig{Host: url, Token: token, Organization: "any", Database: "go-v3"})
	defer v3.Close()
	at := func(n int64) time.Time { return time.Unix(0, first+n).UTC() }
	check(v3.WritePoints(ctx, []*influxdb3.Point{
		influxdb3.NewPointWithMeasurement("every").SetTag("host", "a b").SetTag("zone", "é,=").
			SetField("b", true).SetField("f", -1.5).SetField("i", int64(math.MinInt64)).
			SetField("s", text).SetField("u", uint64(math.MaxUint64)).SetTimestamp(at(0)),
		influxdb3.NewPointWithMeasurement("every").SetTag("host", "a b").
			SetField("b", false).SetField("f", 5e-324).SetField("i", int64(math.MaxInt64)).
			SetField("s", "").SetField("u", uint64(0)).SetTimestamp(at(1)),
		influxdb3.NewPointWithMeasurement("every").SetField("f", math.MaxFloat64).SetTimestamp(at(2)),
	}))

	rows, err := v3.Query(ctx, all)
	check(err)
	expected := []map[string]any{
		{"b": true, "f": -1.5, "host": "a b", "i": int64(math.MinInt64), "s": text, "time": at(0),
			"u": uint64(math.MaxUint64), "zone": "é,="},
		{"b": false, "f": 5e-324, "host": "a b", "i": int64(math.MaxInt64), "s": "", "time": at(1),
			"u": uint64(0), "zone": nil},
		{"b": nil, "f": math.MaxFloat64, "host": nil, "i": nil, "s": nil, "time": at(2), "u": nil, "zone": nil},
	}
	for _, row := range expected {
		if !rows.Next() {
			log.Panic("a row is missing: ", rows.Err())
		}
		same(rows.Value(), row)
	}
	same(rows.Next(), false)
	check(rows.Err())

	// Points: which column is what is known from the metadata of the columns.
	points, err := v3.QueryPointValue(ctx, all)
	check(err)
	point, err := points.Next()
	check(err)
	host, _ := point.GetTag("host")
	same(host, "a b")
	same(*point.GetIntegerField("i"), int64(math.MinInt64))
	same(*point.GetUIntegerField("u"), uint64(math.MaxUint64))
	same(*point.GetDoubleField("f"), -1.5)
	same(*point.GetBooleanField("b"), true)
	same(*point.GetStringField("s"), text)
	same(point.GetField("host"), nil)
	same(point.Timestamp.UTC(), at(0))

	for name, value := range map[string]any{"i": int64(math.MinInt64), "u": uint64(math.MaxUint64), "f": 5e-324,
		"b": false, "s": text, "zone": "é,="} {
		rows, err := v3.QueryWithParameters(ctx, "SELECT count(*) AS n FROM every WHERE "+name+" = $value",
			influxdb3.QueryParameters{"value": value})
		check(err)
		same(rows.Next(), true)
		same(rows.Value()["n"], int64(1))
	}

	fails("nothing", ask(v3, "SELECT * FROM nothing"))
	fails("SELEC", ask(v3, "SELEC 1"))
	check(ask(v3, `SELECT f FROM "every"`, influxdb3.WithQueryType(influxdb3.InfluxQL)))
	fails("error parsing query", ask(v3, "SELECT f FROM every", influxdb3.WithQueryType(influxdb3.InfluxQL)))
	fails("database not found", ask(v3, "SELECT 1", influxdb3.WithDatabase("missing")))
	for who, code := range map[string]string{"wrong": "Unauthenticated", os.Getenv("TIDEGATE_WRITER"): "PermissionDenied",
		os.Getenv("TIDEGATE_READER"): "PermissionDenied"} {
		fails(code, ask(client(influxdb3.ClientConfig{Host: url, Token: who, Database: "go-v3"}), all))
	}
	hours := "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	_, err = v3.Query(short, hours)
	cancel()
	fails("DeadlineExceeded", err)
	check(ask(v3, all))

	if secure := os.Getenv("TIDEGATE_TLS_URL"); secure != "" {
		config := influxdb3.ClientConfig{Host: secure, Token: token, Database: "tls"}
		fails("certificate", ask(client(config), "SELECT f FROM m"))
		config.SSLRootsFilePath = os.Getenv("TIDEGATE_TLS_CA")
		check(ask(client(config), "SELECT f FROM m"))
	}
	fmt.Println("influxdb3-go: rows, points, parameters, errors, deadline")
}
