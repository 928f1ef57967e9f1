// Go's own HTTP client, over HTTP/1.1 and HTTP/2, against refusals; see tests/scripts/refusals.sh.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// A write, and the status with which it is refused.
type refusal struct {
	status int
	token  string
	length int
	path   string
}

// A body that notes when something of it was last taken.
type body struct {
	reader *bytes.Reader
	taken  atomic.Int64
}

func (body *body) Read(into []byte) (int, error) {
	n, err := body.reader.Read(into)
	if n > 0 {
		body.taken.Store(time.Now().UnixNano())
	}
	return n, err
}

func main() {
	tries, patience := number("TIDEGATE_TRIES"), time.Duration(number("TIDEGATE_SECONDS_MAX"))*time.Second
	data, trusted := read("TIDEGATE_BODY"), x509.NewCertPool()
	trusted.AppendCertsFromPEM(read("TIDEGATE_CA"))
	cases := bufio.NewScanner(os.Stdin)
	for cases.Scan() {
		var wanted refusal
		if _, err := fmt.Sscan(cases.Text(), &wanted.status, &wanted.token, &wanted.length, &wanted.path); err != nil {
			log.Fatal(err)
		}
		for version := 1; version <= 2; version++ {
			client := newClient(version, trusted, patience)
			wanted.meet(client, version, tries, data[:wanted.length])
			client.CloseIdleConnections()
		}
	}
}

func number(variable string) int {
	value, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func read(variable string) []byte {
	data, err := os.ReadFile(os.Getenv(variable))
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func newClient(version int, trusted *x509.CertPool, patience time.Duration) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: version == 2}
	if version == 1 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return &http.Client{Transport: transport, Timeout: patience}
}

// Prints a line: the protocol, the status, the length, how many answers were read, and the longest
// time from the last byte sent, in milliseconds; then the first error.
func (wanted refusal) meet(client *http.Client, version, tries int, data []byte) {
	read, latest, first := 0, int64(0), ""
	for try := range tries {
		late, err := wanted.once(client, version, data, try%2 == 0)
		latest = max(latest, late)
		if err == nil {
			read++
		} else if first == "" {
			first = err.Error()
		}
	}
	fmt.Printf("h%d %d %d %d %d %s\n", version, wanted.status, wanted.length, read, latest, first)
}

func (wanted refusal) once(client *http.Client, version int, data []byte, announced bool) (int64, error) {
	body := &body{reader: bytes.NewReader(data)}
	request, err := http.NewRequest("POST", os.Getenv("TIDEGATE_URL")+wanted.path, body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Token "+wanted.token)
	if announced {
		request.ContentLength = int64(len(data))
	}
	body.taken.Store(time.Now().UnixNano())
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	late := (time.Now().UnixNano() - body.taken.Load()) / int64(time.Millisecond)
	told := struct{ Code, Message string }{}
	if err != nil {
		return late, err
	} else if err = json.Unmarshal(answer, &told); err != nil {
		return late, err
	} else if response.StatusCode != wanted.status || response.ProtoMajor != version || told.Message == "" {
		return late, fmt.Errorf("%s %s %s", response.Proto, response.Status, answer)
	}
	return late, nil
}
