package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/encoding/protowire"
)

// socketBytes is what a socket takes without a wait.
const socketBytes = 64 * 1024

type subscription struct {
	wildcard bool
	names    map[string]bool
}

type conn struct {
	nc    net.Conn
	s     *server
	delta bool
	subs  map[string]*subscription // guarded by s.mu
	in    []byte

	mu                       sync.Mutex // the write side
	connWindow, streamWindow int
	initial                  int
	waiting                  []byte // frames that flow control holds back
}

func newConn(nc net.Conn, s *server) *conn {
	return &conn{nc: nc, s: s, subs: map[string]*subscription{}, connWindow: 65535, streamWindow: 65535, initial: 65535}
}

var greeting, accepted = func() ([]byte, []byte) {
	var one, two, block bytes.Buffer
	http2.NewFramer(&one, nil).WriteSettings()
	e := hpack.NewEncoder(&block)
	e.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	e.WriteField(hpack.HeaderField{Name: "content-type", Value: "application/grpc"})
	http2.NewFramer(&two, nil).WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	return one.Bytes(), two.Bytes()
}()

func (c *conn) write(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.nc.Write(b)
	return err
}

// send writes w, or what flow control lets out of it.
func (c *conn) send(w *wire) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 && w.payload <= min(c.connWindow, c.streamWindow) {
		c.connWindow -= w.payload
		c.streamWindow -= w.payload
		_, err := c.nc.Write(w.bytes)
		return err
	}
	c.waiting = append(c.waiting, w.bytes...)
	return c.flush()
}

// flush writes whole frames; the caller holds mu.
func (c *conn) flush() error {
	end := 0
	for end < len(c.waiting) {
		n := int(c.waiting[end])<<16 | int(c.waiting[end+1])<<8 | int(c.waiting[end+2])
		if n > min(c.connWindow, c.streamWindow) {
			break
		}
		c.connWindow -= n
		c.streamWindow -= n
		end += 9 + n
	}
	if end == 0 {
		return nil
	}
	_, err := c.nc.Write(c.waiting[:end])
	c.waiting = append([]byte(nil), c.waiting[end:]...)
	return err
}

func (c *conn) run() error {
	br := bufio.NewReader(c.nc)
	if _, err := io.CopyN(io.Discard, br, int64(len(http2.ClientPreface))); err != nil {
		return err
	}
	if err := c.write(greeting); err != nil {
		return err
	}
	fr := http2.NewFramer(io.Discard, br)
	fr.SetReuseFrames()
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		f, err := fr.ReadFrame()
		if err == nil {
			err = c.take(f)
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) take(f http2.Frame) error {
	switch f := f.(type) {
	case *http2.SettingsFrame:
		return c.settings(f)
	case *http2.WindowUpdateFrame:
		c.mu.Lock()
		defer c.mu.Unlock()
		if f.StreamID == 0 {
			c.connWindow += int(f.Increment)
		} else {
			c.streamWindow += int(f.Increment)
		}
		return c.flush()
	case *http2.MetaHeadersFrame:
		if f.StreamID != 1 {
			return fmt.Errorf("stream %d: one stream per connection", f.StreamID)
		}
		c.delta = strings.HasSuffix(f.PseudoValue("path"), "DeltaAggregatedResources")
		c.s.mu.Lock()
		c.s.conns[c] = true
		c.s.mu.Unlock()
		return c.write(accepted)
	case *http2.DataFrame:
		return c.data(f.Data())
	case *http2.PingFrame:
		var out bytes.Buffer
		http2.NewFramer(&out, nil).WritePing(true, f.Data)
		return c.write(out.Bytes())
	case *http2.RSTStreamFrame, *http2.GoAwayFrame:
		return io.EOF
	}
	return nil
}

func (c *conn) settings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
		c.mu.Lock()
		c.streamWindow += int(v) - c.initial
		c.initial = int(v)
		c.mu.Unlock()
	}
	var out bytes.Buffer
	http2.NewFramer(&out, nil).WriteSettingsAck()
	return c.write(out.Bytes())
}

// data takes requests, and gives their bytes back to the client's windows.
func (c *conn) data(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.in = append(c.in, b...)
	var out bytes.Buffer
	f := http2.NewFramer(&out, nil)
	f.WriteWindowUpdate(0, uint32(len(b)))
	f.WriteWindowUpdate(1, uint32(len(b)))
	for len(c.in) >= 5 {
		end := 5 + int(binary.BigEndian.Uint32(c.in[1:]))
		if len(c.in) < end {
			break
		}
		if err := c.request(c.in[5:end]); err != nil {
			return err
		}
		c.in = c.in[end:]
	}
	if len(c.in) == 0 {
		c.in = nil
	}
	return c.write(out.Bytes())
}

// request answers a request as bench/limit.ts does.
func (c *conn) request(b []byte) error {
	var url string
	var subscribe, unsubscribe []string
	urlField := protowire.Number(4)
	if c.delta {
		urlField = 2
	}
	for len(b) > 0 {
		n, t, l := protowire.ConsumeTag(b)
		if l < 0 {
			return protowire.ParseError(l)
		}
		b = b[l:]
		if l = protowire.ConsumeFieldValue(n, t, b); l < 0 {
			return protowire.ParseError(l)
		}
		if t == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			switch {
			case n == urlField:
				url = string(v)
			case n == 3:
				subscribe = append(subscribe, string(v))
			case n == 4:
				unsubscribe = append(unsubscribe, string(v))
			}
		}
		b = b[l:]
	}
	if w := c.answer(url, subscribe, unsubscribe); w != nil {
		return c.send(w)
	}
	return nil
}

// answer is the response to a request, nil for none.
func (c *conn) answer(url string, subscribe, unsubscribe []string) *wire {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	k := c.s.state.byURL[url]
	if k == nil {
		return nil
	}
	sub, known := c.subs[url]
	if !known {
		sub = &subscription{wildcard: len(subscribe) == 0, names: map[string]bool{}}
		c.subs[url] = sub
	}
	var added []string
	for _, n := range subscribe {
		if c.delta || !sub.names[n] {
			added = append(added, n)
		}
	}
	if !c.delta {
		sub.names = make(map[string]bool, len(subscribe))
	}
	for _, n := range subscribe {
		sub.names[n] = true
	}
	for _, n := range unsubscribe {
		delete(sub.names, n)
	}
	if len(added) > 0 || !known {
		return c.s.state.response(k, c.delta, added)
	}
	return nil
}

// changed pushes a change to the stream, if it subscribes to it; the caller holds s.mu.
func (c *conn) changed(ch change) {
	sub := c.subs[ch.kind.url]
	if sub == nil {
		return
	}
	isWanted := func(n string) bool { return sub.wildcard || sub.names[n] }
	if !slices.ContainsFunc(ch.names, isWanted) {
		return
	}
	names := ch.names
	if sub.wildcard && !c.delta {
		names = nil
	}
	w := c.s.state.response(ch.kind, c.delta, names)
	if w.payload > socketBytes {
		// A client that is slow to read it must not hold up the others.
		go c.send(w)
		return
	}
	c.send(w)
}
