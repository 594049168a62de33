// Reads MPEG-TS from stdin as go-livepeer's WHEP server does (media/whep_server.go): tracks from the first
// program map, pictures from the first random access point on, every Opus packet. Prints one JSON object.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
)

type report struct {
	Tracks []string `json:"tracks"`
	// Stamps of pictures and of Opus packets, 90 kHz, as the reader gave them.
	Frames []int64 `json:"frames"`
	Opus   []int64 `json:"opus"`
	// Pictures before the first random access point.
	Dropped int `json:"dropped"`
	// Pictures whose pts is not their dts.
	Reordered int      `json:"reordered"`
	Errors    []string `json:"errors"`
}

func main() {
	reader := mpegts.Reader{R: os.Stdin}
	if err := reader.Initialize(); err != nil {
		log.Fatal(err)
	}
	seen := report{Tracks: []string{}, Frames: []int64{}, Opus: []int64{}, Errors: []string{}}
	reader.OnDecodeError(func(err error) { seen.Errors = append(seen.Errors, err.Error()) })
	started := false
	for _, track := range reader.Tracks() {
		switch codec := track.Codec.(type) {
		case *mpegts.CodecH264:
			seen.Tracks = append(seen.Tracks, "h264")
			reader.OnDataH264(track, func(pts, dts int64, au [][]byte) error {
				started = started || h264.IsRandomAccess(au)
				if !started {
					seen.Dropped++
					return nil
				}
				if pts != dts {
					seen.Reordered++
				}
				seen.Frames = append(seen.Frames, pts)
				return nil
			})
		case *mpegts.CodecOpus:
			seen.Tracks = append(seen.Tracks, "opus")
			if codec.ChannelCount < 1 {
				log.Fatal("no channels")
			}
			reader.OnDataOpus(track, func(pts int64, packets [][]byte) error {
				for range packets {
					seen.Opus = append(seen.Opus, pts)
				}
				return nil
			})
		}
	}
	for {
		err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			seen.Errors = append(seen.Errors, err.Error())
			break
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		log.Fatal(err)
	}
}
