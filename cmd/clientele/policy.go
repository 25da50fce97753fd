package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/policyfile"
	"github.com/clientele/clientele/policy"
)

// policyCommands work for a tenant's administrator, over the API and under his own rights.
type policyCommands struct {
	Export  policyExport  `cmd:"" help:"把一个策略版本写成 YAML 文件 · Write a policy version as YAML."`
	Shipped policyShipped `cmd:"" help:"离线输出本程序随附的策略，可与租户的版本比较 · Write the policy that this program gives to new tenants, without a server, to compare a tenant's with."`
	Lint    policyLint    `cmd:"" help:"离线检查文件，指出行号 · Check files without a server and name the lines."`
	Apply   policyApply   `cmd:"" help:"起草文件与现行版本的差异；发布由他人完成 · Draft what differs from the version in force; publishing is somebody else's act."`
	Compare policyCompare `cmd:"" help:"比较文件与策略版本；有差异时退出码为 3 · Compare files with a version; exit code 3 when they differ."`
	Test    policyTest    `cmd:"" help:"发布之前，以文件所成的草案检验断言 · Check assertions against the draft that the files would make, before it is published."`
}

// exitDiffers ends compare when there are differences, and test when an assertion does not hold.
const exitDiffers = 3

// differs ends the program with exitDiffers; what differs has been said.
type differs struct{}

func (differs) Error() string { return "it differs" }

// serverFlags say whose policy. The token never stands on the command line: others can read that.
type serverFlags struct {
	Server    string `name:"server" setting:"CLIENTELE_SERVER" required:"" placeholder:"URL" help:"服务器地址，如 https://clientele.example · Address of the server."`
	TokenFile string `name:"token-file" setting:"CLIENTELE_TOKEN_FILE" placeholder:"FILE" help:"存放 API 令牌的文件，仅本人可读（0600）；不设则取环境变量 CLIENTELE_TOKEN · File with the API token, readable by oneself alone (0600); without it the variable CLIENTELE_TOKEN."`
	Language  string `enum:"zh-CN,en" default:"zh-CN" help:"服务器消息的语言 · Language of the server's messages."`
}

type policyExport struct {
	Server     serverFlags `embed:""`
	Number     int64       `name:"version" placeholder:"N" help:"版本号；不设则为现行版本 · Number of the version; without it the one in force."`
	policyInto `embed:""`
}

func (c *policyExport) Run(p *program) error {
	r, err := c.Server.connect(p)
	if err != nil {
		return err
	}
	v, err := r.version(p.ctx, c.Number)
	if err != nil {
		return err
	}
	return c.write(p, v.Policy, fmt.Sprintf("策略版本 %d · policy version %d", v.Number, v.Number))
}

// policyShipped is for tenants that are older than the program: what a new release ships is compared with their version, and taken
// over as far as they want it.
type policyShipped struct {
	policyInto `embed:""`
}

func (c *policyShipped) Run(p *program) error {
	shipped := policyfile.Policy{Governs: true}
	for _, r := range policy.ShippedRules() {
		shipped.Rules = append(shipped.Rules, policyfile.Rule{Rule: r})
	}
	for _, d := range policy.ShippedDutyConflicts() {
		shipped.Conflicts = append(shipped.Conflicts, policyfile.Conflict{DutyConflict: d})
	}
	return c.write(p, shipped, "随附的策略 · the policy that new tenants begin with")
}

// policyInto is where a policy is written.
type policyInto struct {
	Output string `name:"output" short:"o" placeholder:"FILE" help:"写入的文件，不得已存在；不设则输出 · File to write, which must not exist; without it standard output."`
}

func (c *policyInto) write(p *program, of policyfile.Policy, title string) error {
	text, err := policyfile.Write(of, title+". Keys: role, object, action, scope, classes, effect, condition, validFrom, validUntil, clause, note; conflicts: key, actionA, actionB, nameZh, nameEn, clause.")
	if err != nil {
		return err
	}
	if c.Output == "" {
		_, err = p.stdout.Write(text)
		return err
	}
	f, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// policyFiles are files, or folders with *.yaml in them.
type policyFiles struct {
	Files []string `arg:"" placeholder:"FILE" help:"YAML 文件或目录，可多个，合并为一个策略 · YAML files or folders of them; together they are one policy."`
}

// read parses the files and says all that is wrong on stdout. It fails when anything but warnings was said.
func (c *policyFiles) read(p *program) (policyfile.Policy, error) {
	var out policyfile.Policy
	var bad []policyfile.Problem
	paths, err := c.paths()
	if err != nil {
		return out, err
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return out, err
		}
		bad = append(bad, policyfile.Parse(path, data, &out)...)
	}
	bad = append(bad, policyfile.Lint(out)...)
	wrong := 0
	for _, x := range bad {
		fmt.Fprintln(p.stdout, x)
		if !x.Warning {
			wrong++
		}
	}
	if wrong > 0 {
		return out, &trouble{
			message: fault.Text{ZH: fmt.Sprintf("文件中有 %d 处错误", wrong), EN: fmt.Sprintf("%d mistakes in the files", wrong)},
			remedy:  fault.Text{ZH: "见上文所列行号", EN: "see the lines named above"},
		}
	}
	return out, nil
}

