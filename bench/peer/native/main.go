// native is what a change costs at the least: a server that frames each response once, nonce and HTTP/2 header included, and
// writes the same bytes to every stream. One goroutine writes; one for each connection reads. No gRPC library, no order
// between types, no look at what the client acknowledges; of HTTP/2 it holds flow control, and one stream per connection.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

var (
	addr     = flag.String("addr", "127.0.0.1:18000", "ADS listen address")
	httpAddr = flag.String("http", "127.0.0.1:18001", "trigger listen address")
	load     = flag.String("load", "", "the dump to serve")
	_        = flag.String("snapshot", "shared", "per-node is the same here: nothing is kept for a node")
	tlsCert  = flag.String("tls-cert", "", "server certificate (PEM)")
	tlsKey   = flag.String("tls-key", "", "server key (PEM)")
	tlsCA    = flag.String("tls-ca", "", "client CA (PEM)")
)

type server struct {
	mu    sync.Mutex
	state *state
	conns map[*conn]bool
}

func (s *server) bump(what, short string) map[string]any {
	start := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.state.change(what, short) {
		for conn := range s.conns {
			conn.changed(c)
		}
	}
	return map[string]any{"bump": s.state.bumps, "took_ms": float64(time.Since(start).Microseconds()) / 1000}
}

func (s *server) serve(nc net.Conn) {
	c := newConn(nc, s)
	err := c.run()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	nc.Close()
	if err != nil && os.Getenv("NATIVE_DEBUG") != "" {
		log.Print(err)
	}
}

func listener() (net.Listener, error) {
	l, err := net.Listen("tcp", *addr)
	if err != nil || *tlsCert == "" {
		return l, err
	}
	cert, err := tls.LoadX509KeyPair(*tlsCert, *tlsKey)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(*tlsCA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13,
	}), nil
}

func main() {
	flag.Parse()
	st, err := readState(*load)
	if err != nil {
		log.Fatal(err)
	}
	s := &server{state: st, conns: map[*conn]bool{}}
	l, err := listener()
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/bump", func(w http.ResponseWriter, r *http.Request) {
		what, short := r.URL.Query().Get("what"), r.URL.Query().Get("type")
		json.NewEncoder(w).Encode(s.bump(what, short))
	})
	go func() { log.Fatal(http.ListenAndServe(*httpAddr, nil)) }()
	fmt.Printf("ready pid=%d\n", os.Getpid())
	for {
		nc, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go s.serve(nc)
	}
}
