module trickle-peer

go 1.23

require github.com/livepeer/go-livepeer v0.9.1
