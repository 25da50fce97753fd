package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// newLogger writes records with the trace they belong to, and without what must not leave the process in a log.
func newLogger(c Config) (*slog.Logger, error) {
	scrub := newScrubber()
	o := &slog.HandlerOptions{Level: c.LogLevel, ReplaceAttr: scrub.attr}
	var h slog.Handler
	switch c.LogFormat {
	case "json":
		h = slog.NewJSONHandler(c.LogTo, o)
	case "text", "":
		h = slog.NewTextHandler(c.LogTo, o)
	default:
		return nil, fmt.Errorf("telemetry: log format %q is neither json nor text", c.LogFormat)
	}
	return slog.New(&traced{h}), nil
}

// traced adds trace_id and span_id of the span in the context.
type traced struct{ slog.Handler }

func (t *traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return t.Handler.Handle(ctx, r)
}

func (t *traced) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &traced{t.Handler.WithAttrs(attrs)}
}
func (t *traced) WithGroup(name string) slog.Handler { return &traced{t.Handler.WithGroup(name)} }

// scrubber is the last net: callers log no personal data, and error texts of others that carry some are cleaned here.
type scrubber struct {
	secret  *regexp.Regexp // of an attribute's key
	token   *regexp.Regexp
	phone   *regexp.Regexp
	mail    *regexp.Regexp
	urlPass *regexp.Regexp
}

func newScrubber() *scrubber {
	return &scrubber{
		secret:  regexp.MustCompile(`(?i)password|secret|authorization|cookie|bearer|^token$|phone|email`),
		token:   regexp.MustCompile(`\bcl[tsul]_[0-9A-Za-z_-]{8,}`),
		phone:   regexp.MustCompile(`(^|[^0-9A-Za-z])((?:\+?86[- ]?)?1[3-9][0-9]{9})($|[^0-9A-Za-z])`),
		mail:    regexp.MustCompile(`[0-9A-Za-z._%+-]+@[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+`),
		urlPass: regexp.MustCompile(`(://[^:/@\s]+):[^@/\s]+@`),
	}
}

func (s *scrubber) attr(_ []string, a slog.Attr) slog.Attr {
	if s.secret.MatchString(a.Key) {
		return slog.String(a.Key, "[removed]")
	}
	switch v := a.Value.Any().(type) {
	case string:
		if a.Key == "stack" { // the program's own, whatever its length
			a.Value = slog.StringValue(s.scrub(v))
			break
		}
		a.Value = slog.StringValue(s.text(v))
	case error:
		a.Value = slog.StringValue(s.text(v.Error()))
	case fmt.Stringer:
		a.Value = slog.StringValue(s.text(v.String()))
	}
	return a
}

// longestText is how many bytes of a text are logged: others' errors may quote what a caller sent.
const longestText = 2000

func (s *scrubber) text(v string) string {
	if len(v) > longestText {
		v = strings.ToValidUTF8(v[:longestText], "") + " […]"
	}
	return s.scrub(v)
}

func (s *scrubber) scrub(v string) string {
	if strings.Contains(v, "cl") {
		v = s.token.ReplaceAllString(v, "[token]")
	}
	v = s.phone.ReplaceAllString(v, "$1[phone]$3")
	if strings.Contains(v, "@") {
		v = s.urlPass.ReplaceAllString(v, "$1:[removed]@")
		v = s.mail.ReplaceAllString(v, "[mail]")
	}
	return v
}
