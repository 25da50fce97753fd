package resolver_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/graph/resolver"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
)

func TestEveryMutationOfTheSchemaIsResolved(t *testing.T) {
	t.Parallel()
	wanted := reflect.TypeFor[graph.MutationResolver]()
	for file, have := range map[string]reflect.Type{
		"organisation": reflect.TypeFor[resolver.Organisation](), "identity": reflect.TypeFor[resolver.Identity](),
		"archive": reflect.TypeFor[resolver.Archive](), "contract": reflect.TypeFor[resolver.Contract](),
		"policy": reflect.TypeFor[resolver.Policy](), "review": reflect.TypeFor[resolver.Review](),
	} {
		sdl, err := os.ReadFile("../schema/" + file + ".graphql")
		if err != nil {
			t.Fatal(err)
		}
		_, mutations, _ := strings.Cut(string(sdl), "extend type Mutation {")
		names := regexp.MustCompile(`(?m)^  (\w+)\(`).FindAllStringSubmatch(mutations, -1)
		if len(names) != have.NumMethod() || len(names) == 0 {
			t.Errorf("%s has %d mutations, its resolver %d", file, len(names), have.NumMethod())
		}
		for _, n := range names {
			found := false
			for m := range wanted.Methods() {
				if !strings.EqualFold(m.Name, n[1]) {
					continue
				}
				method, ok := have.MethodByName(m.Name)
				found = ok && method.Type.NumIn() == m.Type.NumIn()+1 && method.Type.Out(0) == m.Type.Out(0) && method.Type.In(2) == m.Type.In(1)
			}
			if !found {
				t.Errorf("%s is not resolved as the generated code asks", n[1])
			}
		}
	}
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	org, idy := resolver.Organisation{Service: x.Organisation}, resolver.Identity{Service: x.Identity, Reach: policyadmin.New(x.Runner, x.DB, x.Access)}
	ctx := graph.WithSession(t.Context(), x.Admin.Session)
	company := id.Encode(id.Company, x.Company)

	opened, err := org.DepartmentOpen(ctx, model.DepartmentOpenInput{CompanyID: company, Name: "大客户部", Kind: "DEPARTMENT"}, identitytest.Key())
	if err != nil || len(opened.UserErrors) != 0 || opened.UserErrors == nil || opened.Department == nil || opened.Department.Type != "Department" {
		t.Fatalf("%+v %v", opened, err)
	}
	department := id.Encode(id.Department, opened.Department.ID)

	// ids that cannot be read and fields that are wrong come back together
	bad, err := org.DepartmentOpen(ctx, model.DepartmentOpenInput{CompanyID: department, Name: " ", Kind: "DEPARTMENT"}, identitytest.Key())
	if err != nil || bad.Department != nil || len(bad.UserErrors) != 2 ||
		*bad.UserErrors[0].Reason != "ID_MALFORMED" || *bad.UserErrors[0].Field != "input.companyId" || *bad.UserErrors[1].Field != "input.name" {
		t.Fatalf("%+v %v", bad, err)
	}

	// left out, null and given are three things
	name := "大客户一部"
	changed, err := org.DepartmentChange(ctx, model.DepartmentChangeInput{
		DepartmentID: department, ExpectedVersion: 1, Name: graphql.OmittableOf(&name), HeadID: graphql.OmittableOf[*string](nil),
	}, identitytest.Key())
	if err != nil || len(changed.UserErrors) != 0 {
		t.Fatalf("%+v %v", changed, err)
	}
	stale, err := org.DepartmentChange(ctx, model.DepartmentChangeInput{DepartmentID: department, ExpectedVersion: 1, Name: graphql.OmittableOf(&name)}, identitytest.Key())
	if err != nil || len(stale.UserErrors) != 1 || stale.UserErrors[0].Code != string(fault.StaleVersion) || *stale.UserErrors[0].CurrentVersion != 2 {
		t.Fatalf("%+v %v", stale, err)
	}

	// an id of nobody's: the same answer as another tenant's
	absent, err := idy.AccountSuspend(ctx, model.AccountSuspendInput{AccountID: id.Encode(id.Account, uuid.New()), ExpectedVersion: 1, Reason: "x"}, identitytest.Key())
	if err != nil || len(absent.UserErrors) != 1 || absent.UserErrors[0].Code != string(fault.NotFoundCode) || absent.UserErrors[0].Message != "找不到该对象（Account）" {
		t.Fatalf("%+v %v", absent, err)
	}

	// without a session it is an error of the operation
	if _, err := org.CompanyOpen(t.Context(), model.CompanyOpenInput{Name: "x"}, identitytest.Key()); fault.CodeOf(err) != fault.Unauthenticated {
		t.Fatal(err)
	}
}

func TestASecretIsShownOnce(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	ctx := graph.WithSession(t.Context(), x.Admin.Session)
	in := model.APITokenIssueInput{Name: "脚本", ExpiresAt: x.Admin.Session.Actor.Expires}
	key := identitytest.Key()
	r := resolver.Identity{Service: x.Identity, Reach: policyadmin.New(x.Runner, x.DB, x.Access)}
	first, err := r.APITokenIssue(ctx, in, key)
	if err != nil || first.Secret == nil || !strings.HasPrefix(*first.Secret, "clt_") || first.APIToken == nil {
		t.Fatalf("%+v %v", first, err)
	}
	again, err := r.APITokenIssue(ctx, in, key)
	if err != nil || again.Secret != nil || again.APIToken == nil || again.APIToken.ID != first.APIToken.ID {
		t.Fatalf("%+v %v", again, err)
	}
}
