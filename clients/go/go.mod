module example

go 1.24

require gopkg.in/validator.v2 v2.0.0

// The generated code asks it whether an alternative of a union fits; there is no module proxy to have it from.
replace gopkg.in/validator.v2 => ./validator
