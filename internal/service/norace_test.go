//go:build !race

package service_test

// raced says that the race detector is on.
const raced = false
