// The v2 Go client: batches with gzip, then a batch with a bad line, then bad credentials.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api/http"
	"github.com/influxdata/influxdb-client-go/v2/api/write"
)

func main() {
	url, token := os.Getenv("TIDEGATE_URL"), os.Getenv("TIDEGATE_TOKEN")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	options := influxdb2.DefaultOptions().SetUseGZip(true).SetPrecision(time.Second)
	client := influxdb2.NewClientWithOptions(url, token, options)
	defer client.Close()
	if up, err := client.Ping(ctx); !up || err != nil {
		log.Fatal("ping: ", up, err)
	}
	api := client.WriteAPIBlocking("any", "go")
	for host := range 10 {
		var points []*write.Point
		for n := range int64(100) {
			tags := map[string]string{"host": fmt.Sprint(host)}
			fields := map[string]any{"v": float64(n) / 2, "count": n, "text": `say "hi"`}
			points = append(points, influxdb2.NewPoint("m", tags, fields, time.Unix(n, 0)))
		}
		if err := api.WritePoint(ctx, points...); err != nil {
			log.Fatal(err)
		}
	}
	// The client's "partial write" is an error only if the answer is read as JSON.
	err := api.WriteRecord(ctx, "m,host=0 v=\"text\" 1")
	var refused *http.Error
	if err == nil || !strings.Contains(err.Error(), `field "v" of "m" is float, got string`) {
		log.Fatalf("a bad line was not told: %v (%T)", err, refused)
	}
	wrong := influxdb2.NewClient(url, "wrong")
	defer wrong.Close()
	if err := wrong.WriteAPIBlocking("any", "go").WriteRecord(ctx, "m v=1"); err == nil {
		log.Fatal("a wrong token was accepted")
	}
}
