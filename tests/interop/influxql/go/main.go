// The v1 Go client asks: answers, chunks, parameters, and errors as its users see them.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	client "github.com/influxdata/influxdb1-client/v2"
)

const database = "influxql-go"

func connect(token string) client.Client {
	c, err := client.NewHTTPClient(client.HTTPConfig{
		Addr: os.Getenv("TIDEGATE_URL"), Username: "anyone", Password: token, Timeout: time.Minute})
	check(err)
	return c
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Fails unless the two are printed alike.
func same(what string, found, wanted any) {
	one, other := fmt.Sprint(found), fmt.Sprint(wanted)
	if one != other {
		log.Fatalf("%s: %s instead of %s", what, one, other)
	}
}

func ask(c client.Client, text, precision string) []client.Result {
	answer, err := c.Query(client.NewQuery(text, database, precision))
	check(err)
	check(answer.Error())
	return answer.Results
}

func write(c client.Client) {
	points, err := client.NewBatchPoints(client.BatchPointsConfig{Database: database, Precision: "ns"})
	check(err)
	for n := range 10 {
		fields := map[string]any{"f": float64(n) + 0.5, "i": n, "s": fmt.Sprintf(`say "%d"`, n)}
		tags := map[string]string{"host": fmt.Sprintf("h%d", n%2)}
		point, err := client.NewPoint("m", tags, fields, time.Unix(1_700_000_000+int64(n), 5))
		check(err)
		points.AddPoint(point)
	}
	check(c.Write(points))
}

func chunks(c client.Client) {
	question := client.NewQuery("SELECT f FROM m", database, "ns")
	question.Chunked, question.ChunkSize = true, 3
	whole, err := c.QueryAsChunk(question)
	check(err)
	defer whole.Close()
	rows := 0
	for {
		part, err := whole.NextResponse()
		if err != nil {
			break
		}
		check(part.Error())
		for _, result := range part.Results {
			for _, series := range result.Series {
				rows += len(series.Values)
			}
		}
	}
	same("rows in chunks", rows, 10)
	answer, err := c.Query(question)
	check(err)
	same("series of an answer in chunks", len(answer.Results[0].Series) > 0, true)
}

func errors(c client.Client) {
	for text, part := range map[string]string{
		"SELECT FROM m":              "found FROM, expected identifier",
		"SELECT mean(f), f FROM m":   "mixing aggregate and non-aggregate",
		"SELECT f FROM nowhere..m":   "database not found: nowhere",
		"SELECT f FROM m WHERE f > ": "found EOF, expected",
	} {
		answer, err := c.Query(client.NewQuery(text, database, ""))
		if err == nil {
			err = answer.Error()
		}
		if err == nil || !strings.Contains(err.Error(), part) {
			log.Fatalf("%s: %v", text, err)
		}
	}
	if os.Getenv("TIDEGATE_TOKEN") == "" {
		return
	}
	answer, err := connect("wrong").Query(client.NewQuery("SHOW DATABASES", "", ""))
	if err == nil && answer.Error() == nil {
		log.Fatal("a wrong token was accepted")
	}
}

func main() {
	c := connect(os.Getenv("TIDEGATE_TOKEN"))
	_, version, err := c.Ping(time.Minute)
	check(err)
	same("a version", version != "", true)
	ask(c, fmt.Sprintf("CREATE DATABASE %q", database), "")
	write(c)
	first := ask(c, "SELECT f, i, s FROM m LIMIT 1", "ns")[0].Series[0]
	same("columns", first.Columns, []string{"time", "f", "i", "s"})
	same("a row", first.Values[0], []any{json.Number("1700000000000000005"), 0.5, 0, `say "0"`})
	groups := ask(c, "SELECT mean(f) FROM m GROUP BY host", "s")[0].Series
	same("groups", []any{len(groups), groups[1].Tags, groups[1].Values}, "[2 map[host:h1] [[0 5.5]]]")
	same("results", len(ask(c, "SELECT count(f) FROM m; SHOW TAG KEYS; SHOW DATABASES", "")), 3)
	chunks(c)
	bound := client.NewQueryWithParameters("SELECT f FROM m WHERE host = $host AND f > $least", database, "s",
		map[string]any{"host": "h0", "least": 7.5})
	answer, err := c.Query(bound)
	check(err)
	check(answer.Error())
	same("a bound question", answer.Results[0].Series[0].Values, "[[1700000008 8.5]]")
	errors(c)
	fmt.Println("influxdb1-client: rows, groups, chunks, parameters, errors")
}
