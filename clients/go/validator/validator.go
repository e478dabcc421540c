// Package validator stands in for gopkg.in/validator.v2, whose one function the generated code calls after it has
// decoded an alternative of a union. The service judges what it is sent; here everything that decodes is taken.
package validator

// Validate finds nothing to object to.
func Validate(any) error { return nil }
