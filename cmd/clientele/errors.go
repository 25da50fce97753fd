package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/pglocal"
	"github.com/clientele/clientele/internal/tenancy"
)

// trouble is a failure with what to do about it, for the person at the terminal.
type trouble struct {
	message, remedy fault.Text
	cause           error
}

func (t *trouble) Error() string { return t.message.EN }
func (t *trouble) Unwrap() error { return t.cause }

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// tell writes what went wrong and what to do about it, in Chinese and in English.
func tell(w io.Writer, err error) {
	t := troubleOf(err)
	fmt.Fprintf(w, "错误：%s\n", t.message.ZH)
	if t.remedy.ZH != "" {
		fmt.Fprintf(w, "  办法：%s\n", t.remedy.ZH)
	}
	fmt.Fprintf(w, "error: %s\n", t.message.EN)
	if t.remedy.EN != "" {
		fmt.Fprintf(w, "  remedy: %s\n", t.remedy.EN)
	}
}

func troubleOf(err error) *trouble {
	var t *trouble
	var local *pglocal.Error
	var start *tenancy.StartupError
	var usage usageError
	switch {
	case errors.As(err, &t):
		return t
	case errors.As(err, &local):
		out := &trouble{message: fault.Text{ZH: local.ZH, EN: local.EN}, remedy: fault.Text{ZH: local.RemedyZH, EN: local.RemedyEN}}
		if local.Cause != nil {
			out.message.ZH += "（" + local.Cause.Error() + "）"
			out.message.EN += " (" + local.Cause.Error() + ")"
		}
		return out
	case errors.As(err, &start):
		return &trouble{message: start.Message, remedy: start.Remedy}
	case errors.As(err, &usage):
		return &trouble{message: fault.Text{ZH: "命令行有误：" + err.Error(), EN: err.Error()}, remedy: fault.Text{ZH: "用法见 clientele --help", EN: "see clientele --help"}}
	case errors.Is(err, syscall.EADDRINUSE):
		return &trouble{
			message: fault.Text{ZH: "监听地址已被占用：" + addressOf(err), EN: "the address is in use: " + addressOf(err)},
			remedy:  fault.Text{ZH: "请用 --listen 或 --telemetry-listen 指定其他地址", EN: "name another one with --listen or --telemetry-listen"},
		}
	}
	if list, ok := fault.As(err); ok {
		return &trouble{message: list[0].Message, remedy: list[0].Remedy}
	}
	return &trouble{message: fault.Text{ZH: err.Error(), EN: err.Error()}}
}

func addressOf(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return op.Addr.String()
	}
	return err.Error()
}
