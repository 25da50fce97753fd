package policy

// FieldKind is the type of a field in conditions. All of them compare by leakproof operators in SQL.
type FieldKind uint8

// The kinds of condition fields.
const (
	TextField   FieldKind = iota + 1 // one text value; = and !=
	SetField                         // several text values: "= X" means "has X", "!= X" means "has not X"
	MoneyField                       // minor units; = != < <= > >=
	BoolField                        // = and != with true or false
	NumberField                      // a small whole number; = != < <= > >=
)

// fact is the place in Row and Columns that a condition field reads.
type fact uint8

const (
	factGrade fact = iota + 1
	factKind
	factKinds
	factStage
	factState
	factAmount
	factImportant
	factSuspended
	factClass
)

// Field is something a condition may speak of. Values is the closed list of constants; empty = any well-formed constant.
type Field struct {
	Name   string
	Kind   FieldKind
	Label  Text
	Values []string
	fact   fact
}

// clientFields of a client, or of something that belongs to a client when prefix is "client" (clientGrade, clientKind …).
func clientFields(prefix string) []Field {
	fields := []Field{
		{"grade", TextField, Text{"客户等级", "client grade"}, []string{"VIP", "A", "B", "C"}, factGrade},
		{"kind", SetField, Text{"客户类别", "client kind"}, []string{"KEY", "SUPPLIER", "DEALER", "SPECIAL"}, factKinds},
		{"important", BoolField, Text{"重要客户", "important client"}, nil, factImportant},
		{"suspended", BoolField, Text{"已中止洽谈", "dealings suspended"}, nil, factSuspended},
	}
	if prefix == "" {
		return append(fields, Field{
			"stage", TextField,
			Text{"客户阶段", "client stage"},
			[]string{"prospect", "developing", "applied", "recognised", "trading", "terminated", "dissolved", "disposed"},
			factStage,
		})
	}
	for i := range fields {
		name := fields[i].Name
		fields[i].Name = prefix + string(name[0]-'a'+'A') + name[1:]
	}
	return fields
}

func contractFields() []Field {
	return append([]Field{
		{"kind", TextField, Text{"合同类型", "contract kind"}, []string{"SUPPLY", "QA", "SALES", "FRAMEWORK", "NDA", "SERVICE"}, factKind},
		{"state", TextField, Text{"合同状态", "contract state"}, []string{
			"draft", "review", "approved", "signing", "effective", "amending",
			"expired", "terminated", "completed", "withdrawn", "void",
		}, factState},
		{"amount", MoneyField, Text{"合同金额(分)", "contract amount (minor units)"}, nil, factAmount},
	}, clientFields("client")...)
}

// originalFields of an original or a borrowing: the field class of its content (of a borrowing the highest among its items) and its client.
func originalFields() []Field {
	class := Field{"class", NumberField, Text{"内容密级", "field class of the content"}, []string{"0", "1", "2", "3", "4", "5", "6", "7"}, factClass}
	return append([]Field{class}, clientFields("client")...)
}

// Comparison is one "field op constant" of a condition, parsed and typed.
type Comparison struct {
	Field *Field // of the catalogue, not to be changed
	Op    string // = != < <= > >=
	Text  string
	Int   int64
	Bool  bool
}
