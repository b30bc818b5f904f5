package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/net/http2"
	"google.golang.org/protobuf/encoding/protowire"

	"peer/internal/dump"
)

const maxFrame = 16384

// wire is a response as it goes to every stream: gRPC's head and the message, in DATA frames of stream 1.
type wire struct {
	bytes   []byte
	payload int // what flow control counts
}

type resource struct {
	name string
	body []byte
}

type kind struct {
	url       string
	version   int
	resources []resource
	index     map[string]int
	wires     map[string]*wire // of the present version, by variant and names
}

type state struct {
	kinds  []*kind
	byURL  map[string]*kind
	bumps  int
	nonces int
}

type change struct {
	kind  *kind
	names []string
}

func readState(file string) (*state, error) {
	h, blob, err := dump.Read(file)
	if err != nil {
		return nil, err
	}
	s := &state{byURL: map[string]*kind{}}
	for _, t := range h.Types {
		k := &kind{url: t.TypeURL, index: map[string]int{}, wires: map[string]*wire{}}
		for i, r := range t.Resources {
			k.resources = append(k.resources, resource{r.Name, bytes.Clone(blob[r.Off : r.Off+r.Len])})
			k.index[r.Name] = i
		}
		s.kinds = append(s.kinds, k)
		s.byURL[k.url] = k
	}
	return s, nil
}

func (s *state) change(what, short string) (out []change) {
	s.bumps++
	for _, k := range s.kinds {
		c := change{kind: k}
		for i := range k.resources {
			if what != "all" && (shorts[short] != k.url || i != (s.bumps-1)%len(k.resources)) {
				continue
			}
			r := &k.resources[i]
			at := bytes.Index(r.body, []byte(dump.Marker))
			r.body = bytes.Clone(r.body)
			copy(r.body[at:], dump.Rev(uint64(s.bumps)))
			c.names = append(c.names, r.name)
		}
		if len(c.names) == 0 {
			continue
		}
		k.version++
		k.wires = map[string]*wire{}
		out = append(out, c)
	}
	return out
}

var shorts = map[string]string{
	"cds": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
	"eds": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
	"lds": "type.googleapis.com/envoy.config.listener.v3.Listener",
	"rds": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
	"sds": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
}

// response is the resources of these names, nil for all; made once for each version.
func (s *state) response(k *kind, delta bool, names []string) *wire {
	key := fmt.Sprint(delta, names == nil, strings.Join(names, "\n"))
	if w := k.wires[key]; w != nil {
		return w
	}
	s.nonces++
	version := fmt.Sprint(k.version)
	m := stringField(nil, 1, version)
	add := func(r resource) {
		any := protowire.AppendBytes(protowire.AppendTag(stringField(nil, 1, k.url), 2, protowire.BytesType), r.body)
		if delta {
			any = protowire.AppendBytes(protowire.AppendTag(stringField(nil, 1, version), 2, protowire.BytesType), any)
			any = stringField(any, 3, r.name)
		}
		m = protowire.AppendBytes(protowire.AppendTag(m, 2, protowire.BytesType), any)
	}
	if names == nil {
		for _, r := range k.resources {
			add(r)
		}
	}
	for _, n := range names {
		if i, ok := k.index[n]; ok {
			add(k.resources[i])
		}
	}
	m = stringField(stringField(m, 4, k.url), 5, fmt.Sprint(s.nonces))
	w := framed(m)
	k.wires[key] = w
	return w
}

func stringField(b []byte, n protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func framed(message []byte) *wire {
	data := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	var out bytes.Buffer
	f := http2.NewFramer(&out, nil)
	for rest := data; len(rest) > 0; {
		n := min(len(rest), maxFrame)
		f.WriteData(1, false, rest[:n])
		rest = rest[n:]
	}
	return &wire{out.Bytes(), len(data)}
}
