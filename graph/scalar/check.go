package scalar

// Check reports why a value, as a JSON decoder or the parser left it, is none of the named scalar. A scalar that this
// package does not own passes. It lets values be refused before anything is executed, whoever executes.
func Check(name string, v any) error {
	var err error
	switch name {
	case "String":
		_, err = UnmarshalString(v)
	case "ID":
		_, err = UnmarshalID(v)
	case "Int":
		_, err = UnmarshalInt(v)
	case "Float":
		_, err = UnmarshalFloat(v)
	case "Date":
		_, err = UnmarshalDate(v)
	case "DateTime":
		_, err = UnmarshalDateTime(v)
	case "MinorUnits":
		_, err = UnmarshalMinorUnits(v)
	case "JSON":
		_, err = UnmarshalJSON(v)
	case "BigInt":
		_, err = UnmarshalBigInt(v)
	}
	return err
}
