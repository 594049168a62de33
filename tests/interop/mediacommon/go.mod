module mediacommon-reader

go 1.23.0

require github.com/bluenviron/mediacommon/v2 v2.4.0
