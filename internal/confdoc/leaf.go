package confdoc

import (
	"encoding"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/stream"
)

// leaf fills a value that is written as one scalar.
func (d *Decoder) leaf(n *Node, path string, v reflect.Value, o options) {
	if v.Type() == secretType {
		d.secret(n, path, v)
		return
	}
	text, ok := d.text(n, path)
	if !ok {
		return
	}
	if text == "" {
		d.refuse(n, path, "is empty; leave the key out for the default")
		return
	}
	if words := d.schema.Words[v.Type()]; words != nil && !slices.Contains(words, text) {
		d.refuse(n, path, n.shown()+"unknown word"+Suggest(text, words))
		text = Nearest(text, words) // counts as what was meant, so that the mistake has no other in its wake
		if text == "" {
			return
		}
	}
	err := setLeaf(v, text, o)
	if err == nil {
		return
	}
	message := err.Error()
	if errors.As(err, new(*textError)) && (n.Hidden || n.Text != text) {
		message = "is not understood" // its own message may repeat what a reference stands for
	}
	d.refuse(n, path, n.shown()+message)
}

// shown begins a message with the value as it was written: references stand for what must perhaps not be seen.
func (n *Node) shown() string {
	if n.Hidden {
		return ""
	}
	return quote(n.Text) + ": "
}

// A textError is what a type's UnmarshalText returned.
type textError struct{ error }

func setLeaf(v reflect.Value, text string, o options) error {
	if v.Type() == durationType {
		return setDuration(v, text, o)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return &textError{err}
		}
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return errors.New("must be true or false")
		}
		v.SetBool(text == "true")
	case reflect.Float32, reflect.Float64:
		return setFloat(v, text, o)
	default:
		return setInteger(v, text, o)
	}
	return nil
}

func setDuration(v reflect.Value, text string, o options) error {
	if o.forever && text == "forever" {
		v.SetInt(-1)
		return nil
	}
	value, err := parseDuration(text)
	if err != nil {
		return err
	}
	if err := checkRange(value, o, parseDuration); err != nil {
		return err
	}
	v.SetInt(value.Int64())
	return nil
}

func parseDuration(text string) (*big.Int, error) {
	value, err := ParseDuration(text)
	return big.NewInt(int64(value)), err
}

func setInteger(v reflect.Value, text string, o options) error {
	parse := parseInteger
	if o.bytes {
		parse = parseSizeExactly
	}
	value, err := parse(text)
	if err != nil {
		return err
	}
	if err := checkRange(value, o, parse); err != nil {
		return err
	}
	lowest, highest := limits(v)
	switch {
	case value.Cmp(lowest) < 0:
		return fmt.Errorf("out of range: at least %v", lowest)
	case value.Cmp(highest) > 0:
		return fmt.Errorf("out of range: at most %v", highest)
	case v.CanUint():
		v.SetUint(value.Uint64())
	default:
		v.SetInt(value.Int64())
	}
	return nil
}

// limits are the bounds of an integer's type.
func limits(v reflect.Value) (lowest, highest *big.Int) {
	bits := uint(v.Type().Bits())
	one := big.NewInt(1)
	if v.CanUint() {
		return new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(one, bits), one)
	}
	half := new(big.Int).Lsh(one, bits-1)
	return new(big.Int).Neg(half), new(big.Int).Sub(half, one)
}

// maxDigits bounds a number as text: more digits are out of any range.
const maxDigits = 40

func parseInteger(text string) (*big.Int, error) {
	value, ok := new(big.Int), false
	if len(text) <= maxDigits {
		value, ok = value.SetString(text, 10)
	}
	if !ok {
		return nil, errors.New("must be a whole number, written in digits")
	}
	return value, nil
}

func parseSizeExactly(text string) (*big.Int, error) {
	value, err := ParseSize(text)
	return big.NewInt(value), err
}

// checkRange applies what the options allow. Parse reads their bounds.
func checkRange(value *big.Int, o options, parse func(string) (*big.Int, error)) error {
	switch {
	case value.Sign() < 0 && !o.signed:
		return errors.New("must not be negative")
	case value.Sign() == 0 && !o.zero && !o.signed:
		return errors.New("must be more than 0; leave the key out for the default")
	case o.min != "" && value.Cmp(bound(o.min, parse)) < 0, o.max != "" && value.Cmp(bound(o.max, parse)) > 0:
		return errors.New("out of range: allowed is " + allowed(o))
	}
	return nil
}

// bound reads a bound out of a tag.
func bound(text string, parse func(string) (*big.Int, error)) *big.Int {
	n, err := parse(text)
	if err != nil {
		panic(fmt.Sprintf("config tag: bound %q: %v", text, err))
	}
	return n
}

func allowed(o options) string {
	switch {
	case o.max == "":
		return o.min + " or more"
	case o.min == "":
		return "at most " + o.max
	}
	return o.min + " to " + o.max
}

func setFloat(v reflect.Value, text string, o options) error {
	n, err := strconv.ParseFloat(text, v.Type().Bits())
	switch {
	case err != nil || strings.Trim(text, "+-.0123456789eE") != "":
		return errors.New("must be a number")
	case n < 0 && !o.signed:
		return errors.New("must not be negative")
	case o.min != "" && n < floatBound(o.min), o.max != "" && n > floatBound(o.max):
		return errors.New("out of range: allowed is " + allowed(o))
	}
	v.SetFloat(n)
	return nil
}

func floatBound(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("config tag: bound %q: %v", text, err))
	}
	return n
}

// secret fills a secret from a text, from {env: NAME} or from {file: PATH}. No message repeats any of it.
func (d *Decoder) secret(n *Node, path string, v reflect.Value) {
	if n.Kind == Map {
		d.secretFrom(n, path, v)
		return
	}
	if n.Kind == Scalar && n.Source == FromURL && !isReference(n.Text) {
		d.refuse(n, path, "a secret does not stand in a URL; write ${NAME} and set that variable")
		return
	}
	text, ok := d.text(n, path)
	switch {
	case !ok:
	case text == "":
		d.refuse(n, path, "the secret is empty")
	default:
		var s secret.Secret
		if err := s.UnmarshalText([]byte(text)); err != nil {
			d.refuse(n, path, plain(err))
			return
		}
		v.Set(reflect.ValueOf(s))
	}
}

// secretFrom reads {env: NAME} and {file: PATH}.
func (d *Decoder) secretFrom(n *Node, path string, v reflect.Value) {
	var from struct{ Env, File string }
	before := len(d.mistakes)
	d.object(n, path, reflect.ValueOf(&from).Elem())
	if len(d.mistakes) > before {
		return
	}
	var s secret.Secret
	var err error
	switch {
	case (from.Env == "") == (from.File == ""):
		err = errors.New("a secret is one text, {env: NAME} or {file: PATH}")
	case from.File != "":
		s, err = secret.FromFile(from.File)
	default:
		if text, _ := d.lookup(from.Env); text != "" {
			s = secret.New(text)
		} else {
			err = fmt.Errorf("environment variable %s is not set, or empty", Printable(from.Env))
		}
	}
	if err != nil {
		d.refuse(n, path, plain(err))
		return
	}
	v.Set(reflect.ValueOf(s))
}

// plain drops the word that every message of a mistake would begin with.
func plain(err error) string { return strings.TrimPrefix(err.Error(), stream.ErrInvalid.Error()+": ") }
