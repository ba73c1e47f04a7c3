package sdk

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// maxEvent is how long one event or line of a service may be, in bytes.
const maxEvent = 32 << 20

// Events gives the data of each server-sent event of an answer. The bytes are good until the next one. A connection that
// breaks is an [*Error]; whether an answer that ends in order is complete, only the service's own protocol tells.
func Events(answer io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		// data is that of the event under way; most have one line, and that is given as it lies in the reader.
		var data []byte
		var lines int
		for line, err := range Lines(answer) {
			if err != nil {
				if lines > 0 && !yield(data, nil) {
					return
				}
				yield(nil, err)
				return
			}
			value, is := bytes.CutPrefix(line, []byte("data:"))
			switch {
			case is:
				value = bytes.TrimPrefix(value, []byte(" "))
				if lines > 0 {
					data = append(data, '\n')
				}
				data = append(data, value...)
				lines++
			case len(line) == 0 && lines > 0:
				if !yield(data, nil) {
					return
				}
				data, lines = data[:0], 0
			}
		}
		if lines > 0 {
			yield(data, nil)
		}
	}
}

// Lines gives each line of an answer without its end, empty ones too. The bytes are good until the next one.
func Lines(answer io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(answer, 32<<10)
		// Windows puts a mark before what it takes to be text.
		if mark, err := in.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
			_, _ = in.Discard(3)
		}
		var long []byte
		for {
			piece, err := in.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				if len(long)+len(piece) > maxEvent {
					yield(nil, Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER,
						"The service sent a piece of an answer larger than %d MiB. Try again, or ask for less at once.", maxEvent>>20))
					return
				}
				long = append(long, piece...)
				continue
			}
			line := piece
			if len(long) > 0 {
				long = append(long, piece...)
				line = long
			}
			if len(line) > 0 || err == nil {
				if !yield(bytes.TrimRight(line, "\r\n"), nil) {
					return
				}
			}
			long = long[:0]
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, Classify(err))
				return
			}
		}
	}
}
