// The v3 Go client, by the steps of its README: from the environment, which names no organization,
// then with one; points and annotated structs; rejected lines, as both of its endpoints tell them.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/InfluxCommunity/influxdb3-go/v2/influxdb3"
)

const database = "go-v3"

type reading struct {
	Measurement string    `lp:"measurement"`
	Host        string    `lp:"tag,host"`
	V           float64   `lp:"field,v"`
	Count       int       `lp:"field,count"`
	Time        time.Time `lp:"timestamp"`
	Description string    `lp:"-"`
}

func main() {
	url, token := os.Getenv("TIDEGATE_URL"), os.Getenv("TIDEGATE_TOKEN")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	withoutOrganization(ctx, url, token)

	client := connect(influxdb3.New(influxdb3.ClientConfig{
		Host: url + "/", Token: token, Database: database, Organization: "any",
	}))
	defer client.Close()
	for host := range 10 {
		var points []*influxdb3.Point
		var readings []any
		for n := range 50 {
			tags := map[string]string{"host": fmt.Sprint(host)}
			fields := map[string]any{"v": float64(n) / 2, "count": n}
			points = append(points, influxdb3.NewPoint("m", tags, fields, time.Unix(int64(n), 0)))
			readings = append(readings, reading{
				"m", fmt.Sprint(host), float64(n) / 2, n, time.Unix(int64(50+n), 0), "not sent",
			})
		}
		must(client.WritePoints(ctx, points))
		must(client.WriteData(ctx, readings))
	}
	told(client.Write(ctx, []byte("good v=1 1\nm,host=0 v=\"text\" 1")), http.StatusBadRequest,
		"1 of 2 lines written", "line 2", `field "v" of "m" is float, got string`)
	rejectedByV3(ctx, url, token)

	wrong := connect(influxdb3.New(influxdb3.ClientConfig{
		Host: url, Token: "wrong", Database: database, Organization: "any",
	}))
	defer wrong.Close()
	told(wrong.Write(ctx, []byte("m v=1")), http.StatusUnauthorized, "unauthorized")
}

// The README's environment has no organization: the client sends an empty one. The refusal names
// what sets it, and setting that is enough.
func withoutOrganization(ctx context.Context, url, token string) {
	for name, value := range map[string]string{
		"INFLUX_HOST": url + "/", "INFLUX_TOKEN": token, "INFLUX_DATABASE": database,
	} {
		must(os.Setenv(name, value))
	}
	line := []byte("stat,location=Paris temperature=23.5,humidity=45i")
	without := connect(influxdb3.NewFromEnv())
	defer without.Close()
	told(without.Write(ctx, line), http.StatusBadRequest,
		"server.allow_empty_org", "influxdb3-go: Organization", "INFLUX_ORG")
	must(os.Setenv("INFLUX_ORG", "any"))
	with := connect(influxdb3.NewFromEnv())
	defer with.Close()
	must(with.Write(ctx, line))
}

// The README's example of a partial write: to the v3 endpoint, which takes an empty organization.
func rejectedByV3(ctx context.Context, url, token string) {
	for _, partial := range []bool{true, false} {
		client := connect(influxdb3.New(influxdb3.ClientConfig{
			Host: url, Token: token, Database: database,
			WriteOptions: &influxdb3.WriteOptions{UseV2Api: false, AcceptPartial: partial},
		}))
		defer client.Close()
		err := client.Write(ctx, []byte("home,room=Sunroom temp=96 1735545600\n"+
			"home,room=Sunroom temp=\"hi\" 1735549200"))
		var rejected *influxdb3.PartialWriteError
		if !errors.As(err, &rejected) || len(rejected.LineErrors) != 1 {
			log.Fatalf("accept_partial=%t: %v (%T)", partial, err, err)
		}
		line := rejected.LineErrors[0]
		if line.LineNumber != 2 || !strings.Contains(line.ErrorMessage, "is float, got string") {
			log.Fatalf("accept_partial=%t: %+v", partial, line)
		}
	}
}

func connect(client *influxdb3.Client, err error) *influxdb3.Client {
	must(err)
	return client
}

// The error is the server's, with this status and all of these texts.
func told(err error, status int, texts ...string) {
	var server *influxdb3.ServerError
	if !errors.As(err, &server) || server.StatusCode != status {
		log.Fatalf("expected %d, got %v (%T)", status, err, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			log.Fatalf("%q is not told by: %v", text, err)
		}
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
