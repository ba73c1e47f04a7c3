package server

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// exportPiece is how much of an export goes into one response.
const exportPiece = 256 << 10

// pieceWriter sends what is written in pieces.
type pieceWriter struct {
	stream *connect.ServerStream[apiv1.ExportSessionResponse]
	buf    bytes.Buffer
}

func (w *pieceWriter) Write(b []byte) (int, error) {
	w.buf.Write(b)
	if w.buf.Len() < exportPiece {
		return len(b), nil
	}
	return len(b), w.flush()
}

func (w *pieceWriter) flush() error {
	for w.buf.Len() > 0 {
		// The next one does not overwrite it.
		piece := bytes.Clone(w.buf.Next(exportPiece))
		if err := w.stream.Send(&apiv1.ExportSessionResponse{Data: piece}); err != nil {
			return err
		}
	}
	return nil
}

func (a *api) ExportSession(ctx context.Context, req *apiv1.ExportSessionRequest, stream *connect.ServerStream[apiv1.ExportSessionResponse]) error {
	s, err := a.session(ctx, req.SessionId)
	if err != nil {
		return err
	}
	w := &pieceWriter{stream: stream}
	switch req.Format {
	case apiv1.ExportFormat_EXPORT_FORMAT_UNSPECIFIED, apiv1.ExportFormat_EXPORT_FORMAT_JSONL:
		err = a.Store.Export(ctx, s.Id, w)
	case apiv1.ExportFormat_EXPORT_FORMAT_MARKDOWN:
		err = a.Store.ExportMarkdown(ctx, s.Id, w)
	default:
		return refuse(connect.CodeInvalidArgument, "%d is no format to export to", req.Format)
	}
	if err != nil {
		return err
	}
	return w.flush()
}

func (a *api) ImportSession(ctx context.Context, req *apiv1.ImportSessionRequest) (*apiv1.ImportSessionResponse, error) {
	var in io.ReadSeeker = bytes.NewReader(req.Data)
	if path := req.Path; path != "" {
		if err := a.socketOnly("read files", "choose the file there, which hands it over"); err != nil {
			return nil, err
		}
		if !filepath.IsAbs(path) {
			return nil, refuse(connect.CodeInvalidArgument, "%.200q is no absolute path", path)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, refuse(connect.CodeInvalidArgument, "the file can't be read: %w", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return nil, refuse(connect.CodeInvalidArgument, "%s is not a file that could be imported", path)
		}
		in = f
	}
	done, err := a.Store.Import(ctx, in)
	if err != nil {
		return nil, err
	}
	return &apiv1.ImportSessionResponse{Session: done.Session, Created: done.Created, TakenAway: done.TakenAway}, nil
}
