// Command trickle-peer is go-livepeer's own trickle, as a server, a publisher or a subscriber on the loopback
// interface, for tests that drive it from outside.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/livepeer/go-livepeer/trickle"
)

func main() {
	if len(os.Args) < 2 {
		fail(errors.New("usage: trickle-peer server [tls | sweeping] | publish URL SEGMENT… | subscribe URL COUNT"))
	}
	switch os.Args[1] {
	case "server":
		serve(strings.Join(os.Args[2:], " "))
	case "publish":
		publish(os.Args[2], os.Args[3:])
	case "subscribe":
		count, err := strconv.Atoi(os.Args[3])
		fail(err)
		subscribe(os.Args[2], count)
	}
}

// serve prints its base URL and runs until standard input ends. With "tls" it serves as orchestrators do: TLS, HTTP/2 for
// who wants it, and a certificate of its own making. With "sweeping" it closes idle channels 400 times as fast as usual.
func serve(how string) {
	mux := http.NewServeMux()
	config := trickle.TrickleServerConfig{Mux: mux, Autocreate: true}
	if how == "sweeping" {
		config.IdleTimeout = 750 * time.Millisecond
		config.SweepInterval = 150 * time.Millisecond
	}
	server := trickle.ConfigureServer(config)
	stop := server.Start()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	web := &http.Server{Handler: mux}
	if how == "tls" {
		web.TLSConfig = &tls.Config{Certificates: []tls.Certificate{selfMade()}}
		fmt.Printf("https://%s\n", listener.Addr())
		go func() { _ = web.ServeTLS(listener, "", "") }()
	} else {
		fmt.Printf("http://%s\n", listener.Addr())
		go func() { _ = web.Serve(listener) }()
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
}

func selfMade() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	fail(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// publish sends each argument as a segment and deletes the channel once standard input ends.
func publish(url string, segments []string) {
	publisher, err := trickle.NewTricklePublisher(url)
	fail(err)
	for _, segment := range segments {
		fail(publisher.Write(strings.NewReader(segment)))
		fmt.Println(segment)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	fail(publisher.Close())
}

// subscribe prints number and text of segments from 0 on, as many as asked for or to the channel's end.
func subscribe(url string, count int) {
	start := trickle.SequenceStart(0)
	subscriber, err := trickle.NewTrickleSubscriber(trickle.TrickleSubscriberConfig{URL: url, Start: &start})
	fail(err)
	for n := 0; n < count; n++ {
		response, err := subscriber.Read()
		// Who asks for the next segment only after the end is told that there is no such channel.
		if errors.Is(err, trickle.EOS) || errors.Is(err, trickle.StreamNotFoundErr) {
			fmt.Println("end of stream")
			return
		}
		fail(err)
		text, err := io.ReadAll(response.Body)
		fail(err)
		_ = response.Body.Close()
		fmt.Printf("%d %s\n", trickle.GetSeq(response), text)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
