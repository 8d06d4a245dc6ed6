package fakekinesis

import (
	"math/big"
	"strconv"
	"strings"
)

// Bounds of a number (developer guide, data types): 38 significant digits, and magnitudes from 1E-130 to 9.99…E+125.
const (
	maxDigits    = 38
	minExponent  = -130
	maxExponent  = 125
	longestDigit = 256 // characters of a number's text that are looked at
)

// normal is the service's form of a number: no exponent, no sign of a positive one, no zeros that say nothing.
func normal(text string) (string, error) {
	wrong := invalid("The parameter cannot be converted to a numeric value: %s", clip(text))
	negative, rest := strings.HasPrefix(text, "-"), strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	mantissa, power, scaled := strings.Cut(strings.ToLower(rest), "e")
	exponent := 0
	if scaled {
		e, err := strconv.Atoi(power)
		if err != nil {
			return "", wrong
		}
		exponent = e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if len(text) > longestDigit || whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", wrong
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return "0", nil
	}
	exponent += len(digits) - len(trimmed)
	digits = trimmed
	switch high := exponent + len(digits) - 1; {
	case len(digits) > maxDigits:
		return "", invalid("Attempting to store more than 38 significant digits in a Number")
	case high > maxExponent:
		return "", invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case high < minExponent:
		return "", invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	return signed(negative, place(digits, exponent)), nil
}

// place writes digits times ten to the exponent without one.
func place(digits string, exponent int) string {
	switch {
	case exponent >= 0:
		return digits + strings.Repeat("0", exponent)
	case len(digits) > -exponent:
		return digits[:len(digits)+exponent] + "." + digits[len(digits)+exponent:]
	}
	return "0." + strings.Repeat("0", -exponent-len(digits)) + digits
}

func signed(negative bool, text string) string {
	if negative {
		return "-" + text
	}
	return text
}

// number is a number in normal form; a Rat holds every one exactly.
func number(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return new(big.Rat) // normal has refused it
	}
	return r
}

// sum is a + b, or a − b.
func sum(a, b string, minus bool) (string, error) {
	const safe = 1 << 62 // of the whole numbers that a counter is
	m, errM := strconv.ParseInt(a, 10, 64)
	n, errN := strconv.ParseInt(b, 10, 64)
	if errM == nil && errN == nil && max(m, -m, n, -n) < safe && !minus {
		return strconv.FormatInt(m+n, 10), nil
	}
	x, y := number(a), number(b)
	if minus {
		y.Neg(y)
	}
	return normal(new(big.Rat).Add(x, y).FloatString(maxDigits - minExponent))
}

// numberSize is about one byte for two significant digits, and one more (developer guide, item sizes and formats).
func numberSize(text string) int {
	digits := strings.Trim(strings.Replace(strings.TrimPrefix(text, "-"), ".", "", 1), "0")
	return (len(digits)+1)/2 + 1
}

// clip keeps a message short.
func clip(text string) string {
	const most = 64
	return text[:min(len(text), most)]
}
