// Package nhs holds the words that every layer shares: NHS Number, ODS code, ASID, party key and interaction id.
//
// A value of these types that is not zero has been checked. An NHS Number cannot print itself: whatever formats it,
// logs it or encodes it writes a mask, and [Number.Digits] is the only way out.
package nhs