func (c *policyFiles) paths() (out []string, err error) {
	for _, path := range c.Files {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, path)
			continue
		}
		err = filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(at, ".yaml") || strings.HasSuffix(at, ".yml")) {
				out = append(out, at)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

type policyLint struct {
	policyFiles `embed:""`
}

func (c *policyLint) Run(p *program) error {
	files, err := c.read(p)
	if err == nil {
		fmt.Fprintf(p.stdout, "%d 条规则，%d 条职责互斥，%d 个断言 · %d rules, %d duty conflicts, %d assertions\n",
			len(files.Rules), len(files.Conflicts), len(files.Tests), len(files.Rules), len(files.Conflicts), len(files.Tests))
	}
	return err
}

// difference reads files and a version, and says what differs.
func difference(p *program, f *policyFiles, s *serverFlags, number int64) (policyfile.Difference, *remote, version, error) {
	files, err := f.read(p)
	if err != nil {
		return policyfile.Difference{}, nil, version{}, err
	}
	if len(files.Rules) == 0 {
		return policyfile.Difference{}, nil, version{}, &trouble{
			message: fault.Text{ZH: "文件中没有任何规则", EN: "the files have no rules"},
			remedy:  fault.Text{ZH: "请先用 policy export 导出", EN: "begin with policy export"},
		}
	}
	r, err := s.connect(p)
	if err != nil {
		return policyfile.Difference{}, nil, version{}, err
	}
	v, err := r.version(p.ctx, number)
	if err != nil {
		return policyfile.Difference{}, nil, v, err
	}
	d := policyfile.Compare(v.Policy, files)
	for _, x := range d.Remove {
		fmt.Fprintf(p.stdout, "- %d %s · %s\n", x.Seq, policy.RuleSentence(&x).ZH, policy.RuleSentence(&x).EN)
	}
	for _, x := range d.Add {
		fmt.Fprintf(p.stdout, "+ %s:%d %s · %s\n", x.File, x.Line, policy.RuleSentence(&x.Rule).ZH, policy.RuleSentence(&x.Rule).EN)
	}
	for _, group := range d.Classes.Groups() {
		was, _ := v.Classes.Of(group)
		fmt.Fprintf(p.stdout, "~ %s: %s → %s\n", group, was, d.Classes[group])
	}
	for _, c := range d.RemoveConflicts {
		fmt.Fprintf(p.stdout, "- %s %s ≠ %s %s · %s\n", c.Key, c.A, c.B, c.Label.ZH, c.Label.EN)
	}
	for _, c := range d.AddConflicts {
		fmt.Fprintf(p.stdout, "+ %s:%d %s %s ≠ %s %s · %s\n", c.File, c.Line, c.Key, c.A, c.B, c.Label.ZH, c.Label.EN)
	}
	return d, r, v, nil
}

type policyCompare struct {
	policyFiles `embed:""`
	Server      serverFlags `embed:""`
	Number      int64       `name:"version" placeholder:"N" help:"版本号；不设则为现行版本 · Number of the version; without it the one in force."`
}

func (c *policyCompare) Run(p *program) error {
	d, _, v, err := difference(p, &c.policyFiles, &c.Server, c.Number)
	if err != nil {
		return err
	}
	if !d.Empty() {
		return differs{}
	}
	fmt.Fprintf(p.stdout, "与版本 %d 一致 · the same as version %d\n", v.Number, v.Number)
	return nil
}

type policyApply struct {
	policyFiles `embed:""`
	Server      serverFlags `embed:""`
	Reason      string      `required:"" placeholder:"TEXT" help:"起草理由，留在版本与审计中 · Why; it stays in the version and the audit trail."`
	DryRun      bool        `name:"dry-run" help:"只说明将起草什么 · Only say what would be drafted."`
}

func (c *policyApply) Run(p *program) error {
	d, r, v, err := difference(p, &c.policyFiles, &c.Server, 0)
	if err != nil {
		return err
	}
	switch {
	case d.Empty():
		fmt.Fprintf(p.stdout, "与现行版本 %d 一致，未起草 · the same as version %d in force: nothing is drafted\n", v.Number, v.Number)
		return nil
	case c.DryRun:
		fmt.Fprintf(p.stdout, "将依据版本 %d 起草 · a draft on version %d would be made\n", v.Number, v.Number)
		return nil
	}
	drafted, err := r.draft(p.ctx, v, d, c.Reason)
	if err != nil {
		return err
	}
	for _, w := range drafted.warnings {
		fmt.Fprintf(p.stdout, "! %s\n", w)
	}
	fmt.Fprintf(p.stdout, "已起草版本 %d（%s），请由他人发布 · version %d is drafted (%s); somebody else publishes it\n", drafted.number, drafted.id, drafted.number, drafted.id)
	return nil
}

// draftInput is the difference as the API takes it.
func draftInput(v version, d policyfile.Difference, reason string) map[string]any {
	add, remove, classes := []any{}, []any{}, []any{}
	for _, x := range d.Add {
		rule := map[string]any{
			"roleKey": x.Role, "object": string(x.Object), "action": string(x.Action), "dataScope": x.Scope.String(), "effect": strings.ToUpper(x.Effect.String()),
			"condition": x.Condition, "clause": x.Clause, "note": x.Note,
		}
		if x.Rule.Classes != 0 {
			numbers := []int{}
			for _, c := range x.Rule.Classes.List() {
				numbers = append(numbers, int(c))
			}
			rule["classes"] = numbers
		}
		if !x.ValidFrom.IsZero() {
			rule["validFrom"] = x.ValidFrom
		}
		if !x.ValidUntil.IsZero() {
			rule["validUntil"] = x.ValidUntil
		}
		add = append(add, rule)
	}
	for _, x := range d.Remove {
		remove = append(remove, x.Seq)
	}
	for _, group := range d.Classes.Groups() {
		classes = append(classes, map[string]any{"object": string(group), "class": int(d.Classes[group])})
	}
	addConflicts, removeConflicts := []any{}, []string{}
	for _, c := range d.AddConflicts {
		addConflicts = append(addConflicts, map[string]any{"key": c.Key, "actionA": string(c.A), "actionB": string(c.B), "nameZh": c.Label.ZH, "nameEn": c.Label.EN, "clause": c.Source})
	}
	for _, c := range d.RemoveConflicts {
		removeConflicts = append(removeConflicts, c.Key)
	}
	return map[string]any{
		"baseNumber": strconv.FormatInt(v.Number, 10), "reason": reason, "add": add, "remove": remove, "classes": classes, "addConflicts": addConflicts, "removeConflicts": removeConflicts,
	}
}

// placed puts the file's line before what the server says about an added rule or conflict.
func placed(d policyfile.Difference, field string) string {
	parts := strings.Split(field, ".")
	for i := range len(parts) - 1 {
		n, err := strconv.Atoi(parts[i+1])
		switch {
		case err != nil:
		case parts[i] == "add" && n < len(d.Add):
			return fmt.Sprintf("%s:%d: ", d.Add[n].File, d.Add[n].Line)
		case parts[i] == "addConflicts" && n < len(d.AddConflicts):
			return fmt.Sprintf("%s:%d: ", d.AddConflicts[n].File, d.AddConflicts[n].Line)
		}
	}
	return ""
}

func (r *remote) draft(ctx context.Context, v version, d policyfile.Difference, reason string) (out drafted, err error) {
	var answer struct {
		PolicyDraft struct {
			PolicyVersion *struct{ ID, Number string }
			Warnings      []struct{ Code, Message string }
			UserErrors    []struct{ Field, Reason, Message, Remedy string }
		}
	}
	err = r.ask(ctx, `mutation ($input: PolicyDraftInput!, $key: String!) { policyDraft(input: $input, idempotencyKey: $key) {
		policyVersion { id number } warnings { code message } userErrors { field reason message remedy } } }`,
		map[string]any{"input": draftInput(v, d, reason), "key": newKey()}, &answer)
	if err != nil {
		return out, err
	}
	var said []string
	for _, e := range answer.PolicyDraft.UserErrors {
		said = append(said, fmt.Sprintf("%s%s: %s", placed(d, e.Field), e.Reason, strings.TrimSpace(e.Message+" "+e.Remedy)))
	}
	if len(said) > 0 || answer.PolicyDraft.PolicyVersion == nil {
		text := strings.Join(said, "\n")
		return out, &trouble{
			message: fault.Text{ZH: "服务器未接受草案：\n" + text, EN: "the server refused the draft:\n" + text},
			remedy:  fault.Text{ZH: "未起草任何内容", EN: "nothing was drafted"},
		}
	}
	out.id = answer.PolicyDraft.PolicyVersion.ID
	out.number, err = strconv.ParseInt(answer.PolicyDraft.PolicyVersion.Number, 10, 64)
	for _, w := range answer.PolicyDraft.Warnings {
		out.warnings = append(out.warnings, w.Code+": "+w.Message)
	}
	return out, err
}
